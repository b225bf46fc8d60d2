#!/usr/bin/env bash
# openai 3.57.0, embeddings.create() without an encoding_format.
# Expected: the request says nothing of a format, and the server's default (float) holds.
# Seen: the client adds encoding_format "base64" (and decodes little-endian float32), so a server
# that knows floats only must ignore the field, and one that is strict must know base64.
# Output: "{'model': 'm', 'input': 'a', 'encoding_format': 'base64'}"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import base64
import http.server
import json
import struct
import threading

import openai

requests = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        vector = base64.b64encode(struct.pack("<2f", 1, 2)).decode()
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = {"object": "list", "model": "m", "data": data, "usage": usage}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
vector = client.embeddings.create(model="m", input="a").data[0].embedding
print(requests[0])
assert requests == [{"model": "m", "input": "a", "encoding_format": "base64"}]
assert vector == [1.0, 2.0]
PYTHON
