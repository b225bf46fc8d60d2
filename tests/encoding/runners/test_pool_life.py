"""How a pool starts, fails and ends. No other pool is open meanwhile: each process takes memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import torch
from tests.encoding.runners.alive import PATIENCE, is_alive, processes, wait_until

from sentune.encoding.runners.messages import write_frame
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError, PoolError


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


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
    thread.join(PATIENCE)
    assert [str(error) for error in outcome] == [
        "the pool was closed: expected an open pool. Start a new one."
    ]


_SCRIPT = """
import os, sys, time
from sentune import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu", compute_dtype="float32")
pool = model.start_multi_process_pool(["cpu"])
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
        timeout=2 * PATIENCE,
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
