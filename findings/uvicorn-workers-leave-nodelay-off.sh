#!/usr/bin/env bash
# uvicorn 0.54.0 on CPython 3.11's asyncio, with a socket of Config.bind_socket(), as it is used for
# --workers, for --reload and by programs that want to know the port first.
# Expected: TCP_NODELAY is on for every connection, as without that socket.
# Seen: it is off. bind_socket() makes a socket of protocol 0, and asyncio sets the option only where
# the protocol is IPPROTO_TCP. On a connection that is kept, an answer in two writes then waits for
# the client's delayed acknowledgement: 40 ms and more in place of .1 ms on Linux. A socket made with
# IPPROTO_TCP and handed to Server.serve() has the option. uvicorn's issue 3149 reports it as well.
# Output: "a host and a port: protocol 6, TCP_NODELAY on", "bind_socket(): protocol 0, TCP_NODELAY off"
#         "own socket: protocol 6, TCP_NODELAY on"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import socket
import urllib.request

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class Recorded(H11Protocol):
    def connection_made(self, transport):
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        seen.append((connection.proto, "on" if option else "off"))


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def ask(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        return answer.read()


async def answer_one(bind):
    """Serve one request on the socket that bind makes, or, if it makes none, on uvicorn's own."""
    config = uvicorn.Config(
        app, "127.0.0.1", 0, loop="asyncio", http=Recorded, lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    sockets = bind(config)
    serving = asyncio.create_task(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    listener = (sockets or server.servers[0].sockets)[0]
    body = await asyncio.to_thread(ask, listener.getsockname()[1])
    server.should_exit = True
    await serving
    assert body == b"hello"


def own(_):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return [listener]


ways = {
    "a host and a port": lambda config: None,
    "bind_socket()": lambda config: [config.bind_socket()],
    "own socket": own,
}
seen = []
for name, bind in ways.items():
    asyncio.run(answer_one(bind))
    proto, option = seen[-1]
    print(f"{name}: protocol {proto}, TCP_NODELAY {option}")
assert seen == [(6, "on"), (0, "off"), (6, "on")]
PYTHON
