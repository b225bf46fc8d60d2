"""The server beside a plain handler: requests a second, and how long they take.

    .venv/bin/python -m bench.serve [--rounds 3] [--seconds 3] [--clients 1,8,32,64]

Printed beside them is the processor time of a request, over all processes of a server: on a busy
machine it is steadier than the rate, because the system shares its time by threads, of which the
plain handler has forty.

The plain handler is FastAPI with sentence-transformers in bfloat16 behind it, as people write it:
one call of ``encode`` for each request. Both are processes of their own on this machine, and take
turns. Each client keeps its connection and asks one question after the other. Printed are medians
over rounds and the ratio of the same round; the machine is shared by server and clients, so the
figures are no server's capacity. Last: what one client waits more than a direct call of ``encode``,
and the least cosine between the vectors of both servers.

infinity-emb is measured too where it is installed; it is no part of the development packages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

_PLAIN = """
import sys, torch, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(sys.argv[1], device="cpu", model_kwargs={"dtype": torch.bfloat16})
app = FastAPI()

class Body(BaseModel):
    inputs: str | list[str]

@app.post("/embed")
def embed(body: Body) -> list[list[float]]:
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    return model.encode(texts, show_progress_bar=False).tolist()

@app.get("/health")
def health() -> str:
    return "ready"

uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""
_OURS = "from sentune.cli import main; main()"
_BATCH = 32
_Asked = list[str] | list[list[str]]
_HEAD = (
    "POST /embed HTTP/1.1\r\nhost: x\r\n"
    "content-type: application/json\r\ncontent-length: {}\r\n\r\n"
)


class Load(NamedTuple):
    """What some clients got: requests a second, two quantiles of the wait in ms, and what the
    server used: ms of processor time for a request."""

    rate: float
    middle: float
    slow: float
    work: float


class Server(NamedTuple):
    """A server that listens."""

    port: int
    process: int


def main() -> None:
    """Print a table of both servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", default="1,8,32,64")
    given = parser.parse_args()
    folder = str(resolve(DEFAULT_BASE_MODEL).folder)
    questions = _questions(512)
    with _servers(folder) as servers:
        _agree(servers, questions[:64])
        for clients in map(int, given.clients.split(",")):
            _compared(f"{clients} clients", servers, questions, clients, given)
        batches = [questions[start : start + _BATCH] for start in range(0, 512, _BATCH)]
        _compared(f"8 clients, {_BATCH} texts", servers, batches, 8, given)
        _overhead(folder, servers["sentune"], questions, given.rounds)


def _questions(number: int) -> list[str]:
    from sentune.data import python_docs

    return list(islice(python_docs().pairs.questions.values(), number))


@contextmanager
def _servers(folder: str) -> Iterator[dict[str, Server]]:
    ports = [_free() for _ in range(3)]
    started = {
        "plain": _started("-c", _PLAIN, folder, str(ports[0])),
        "sentune": _started("-c", _OURS, "serve", folder, "--port", str(ports[1])),
    }
    if find_spec("infinity_emb"):
        command = ("v2", "--model-id", folder, "--port", str(ports[2]), "--device", "cpu")
        started["infinity"] = _started("-m", "infinity_emb", *command)
    try:
        for port, _ in zip(ports, started, strict=False):
            _wait(port)
        yield {
            system: Server(port, process.pid)
            for port, (system, process) in zip(ports, started.items(), strict=False)
        }
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            process.wait(40)


def _started(*command: str) -> subprocess.Popen[bytes]:
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return subprocess.Popen([sys.executable, *command], env=quiet, stdout=subprocess.DEVNULL)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("a server did not start")


def _compared(
    name: str,
    servers: dict[str, Server],
    asked: _Asked,
    clients: int,
    given: argparse.Namespace,
) -> None:
    found: dict[str, list[Load]] = {system: [] for system in servers}
    for server in servers.values():
        asyncio.run(_load(server, asked, clients, 0.3))
    for _ in range(given.rounds):
        for system, server in servers.items():
            found[system].append(asyncio.run(_load(server, asked, clients, given.seconds)))
    print(name)
    for system, loads in found.items():
        rates = [load.rate / plain.rate for load, plain in zip(loads, found["plain"], strict=True)]
        middle = [statistics.median(column) for column in zip(*loads, strict=True)]
        print(
            f"  {system:<9} {middle[0]:8.1f} requests/s   p50 {middle[1]:7.1f} ms   "
            f"p99 {middle[2]:7.1f} ms   "
            f"work {middle[3]:6.1f} ms   {statistics.median(rates):5.2f} x plain"
        )


async def _load(
    server: Server, asked: list[str] | list[list[str]], clients: int, seconds: float
) -> Load:
    waits: list[float] = []
    before = _used(server.process)
    numbers, end = count(), time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while time.perf_counter() < end:
            body = json.dumps({"inputs": asked[next(numbers) % len(asked)]}).encode()
            began = time.perf_counter()
            writer.write(_HEAD.format(len(body)).encode() + body)
            await _answer(reader)
            waits.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    taken = time.perf_counter() - began
    waits.sort()
    work = 1000 * (_used(server.process) - before) / len(waits)
    slow = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    return Load(len(waits) / taken, 1000 * waits[len(waits) // 2], 1000 * slow, work)


def _used(process: int) -> float:
    """Seconds of processor time that a process and its children have used."""
    used, ticks = 0, os.sysconf("SC_CLK_TCK")
    for each in [process, *_children(process)]:
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / ticks


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task").glob("*/children")
    return [int(each) for file in listed for each in file.read_text().split()]


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    if " 200 " not in head.split("\r\n")[0]:
        raise SystemExit(f"an answer was {head}")
    size = int(head.split("content-length:")[1].split("\r\n")[0])
    return await reader.readexactly(size)


def _agree(servers: dict[str, Server], texts: list[str]) -> None:
    vectors = {system: _vectors(server.port, texts) for system, server in servers.items()}
    for system, found in vectors.items():
        cosines = (found * vectors["plain"]).sum(axis=1)
        print(f"{system}: least cosine to plain {cosines.min():.5f}")


def _vectors(port: int, texts: list[str]) -> NDArray[np.float64]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/embed",
        json.dumps({"inputs": texts}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        found = np.array(json.load(answer))
    unit: NDArray[np.float64] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def _overhead(folder: str, server: Server, questions: list[str], rounds: int) -> None:
    """The median wait of one client beside that of ``encode`` in this process, alternating."""
    from sentune import SentenceTransformer

    model = SentenceTransformer(folder)
    differences = []
    for _ in range(rounds):
        direct = []
        for question in questions[:200]:
            began = time.perf_counter()
            model.encode(question)
            direct.append(time.perf_counter() - began)
        served = asyncio.run(_load(server, questions, 1, sum(direct))).middle
        differences.append((served, 1000 * statistics.median(direct)))
    more = statistics.median(served - direct for served, direct in differences)
    usual = statistics.median(direct for _, direct in differences)
    print(f"one client waits {more:.2f} ms more than encode takes ({usual:.2f} ms)")


if __name__ == "__main__":
    main()
