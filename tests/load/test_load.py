"""More than the server can do, and clients that mean it no good; with limits lowered for it.

The worker has no model: a token takes a known time, so that the capacity is known too.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.long import LONG
from tests.serving.running import Running, running

from sentune.serving.limits import Limits
from sentune.serving.plan import Plan

SECONDS = 60.0 if LONG else 2.0
PACE = 0.0005
TEXT = "a a a"  # five tokens: 400 texts a second
LIMITS = Limits(
    body=20_000,
    bodies=30_000,
    inputs=50,
    requests=100,
    waiting_tokens=200,
    batch_tokens=50,
    body_seconds=1.0,
    head_seconds=1.0,
)
Found = list[tuple[int, float]]


@pytest.fixture
def server(fake: Path) -> object:
    (fake / "pace").write_text(str(PACE))
    with running(Plan(str(fake)), LIMITS) as found:
        yield found


def request_of(text: str, path: str = "/embed") -> bytes:
    body = json.dumps({"inputs": text}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    size = int(head.split("content-length:")[1].split("\r\n")[0])
    return int(head.split(" ")[1]), await reader.readexactly(size)


async def client(port: int, end: float, found: Found, *, pause: float = 0.0) -> None:
    """Ask one question after the other, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        began = time.perf_counter()
        writer.write(request_of(TEXT))
        status, body = await answer_of(reader)
        found.append((status, time.perf_counter() - began))
        if status == 200:
            assert json.loads(body)[0][0] == 5.0
        await asyncio.sleep(pause)
    writer.close()


async def clients(port: int, number: int, seconds: float, pause: float = 0.0) -> Found:
    found: Found = []
    end = time.perf_counter() + seconds
    await asyncio.gather(*(client(port, end, found, pause=pause) for _ in range(number)))
    return found


def resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def slow(found: Found, status: int) -> float:
    """The 99th of 100 waits."""
    waits = sorted(wait for each, wait in found if each == status)
    return waits[int(len(waits) * 0.99)]


def test_more_than_it_can_do(server: Running) -> None:
    asyncio.run(clients(server.port, 100, 0.5))
    before = resident(os.getpid())
    found = asyncio.run(clients(server.port, 100, SECONDS, pause=0.02))
    counts = Counter(status for status, _ in found)
    assert set(counts) == {200, 429}
    assert counts[429] > 0
    assert counts[200] > 100 * SECONDS / 2  # it goes on with what it can do
    refused = sorted(wait for status, wait in found if status == 429)
    accepted = sorted(wait for status, wait in found if status == 200)
    assert refused[len(refused) // 2] < accepted[len(accepted) // 2]
    if LONG:
        assert resident(os.getpid()) < before + (32 << 20)
    assert asyncio.run(clients(server.port, 1, 0.1))[-1][0] == 200  # at once, when they are gone
    assert server.engine.accepted == 0
    assert server.engine.waiting_tokens == 0


def test_bodies_above_the_limits(server: Running) -> None:
    large = server.post("/embed", {"inputs": "a" * 30_000})
    assert large.status == 413
    nested = server.post("/embed", b"[" * 15_000)
    assert nested.status == 422
    many = server.post("/embed", {"inputs": ["a"] * 51})
    assert (many.status, "at most 50" in many.body["error"]) == (413, True)
    assert asyncio.run(_chunked(server.port, 30)) == 413
    assert asyncio.run(_chunked(server.port, 1000)) in (413, None)
    assert server.engine.accepted == 0


def test_many_bodies_at_once(server: Running) -> None:
    """What is being received is bounded too, over all clients."""

    async def status() -> int:
        head = b"POST /embed HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        writers = []
        for _ in range(2):  # they do not end
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(head + b"content-length: 19000\r\n\r\n" + b"a" * 14_900)
            writers.append(writer)
        await asyncio.sleep(0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head + b"content-length: 1000\r\n\r\n" + b"a" * 1000)
        found, _ = await answer_of(reader)
        for each in (*writers, writer):
            each.close()
        return found

    assert asyncio.run(status()) == 429
    assert asyncio.run(clients(server.port, 1, 0.1))[-1][0] == 200


async def _chunked(port: int, parts: int) -> int | None:
    """The answer to a body that does not say how long it is; None if the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /embed HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    writer.write(head + b"transfer-encoding: chunked\r\n\r\n")
    try:
        for _ in range(parts):
            writer.write(b"400\r\n" + b"a" * 1024 + b"\r\n")
            await writer.drain()
        if parts < 100:
            writer.write(b"0\r\n\r\n")
        return (await answer_of(reader))[0]
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"POST /em", request_of(TEXT)[:-3]])
def test_slow_clients_are_sent_away(server: Running, sent: bytes) -> None:
    async def ends() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    answer = asyncio.run(ends())
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


def test_a_connection_kept_alive_is_not_a_slow_client(server: Running) -> None:
    async def twice() -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        found = []
        for _ in range(2):
            writer.write(request_of(TEXT))
            found.append((await answer_of(reader))[0])
            await asyncio.sleep(1.5)
        writer.close()
        return found

    assert asyncio.run(twice()) == [200, 200]


def test_ordinary_clients_beside_bad_ones(server: Running) -> None:
    """Slow ones, ones that go in the middle, and bodies that are refused."""
    seconds = SECONDS / 2
    alone = asyncio.run(clients(server.port, 4, seconds, pause=0.02))

    async def beside() -> Found:
        end = time.perf_counter() + seconds
        bad = [asyncio.create_task(_bad(server.port, end, kind)) for kind in range(12)]
        found = await clients(server.port, 4, seconds, pause=0.02)
        await asyncio.gather(*bad, return_exceptions=True)
        return found

    found = asyncio.run(beside())
    assert {status for status, _ in found} <= {200, 429}
    # On a busy machine one wait says little: half of them must be as they were, within a margin.
    usual, now = (sorted(w for s, w in each if s == 200) for each in (alone, found))
    assert now[len(now) // 2] < 2 * usual[len(usual) // 2] + 0.1
    if LONG:
        assert slow(found, 200) < 2 * slow(alone, 200) + 0.1
    assert server.get("/health").status == 200
    assert server.engine.accepted == 0


async def _bad(port: int, end: float, kind: int) -> None:
    while time.perf_counter() < end:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        if kind % 3 == 0:  # goes before the answer
            writer.write(request_of(TEXT))
            await asyncio.sleep(0.03)
        elif kind % 3 == 1:  # is slow
            for byte in request_of(TEXT)[:20]:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)
        else:
            writer.write(request_of("a" * 30_000))
            await asyncio.sleep(0.05)
        writer.transport.abort()
