"""Whether a server at an address may be Ray's, known in seconds and without Ray.

The first process of a cluster speaks gRPC, so HTTP/2 (RFC 9113). It is asked for its health, as
gRPC defines that, by a request that fits in one packet. Whatever Ray replies, its status of HTTP
is 200; a web server or a proxy replies something else.
"""

from __future__ import annotations

import socket
import time

__all__ = ["why_not_ray"]

_SECONDS = 8.0  # for the connection and the answer together
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4
_HEAD = 9  # bytes before the content of a frame
_STATUS_200 = 0x88  # in the table of usual headers (RFC 7541, appendix A)
_MOST_FRAMES = 20
_LARGEST = 16384  # bytes of a frame, before both sides agree on more


def why_not_ray(host: str, port: int) -> str:
    """The reason in words; empty where something like Ray answers. At most 8 seconds."""
    until = time.monotonic() + _SECONDS
    try:
        with socket.create_connection((host, port), _SECONDS) as connection:
            connection.sendall(_request(f"{host}:{port}"))
            return "" if _accepts(connection, until) else "another kind of server"
    except TimeoutError:
        return f"no answer in {_SECONDS:.0f} seconds"
    except OSError as error:
        return (error.strerror or str(error) or type(error).__name__).lower()


def _accepts(connection: socket.socket, until: float) -> bool:
    for _ in range(_MOST_FRAMES):
        head = _exactly(connection, _HEAD, until)
        size = int.from_bytes(head[:3], "big")
        if len(head) < _HEAD or head[:4] == b"HTTP" or size > _LARGEST:
            return False
        content = _exactly(connection, size, until)
        if head[3] == _HEADERS:
            # A change of the table's size may stand before the status.
            return content.lstrip(b"\x20\x3f\xe1\x1f")[:1] == bytes([_STATUS_200])
    return False


def _exactly(connection: socket.socket, count: int, until: float) -> bytes:
    found = b""
    while len(found) < count:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        more = connection.recv(count - len(found))
        if not more:
            break
        found += more
    return found


def _request(authority: str) -> bytes:
    headers = (
        b"\x83\x86"  # :method POST, :scheme http
        + b"\x04"
        + _literal("/grpc.health.v1.Health/Check")  # :path
        + b"\x01"
        + _literal(authority)
        + b"\x0f\x10"
        + _literal("application/grpc")  # content-type
        + b"\x00"
        + _literal("te")
        + _literal("trailers")
    )
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, 1, headers)
        + _frame(_DATA, _END_STREAM, 1, bytes(5))  # an empty message
    )


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return (
        len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content
    )


def _literal(text: str) -> bytes:
    content = text.encode("ascii", "replace")[:126]
    return bytes([len(content)]) + content
