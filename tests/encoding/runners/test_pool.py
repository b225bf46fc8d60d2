"""Several processes give the vectors of one, whatever becomes of them, and leave nothing behind."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import torch

from sentune.encoding.encode import EncodeSettings
from sentune.encoding.runners.messages import write_frame
from sentune.encoding.runners.pool import Pool
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError, PoolError
from sentune.tokens.truncation import count_truncation

_PATIENCE = 60  # seconds, on a machine that does other things as well


@pytest.fixture(scope="module")
def pool(tiny: SentenceTransformer) -> Iterator[Pool]:
    with tiny.start_multi_process_pool(["cpu", "cpu"]) as started:
        yield started


def processes(pool: Pool) -> list[int]:
    found = [worker._process for worker in pool._workers]
    return [process.pid for process in found if process is not None]


def is_alive(process: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):  # it may end in between
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2][:3]
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


# ── the same vectors ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunk_size": 1},
        {"chunk_size": 7, "batch_size": 3},
        {"prompt": "find the "},
        {"truncate_dim": 9, "normalize_embeddings": True},
        {"precision": "int8"},
        {"precision": "ubinary"},
        {"long_text": "chunk"},
        {"convert_to_tensor": True},
    ],
    ids=str,
)
def test_vectors(
    options: dict[str, Any], pool: Pool, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    texts = [*real_texts[:6], *real_texts[50:80]]
    here = {name: value for name, value in options.items() if name != "chunk_size"}
    with count_truncation() as expected_counts:
        expected = tiny.encode(texts, **here)
    with count_truncation() as counts:
        found = tiny.encode(texts, pool=pool, **options)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    if options.get("precision") == "int8":
        assert np.abs(found.astype(int) - expected).max() <= 1  # at the border of a bucket
    else:
        close(found, expected)
    assert counts == expected_counts
    assert counts.truncated + counts.windowed > 0


def test_shapes(pool: Pool, tiny: SentenceTransformer) -> None:
    assert tiny.encode([], pool=pool).shape == (0, 32)
    assert tiny.encode("one", pool=pool).shape == (32,)
    assert tiny.encode((text for text in ["one", "two"]), pool=pool).shape == (2, 32)
    ours = tiny.encode(["one", "", "two words"], pool=pool, output_value="token_embeddings")
    theirs = tiny.encode(["one", "", "two words"], output_value="token_embeddings")
    assert [rows.shape for rows in ours] == [rows.shape for rows in theirs]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    assert tiny.encode([], pool=pool, output_value="token_embeddings") == []


def test_the_model_in_memory_counts_and_not_its_folder(tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    before = model.encode(["some words"])
    with torch.no_grad():
        model.encoder.embeddings.word.weight.mul_(1.5)
    model.normalize = False
    expected = model.encode(["some words"])
    assert np.abs(expected - before).max() > 0.01
    with model.start_multi_process_pool(["cpu"]) as pool:
        close(model.encode(["some words"], pool=pool), expected)
        # Set afterwards, this travels with the texts.
        model.max_seq_length = 9
        close(model.encode(["the " * 20], pool=pool), model.encode(["the " * 20]))


def test_devices_are_a_pool_for_one_call(
    tiny: SentenceTransformer, real_texts: list[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    close(tiny.encode(real_texts[:40], device=["cpu", "cpu"]), tiny.encode(real_texts[:40]))
    assert list(tmp_path.iterdir()) == []


def test_several_threads_share_a_pool(
    pool: Pool, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    shares = [real_texts[start : start + 20] for start in range(0, 160, 20)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda share: tiny.encode(share, pool=pool, chunk_size=3), shares))
    for vectors, share in zip(found, shares, strict=True):
        close(vectors, tiny.encode(share))


def test_texts_are_taken_as_workers_get_free(pool: Pool) -> None:
    taken = 0

    def chunks() -> Iterator[list[str]]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield [f"text {number}"]

    blocks = pool.blocks(chunks(), EncodeSettings(), lambda _: None)
    for number, _ in enumerate(blocks, start=1):
        assert taken <= number + 2 * len(pool)
    assert taken == 40


def test_an_error_of_the_callers_generator_is_its_own(
    pool: Pool, tiny: SentenceTransformer
) -> None:
    def texts() -> Iterator[str]:
        yield from ["one", "two", "three"]
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        tiny.encode(texts(), pool=pool, chunk_size=1)
    close(tiny.encode(["one"], pool=pool), tiny.encode(["one"]))


def test_errors_are_those_of_one_process(pool: Pool, tiny: SentenceTransformer) -> None:
    def message(**options: Any) -> str:
        with pytest.raises(ArgumentError) as caught:
            tiny.encode(["a"], long_text="chunk", prompt="the " * 46, **options)
        return str(caught.value)

    assert message(pool=pool) == message()
    close(tiny.encode(["one"], pool=pool), tiny.encode(["one"]))


# ── what cannot be ────────────────────────────────────────────────────────────────────────────


def test_a_pool_of_another_model_is_refused(pool: Pool, tiny_folder: Path) -> None:
    other = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    with pytest.raises(ArgumentError, match="a pool of another model"):
        other.encode(["a"], pool=pool)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": []}, "the list of devices is empty"),
        ({"device": ["cpu", "bogus"]}, "device 'bogus'"),
        ({"chunk_size": 0}, "chunk_size is 0"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be(
    options: dict[str, Any], said: str, tiny: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match=said):
        tiny.encode(["a"], **options)


# ── workers that die ──────────────────────────────────────────────────────────────────────────


def test_a_worker_killed_between_calls_is_replaced(
    pool: Pool, tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    victim = processes(pool)[0]
    os.kill(victim, signal.SIGKILL)
    texts = [f"text number {number}" for number in range(12)]
    close(tiny.encode(texts, pool=pool, chunk_size=1), tiny.encode(texts))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert (
        f"on cpu (process {victim}) was ended by signal 9; another one encodes its 1 text"
        in record.getMessage()
    )
    wait_until(lambda: len(processes(pool)) == 2)
    assert victim not in processes(pool)


def test_workers_killed_at_work_lose_nothing(
    pool: Pool, tiny: SentenceTransformer, real_texts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    texts = real_texts[:400]
    expected = tiny.encode(texts)

    def taken() -> Iterator[str]:
        for number, text in enumerate(texts):
            if number in (100, 250):
                for process in processes(pool)[:1]:
                    os.kill(process, signal.SIGKILL)
            yield text

    found = tiny.encode(taken(), pool=pool, chunk_size=10)
    close(found, expected)
    assert sum("ended by signal 9" in record.getMessage() for record in caplog.records) == 2


def started_with(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = "import json, os, sys; sys.path[:] = json.loads(sys.argv[1]); "
    monkeypatch.setattr("sentune.encoding.runners.worker_process._START", begin + code)


def test_texts_that_end_every_worker_are_an_error(
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started_with(
        "import sentune.encoding.workers.pool_worker as w; "
        "w.encode_chunk = lambda *_: os._exit(3); w.main()",
        monkeypatch,
    )
    with tiny.start_multi_process_pool(["cpu"]) as pool:
        with pytest.raises(PoolError) as caught:
            tiny.encode(["one", "two"], pool=pool, chunk_size=2)
        assert "3 workers on cpu ended while encoding the same 2 texts" in str(caught.value)
        assert "exit code 3" in str(caught.value)
        assert len(caplog.records) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ended", ["before it is greeted", "after"])
def test_a_worker_that_cannot_start_is_an_error(
    ended: str, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if ended == "after":
        started_with("sys.stdin.buffer.read(1); sys.exit(7)", monkeypatch)
    else:
        started_with("sys.exit(7)", monkeypatch)
        send = write_frame

        def late(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
            time.sleep(1)
            send(stream, head, body)

        monkeypatch.setattr("sentune.encoding.runners.worker_process.write_frame", late)
    with pytest.raises(PoolError, match=r"ended with exit code 7 before it was ready"):
        tiny.start_multi_process_pool(["cpu", "cpu"])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_inside_a_worker_is_reported(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_with(
        "import sentune.encoding.workers.pool_worker as w; good = w.encode_chunk\n"
        "def encode(model, texts, *rest):\n"
        "    if 'bad' in texts: raise RuntimeError('out of memory')\n"
        "    return good(model, texts, *rest)\n"
        "w.encode_chunk = encode; w.main()",
        monkeypatch,
    )
    with tiny.start_multi_process_pool(["cpu"]) as pool:
        with pytest.raises(PoolError, match=r"a worker failed \(RuntimeError: out of memory\)"):
            tiny.encode(["bad"], pool=pool)
        close(tiny.encode(["good"], pool=pool), tiny.encode(["good"]))


def test_a_missing_extra_in_a_worker_is_raised_as_itself(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_with(
        "import sentune.encoding.workers.pool_worker as w\n"
        "from sentune.errors import MissingExtraError\n"
        "def encode(*_): raise MissingExtraError('pyarrow', 'index')\n"
        "w.encode_chunk = encode; w.main()",
        monkeypatch,
    )
    started = tiny.start_multi_process_pool(["cpu"])
    with started as pool, pytest.raises(MissingExtraError) as caught:
        tiny.encode(["a"], pool=pool)
    assert str(caught.value) == str(MissingExtraError("pyarrow", "index"))


def test_what_a_worker_prints_does_not_reach_the_pipe(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_with(
        "import sentune.encoding.workers.pool_worker as w; good = w.encode_chunk\n"
        "def encode(*given):\n"
        "    print('noise', flush=True); os.system('echo noise'); return good(*given)\n"
        "w.encode_chunk = encode; w.main()",
        monkeypatch,
    )
    with tiny.start_multi_process_pool(["cpu"]) as pool:
        close(tiny.encode(["good"], pool=pool), tiny.encode(["good"]))


# ── the end ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["with", "close", "stop", "forgotten"])
def test_a_pool_leaves_nothing_behind(
    how: str, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = tiny.start_multi_process_pool(["cpu"])
    found = processes(started)
    assert [is_alive(process) for process in found] == [True]
    tiny.encode(["one"], pool=started)
    if how == "forgotten":
        del started
        gc.collect()
        wait_until(lambda: not is_alive(found[0]) and not any(tmp_path.iterdir()))
    else:
        if how == "with":
            with started:
                pass
        elif how == "close":
            started.close()
        else:
            SentenceTransformer.stop_multi_process_pool(started)
        assert not is_alive(found[0])
        started.close()
        with pytest.raises(ArgumentError, match="a pool that was closed"):
            tiny.encode(["one"], pool=started)
    assert list(tmp_path.iterdir()) == []


def test_closing_a_pool_ends_those_who_wait_for_it(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_with(
        "import time, sentune.encoding.workers.pool_worker as w\n"
        "w.encode_chunk = lambda *_: time.sleep(600); w.main()",
        monkeypatch,
    )
    started = tiny.start_multi_process_pool(["cpu"])
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            tiny.encode([f"text {number}" for number in range(9)], pool=started, chunk_size=1)
        except PoolError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: started._tasks.qsize() > 0)
    started.close()
    thread.join(_PATIENCE)
    assert [str(error) for error in outcome] == [
        "the pool was closed: expected an open pool. Start a new one."
    ]


_SCRIPT = """
import os, sys, time
from sentune import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu", compute_dtype="float32")
pool = model.start_multi_process_pool(["cpu", "cpu"])
print(len(model.encode(["one", "two"], pool=pool, chunk_size=1)), flush=True)
print(pool._folder, *(worker._process.pid for worker in pool._workers), flush=True)
if len(sys.argv) > 2:
    time.sleep(600)
