"""Batches, a worker that fails, and the limits of the queue; without HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.serving.engine import Engine
from sentune.serving.jobs import Job, Waiting
from sentune.serving.limits import Limits
from sentune.serving.plan import Plan
from sentune.serving.problems import RefusedError

Act = Callable[[Engine], Awaitable[Any]]


def with_engine(folder: Path, act: Act, **limits: Any) -> Any:
    """Start an engine, do something with it, and close it."""

    async def run() -> Any:
        engine = Engine(Plan(str(folder)), Limits(**limits))
        await engine.start()
        try:
            return await act(engine)
        finally:
            await engine.close()

    return asyncio.run(run())


async def embedded(engine: Engine, *texts: str) -> Any:
    return await engine.embed(await engine.reader.texts(texts))


async def status_of(engine: Engine, *texts: str) -> int:
    """200, or the status of the refusal."""
    try:
        await embedded(engine, *texts)
    except RefusedError as refused:
        return refused.status
    return 200


async def until_ready(engine: Engine) -> None:
    while engine.trouble:
        await asyncio.sleep(0.01)


def test_each_client_gets_its_own_vectors(fake: Path) -> None:
    async def act(engine: Engine) -> None:
        texts = [" ".join("copy" for _ in range(1 + n % 40)) for n in range(300)]
        requests = [texts[start : start + 1 + start % 7] for start in range(0, 290, 3)]
        found = await asyncio.gather(*(embedded(engine, *each) for each in requests))
        for texts_of_one, rows in zip(requests, found, strict=True):
            ids = engine.reader.tokenizer(texts_of_one)[0]
            expected = [(len(each), sum(each)) for each in ids]
            assert rows[:, :2].tolist() == [list(map(float, pair)) for pair in expected]

    with_engine(fake, act, batch_tokens=64)


def test_a_worker_that_dies(fake: Path) -> None:
    """What it had fails; what waits is computed by the next one."""

    async def act(engine: Engine) -> None:
        first = engine.worker_pid
        tasks = [status_of(engine, "copy !"), *(status_of(engine, "copy") for _ in range(4))]
        found = await asyncio.gather(*tasks)
        assert found[0] == 503
        assert found[1] == 503  # sent along with it
        assert found[4] == 200
        assert await engine.alive()
        assert engine.worker_pid not in (None, first)

    with_engine(fake, act, batch_tokens=16)


def test_a_worker_that_hangs(fake: Path) -> None:
    async def act(engine: Engine) -> None:
        assert await status_of(engine, "copy ?") == 503
        assert await status_of(engine, "copy") == 503  # until the next one is there
        await until_ready(engine)
        assert await status_of(engine, "copy") == 200

    with_engine(fake, act, hung_seconds=0.3)


def test_a_worker_that_is_killed_between_requests(
    fake: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(engine: Engine) -> None:
        pid = engine.worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while not engine.trouble:
            await asyncio.sleep(0.01)
        assert not await engine.alive()
        await until_ready(engine)
        assert await status_of(engine, "copy") == 200

    with_engine(fake, act)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the model's process ended (signal 9); a new one starts"]


def test_another_model_in_the_same_folder_is_never_used(fake: Path) -> None:
    async def act(engine: Engine) -> None:
        facts = json.loads((fake / "facts.json").read_text(encoding="utf-8"))
        facts["model"]["fingerprint"]["weights"] = "others"
        (fake / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        assert await status_of(engine, "copy !") == 503
        while "changed" not in engine.trouble:
            await asyncio.sleep(0.01)
        assert await status_of(engine, "copy") == 503
        assert not await engine.alive()

    with_engine(fake, act)


def test_the_queue_is_full_for_one_and_for_many_alike(fake: Path) -> None:
    async def act(engine: Engine) -> None:
        stuck = [asyncio.create_task(status_of(engine, "copy ?"))]
        stuck += [asyncio.create_task(status_of(engine, "a a a")) for _ in range(5)]
        await asyncio.sleep(0.05)
        with pytest.raises(RefusedError) as one:
            await embedded(engine, "a")
        with pytest.raises(RefusedError) as many:
            await embedded(engine, *["a"] * 50)
        assert one.value.status == many.value.status == 429
        assert int(one.value.headers["retry-after"]) >= 1
        os.kill(engine.worker_pid or 0, signal.SIGKILL)
        found = await asyncio.gather(*stuck)
        assert found[-1] == 200

    with_engine(fake, act, batch_tokens=8, waiting_tokens=20)


def test_what_was_accepted_is_not_refused_half_way(fake: Path) -> None:
    async def act(engine: Engine) -> None:
        engine.draining = True  # after the request was accepted
        assert await status_of(engine, "a") == 200
        with pytest.raises(RefusedError):
            engine.require_room()
        engine.draining = False
        engine.accepted = engine.limits.requests  # this one is the last that there is room for
        assert await status_of(engine, "a") == 200
        engine._waiting.tokens += engine.limits.waiting_tokens
        assert await status_of(engine, "a") == 429
        with pytest.raises(RefusedError):
            await engine.ask("embed", b"", 1)
        begun = asyncio.ensure_future(engine.ask("embed", b"", 1, begun=True))
        await asyncio.sleep(0)
        assert not begun.done()
        begun.cancel()
        engine._waiting.tokens = 0

    with_engine(fake, act)


def test_tokens_that_are_listed_have_the_limit_of_a_request(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.serving.texts._LISTED", 3)

    async def act(engine: Engine) -> None:
        listed = await engine.reader.tokens_listed(["a b a b", ""], special=True)
        parsed = [[each["text"] for each in json.loads(text)] for text in listed]
        assert parsed == [["[CLS]", "a", "b", "a", "b", "[SEP]"], ["[CLS]", "[SEP]"]]
        with pytest.raises(RefusedError) as refused:
            await engine.reader.tokens_listed(["a b", "a b a"], special=True)
        assert refused.value.status == 413

    with_engine(fake, act, tokens=8)


def test_many_texts_do_not_keep_one_waiting(fake: Path) -> None:
    (fake / "pace").write_text("0.0002")

    async def act(engine: Engine) -> None:
        many = asyncio.create_task(embedded(engine, *["copy a file"] * 400))
        await asyncio.sleep(0.05)
        await embedded(engine, "copy")
        assert not many.done()
        assert len(await many) == 400

    with_engine(fake, act, batch_tokens=64)


def test_what_nobody_waits_for_is_not_computed(fake: Path) -> None:
    (fake / "pace").write_text("0.001")

    async def act(engine: Engine) -> None:
        tasks = [asyncio.create_task(embedded(engine, *["copy a file"] * 50)) for _ in range(20)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        assert (await embedded(engine, "copy")).shape == (1, 32)
        assert engine.waiting_tokens == 0

    with_engine(fake, act, batch_tokens=64)


@given(
    st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=12),
    st.integers(4, 40),
)
def test_batches_have_every_text_once(lengths: list[list[int]], most: int) -> None:
    loop = asyncio.new_event_loop()
    waiting, jobs = Waiting(most), []
    for number, each in enumerate(lengths):
        ids = [[number] * length for length in each]
        jobs.append(Job("embed", ("embed", number % 2), ids, done=loop.create_future()))
        waiting.add(jobs[-1])
    assert waiting.tokens == sum(map(sum, lengths))
    while (batch := waiting.batch()) is not None:
        assert len({job.key for job, _ in batch.parts}) == 1
        assert batch.tokens <= most or batch.size == 1
        for job, places in batch.parts:
            rows = np.array([[len(ids), ids[0]] for ids in job.ids[places]], np.float32)
            job.put(places, rows)
    for number, (job, each) in enumerate(zip(jobs, lengths, strict=True)):
        assert job.done.result().tolist() == [[length, number] for length in each]
    assert waiting.tokens == 0
    loop.close()
