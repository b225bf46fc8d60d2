"""Workers of a Ray cluster are killed at any instant, and the vectors stay those of one process.

Pytest does not find this file by its name: it needs the extra ``ray``, which is not in ``dev``.
``make crash`` installs it and kills 50 times, ``make test-long`` twice.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sentune import SentenceTransformer
from sentune.bulk import encode_to_file
from sentune.data.many_files import text_files
from sentune.encoding.runners.ray_cluster import LOCAL, Cluster, join_cluster
from sentune.encoding.runners.ray_runner import RayRunner
from sentune.encoding.workers.ray_worker import encode_chunk_of
from sentune.errors import ArgumentError, PoolError
from sentune.index import Index

_KILLS = int(os.environ.get("SENTUNE_KILLS", "2"))
_SHARD = 16


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with join_cluster(LOCAL) as joined:
        yield joined


@pytest.fixture
def model(tiny_folder: Path) -> SentenceTransformer:
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


@pytest.fixture
def folder(tmp_path: Path, real_texts: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files of 60 texts: 15 shards."""
    monkeypatch.setattr("sentune.bulk.run._SHARD", _SHARD)
    place = tmp_path / "texts"
    place.mkdir()
    texts = [text for text in real_texts if text.strip()]
    for number in range(4):
        rows = [
            {"id": f"{number}-{at}", "text": text}
            for at, text in enumerate(texts[60 * number : 60 * number + 60])
        ]
        lines = "\n".join(map(json.dumps, rows))
        (place / f"{number}.jsonl").write_text(lines, encoding="utf-8")
    return place


def below(process: int) -> Iterator[int]:
    """The numbers of all processes that a process has started, and of theirs."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == process:
                yield int(stat.parent.name)
                yield from below(int(stat.parent.name))


def killing(cluster: Cluster, model: SentenceTransformer, kills: Path) -> RayRunner:
    """A runner whose workers kill themselves at random instants, so many times in all."""
    runner = RayRunner(cluster, model)
    most, noted = _KILLS, str(kills)

    def encode(*task: Any) -> Any:  # a closure, so that it needs no module on the other side
        def kill() -> None:
            with Path(noted).open("ab") as stream:
                if stream.tell() < most:
                    stream.write(b"x")
                    stream.flush()
                    os.kill(os.getpid(), signal.SIGKILL)

        if random.random() < 0.15:
            # While the model is loaded, while texts are encoded, or when the worker waits.
            threading.Timer(random.uniform(0, random.choice((0.02, 0.2, 3))), kill).start()
        return encode_chunk_of(*task)

    runner._task = cluster.ray.remote(num_cpus=1, max_retries=4)(encode)
    return runner


def test_a_killed_worker_changes_nothing(
    cluster: Cluster, model: SentenceTransformer, folder: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.parquet"
    encode_to_file(model, text_files(folder), alone)
    kills = tmp_path / "kills"
    kills.touch()
    runner = killing(cluster, model, kills)
    runs = 0
    while kills.stat().st_size < _KILLS:
        out = tmp_path / f"{runs}.parquet"
        written = encode_to_file(model, text_files(folder), out, pool=runner)
        assert written.encoded == 240
        assert out.read_bytes() == alone.read_bytes()
        runs += 1
    print(f"{kills.stat().st_size} workers killed in {runs} runs of 15 shards")


def test_any_reader_of_parquet_knows_the_vectors(
    cluster: Cluster, model: SentenceTransformer, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "v.parquet"
    encode_to_file(model, text_files(folder), out, pool=RayRunner(cluster, model))
    table = pq.read_table(out)
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[32]"
    assert table["id"].to_pylist()[58:62] == ["0-58", "0-59", "1-0", "1-1"]
    vectors = table["embedding"].combine_chunks().flatten().to_numpy().reshape(240, -1)
    texts = [row.text for row in text_files(folder)]
    np.testing.assert_allclose(vectors, model.encode(texts), rtol=0, atol=1e-6)


def test_an_index_has_the_rows_of_one_process(
    cluster: Cluster, model: SentenceTransformer, folder: Path, tmp_path: Path
) -> None:
    alone = Index.build(tmp_path / "alone", model, str(folder))
    kills = tmp_path / "kills"
    kills.touch()
    runner = killing(cluster, model, kills)
    there = Index.build(tmp_path / "there", model, str(folder), pool=runner)
    assert [*there._version.table.digests()] == [*alone._version.table.digests()]
    for own in alone._version.table.digests().values():
        digests = [text for text, _ in own.values()]
        expected, found = (each._version.vectors_of_texts(digests) for each in (alone, there))
        for digest in digests:
            assert found[digest].vectors.tobytes() == expected[digest].vectors.tobytes()


def test_errors_of_a_worker_are_those_of_one_process(
    cluster: Cluster, model: SentenceTransformer
) -> None:
    runner = RayRunner(cluster, model)
    prompt = "word " * 60
    with pytest.raises(ArgumentError) as alone:
        model.encode(["a text"], long_text="chunk", prompt=prompt)
    with pytest.raises(ArgumentError) as there:
        model.encode(["a text"], long_text="chunk", prompt=prompt, pool=runner)
    assert str(there.value) == str(alone.value)


def test_another_version_on_a_machine_is_refused(
    cluster: Cluster, model: SentenceTransformer
) -> None:
    runner = RayRunner(cluster, model)
    runner._greeting["versions"] = {"torch": "1.0"}
    with pytest.raises(PoolError, match=r"a machine of the cluster has torch 2.*version 1\.0"):
        model.encode(["a text"], pool=runner)


def test_texts_that_end_every_worker_end_the_run(
    cluster: Cluster, model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.runners.ray_runner._ATTEMPTS", 2)
    runner = RayRunner(cluster, model)
    remote = cluster.ray.remote(num_cpus=1, max_retries=1)
    runner._task = remote(lambda *_: os.kill(os.getpid(), 9))
    with pytest.raises(PoolError, match="2 workers ended while encoding the same 1 text "):
        model.encode(["a text"], pool=runner)


def test_a_killed_caller_leaves_no_process_and_can_go_on(
    tiny_folder: Path, folder: Path, tmp_path: Path, model: SentenceTransformer
) -> None:
    script = (
        "import sys; from sentune.bulk import run; run._SHARD = 16; from sentune.cli import main; "
        "sys.exit(main())"
    )
    out = tmp_path / "v.npy"
    options = ("--ray", LOCAL, "--compute-dtype", "float32", "--out", str(out))
    command = [sys.executable, "-c", script, "encode", str(tiny_folder), str(folder), *options]
    begun = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    shards = tmp_path / ".v.npy.encoding"
    while not list(shards.glob("[0-9]*.json")):
        assert begun.poll() is None
        time.sleep(0.02)
    started = list(below(begun.pid))
    begun.kill()
    begun.wait()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "continuing after" in ended.stderr
    encode_to_file(model, text_files(folder), tmp_path / "alone.npy")
    assert out.read_bytes() == (tmp_path / "alone.npy").read_bytes()
    for _ in range(600):  # Ray's own processes look every few seconds whether they are alone
        left = [each for each in started if Path(f"/proc/{each}").exists()]
        if not left:
            break
        time.sleep(0.1)
    assert not left