"""


def test_a_script_needs_no_main_guard_and_may_forget_the_pool(
    tiny_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tiny_folder)],
        capture_output=True,
        text=True,
        timeout=2 * _PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    count, told = done.stdout.splitlines()
    assert count == "2"
    folder, *found = told.split()
    assert not Path(folder).exists()
    wait_until(lambda: not any(is_alive(int(process)) for process in found))


def test_workers_end_with_the_process_that_was_killed(tiny_folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), str(tiny_folder), "wait"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        folder, *found = process.stdout.readline().split()
        process.kill()
    wait_until(lambda: not any(is_alive(int(worker)) for worker in found))
    wait_until(lambda: not Path(folder).exists())


def test_processors_are_shared_out(tiny: SentenceTransformer) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with tiny.start_multi_process_pool(["cpu", "cpu"]) as pool:
            assert [worker._greeting["threads"] for worker in pool._workers] == [2, 2]
    finally:
        torch.set_num_threads(before)


def test_devices_are_chosen(tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for processors, workers in ((1, 1), (3, 3), (64, 4)):
        monkeypatch.setattr("os.cpu_count", lambda count=processors: count)
        monkeypatch.setattr("sentune.encoding.runners.pool.WorkerProcess.start", lambda _: None)
        monkeypatch.setattr(
            "sentune.encoding.runners.pool.WorkerProcess.require_ready", lambda _: None
        )
        with tiny.start_multi_process_pool() as pool:
            assert [worker.device for worker in pool._workers] == ["cpu"] * workers
