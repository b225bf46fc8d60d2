#!/usr/bin/env bash
# openai 3.57.0 with a base_url whose server answers 200 with a web page: the usual answer of a server
# with a web interface when "/v1" is forgotten, or of a proxy that wants a login.
# Expected: one error that says that the answer is no JSON.
# Seen: chat.completions.create() returns the page as a str, and with stream=True a stream with no
# chunk at all, so that the answer looks empty. embeddings.create() returns a str as well, if
# encoding_format is "float"; without it there is an AttributeError. Nothing names the content type.
# Output: "chat: str", "chat, stream: 0 chunks", "embeddings, float: str",
#         "embeddings: AttributeError: 'str' object has no attribute 'data'"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import http.server
import threading

import openai

PAGE = b"<!doctype html><title>Chat</title><body>Welcome</body>"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="none")
chat = {"model": "m", "messages": [{"role": "user", "content": "Is it raining?"}]}

answer = client.chat.completions.create(**chat)
chunks = list(client.chat.completions.create(**chat, stream=True))
floats = client.embeddings.create(model="m", input="a", encoding_format="float")
try:
    raised = f"no error: {client.embeddings.create(model='m', input='a')!r}"
except AttributeError as error:
    raised = f"AttributeError: {error}"
print(f"chat: {type(answer).__name__}", f"chat, stream: {len(chunks)} chunks", sep="\n")
print(f"embeddings, float: {type(floats).__name__}", f"embeddings: {raised}", sep="\n")
assert answer == floats == PAGE.decode()
assert chunks == []
assert raised == "AttributeError: 'str' object has no attribute 'data'"
PYTHON
