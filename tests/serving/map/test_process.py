"""The process of the map: the model answers beside it, and one that dies or hangs is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.serving.running import Running

from sentune.serving.map.process import MapProcess
from sentune.serving.plan import Plan
from sentune.serving.problems import RefusedError


def test_the_model_answers_while_the_map_is_made(server: Running) -> None:
    assert server.get("/map").status == 200
    pid = server.engine.map.pid
    assert pid is not None
    assert pid != server.engine.worker_pid
    os.kill(pid, signal.SIGSTOP)  # a map that takes for ever
    try:
        made = asyncio.run_coroutine_threadsafe(server.engine.map.ask("map", {}), server.loop)
        assert server.post("/embed", {"inputs": "a"}).status == 200
        assert server.post("/search", {"query": "copy"}).status == 200
        assert not made.done()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert b'"drawn": 3' in made.result(30)


def test_one_that_is_killed_is_replaced(server: Running) -> None:
    assert server.get("/map").status == 200
    pid = server.engine.map.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.get("/map").status == 503
    assert server.get("/map").status == 200
    assert server.engine.map.pid != pid


def test_one_that_hangs_is_ended(index_folder: Path) -> None:
    async def ask() -> None:
        process = MapProcess(Plan("", str(index_folder)), 30)
        await process.ask("map", {})
        process._seconds, pid = 0.2, process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(RefusedError) as refused:
            await process.ask("map", {})
        assert refused.value.status == 503
        assert process.pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(ask())


def test_who_goes_away_leaves_no_answer_to_the_next(index_folder: Path) -> None:
    async def ask() -> None:
        process = MapProcess(Plan("", str(index_folder)), 30)
        await process.ask("map", {})
        gone = asyncio.ensure_future(process.ask("map", {}))
        await asyncio.sleep(0)
        gone.cancel()
        found = await process.ask("passage", {"source": "", "id": "b"})
        assert b"A thread ends" in found
        await process.end()

    asyncio.run(ask())


def test_an_index_that_has_gone(tmp_path: Path) -> None:
    async def ask() -> None:
        process = MapProcess(Plan("", str(tmp_path / "none")), 30)
        with pytest.raises(RefusedError) as refused:
            await process.ask("map", {})
        assert refused.value.status == 503
        assert process.pid is None

    asyncio.run(ask())
