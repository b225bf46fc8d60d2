#!/usr/bin/env bash
# huggingface_hub 2.4.0, hf_hub_download() through HF_ENDPOINT from a mirror that has models only.
# Expected: the first request is for the model.
# Seen: it is GET /api/agent-harnesses, in every process, since only an answer that succeeds is kept.
# Where it is not answered (a proxy that lets known paths through and drops others), each process
# waits 3 seconds before it asks for the model. HF_HUB_DISABLE_TELEMETRY=1 switches it off.
# Output: "process 1: /api/agent-harnesses, then the model after 3 s", the same for process 2,
#         "process 3, no telemetry: the model at once"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import http.server
import os
import subprocess
import sys
import threading
import time

requests = []
ended = threading.Event()


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        requests.append((self.path, time.monotonic()))
        if not self.path.startswith("/org/model/"):
            ended.wait()
            return
        self.send_response(200)
        for name, value in {"ETag": '"e"', "X-Repo-Commit": "0" * 40, "Content-Length": "2"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"{}")

    do_GET = do_HEAD

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
threading.Thread(target=server.serve_forever, daemon=True).start()
ENDPOINT = f"http://127.0.0.1:{server.server_port}"
DOWNLOAD = "import huggingface_hub; huggingface_hub.hf_hub_download('org/model', 'config.json')"


def download(**settings):
    """The first path that a process asks for, and the seconds until it asks for the model."""
    requests.clear()
    kept = {"PATH": os.environ["PATH"]}
    environment = {**kept, "HF_ENDPOINT": ENDPOINT, "HF_HOME": "home", **settings}
    subprocess.run([sys.executable, "-c", DOWNLOAD], env=environment, check=True)
    model = next(when for path, when in requests if path.startswith("/org/model/"))
    return requests[0][0], model - requests[0][1]


for process in (1, 2):
    first, waited = download()
    print(f"process {process}: {first}, then the model after {waited:.0f} s")
    assert first == "/api/agent-harnesses"
    assert waited >= 2.9
first, waited = download(HF_HUB_DISABLE_TELEMETRY="1")
print("process 3, no telemetry: the model at once")
ended.set()
assert first == "/org/model/resolve/main/config.json"
assert waited == 0
PYTHON
