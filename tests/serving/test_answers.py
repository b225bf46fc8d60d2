"""Long answers leave others their turn, and arrive in one piece, without delay."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import numpy as np
import pytest
from tests.serving.running import Running

from sentune.serving.answers import vectors_listed, with_list
from sentune.serving.server import _listening


def test_others_have_their_turn_while_a_long_answer_is_written() -> None:
    vectors = np.random.default_rng(0).normal(size=(1000, 384)).astype(np.float32)

    async def write() -> tuple[bytes, int]:
        turns = 0
        written = asyncio.ensure_future(vectors_listed(vectors))
        while not written.done():
            turns += 1
            await asyncio.sleep(0)
        return written.result(), turns

    content, turns = asyncio.run(write())
    np.testing.assert_array_equal(np.array(json.loads(content), np.float32), vectors)
    assert turns > 15


@pytest.mark.parametrize("count", [0, 1, 200])
def test_parts_make_up_the_whole(count: int) -> None:
    vectors = np.arange(count * 1000, dtype=np.float32).reshape(count, 1000)

    def show(part: np.ndarray[Any, Any], start: int) -> list[Any]:
        return [[number, *row] for number, row in enumerate(part.tolist(), start)]

    data = asyncio.run(vectors_listed(vectors, show))
    found = json.loads(with_list({"a": 1}, "data", data, {"b": 2}))
    expected = [[n, *row] for n, row in enumerate(vectors.tolist())]
    assert list(found.items()) == [("a", 1), ("data", expected), ("b", 2)]


def test_head_and_body_are_sent_at_once(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        sent = b'POST /embed HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{"inputs":"a"}'
        link.sendall(sent)
        first = link.recv(1 << 20)
    head, body = first.split(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head.lower() + b"\r\n"


def test_connections_do_not_wait_for_confirmations() -> None:
    """Nagle's algorithm holds the second part of an answer back, for 40 ms."""

    async def option(listener: socket.socket) -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def taken(_: Any, writer: asyncio.StreamWriter) -> None:
            link = writer.get_extra_info("socket")
            accepted.set_result(link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(taken, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            found = await accepted
            writer.close()
        return found

    with _listening("127.0.0.1", 0) as listener:
        assert asyncio.run(option(listener)) != 0
