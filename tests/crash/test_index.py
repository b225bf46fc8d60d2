"""An index whose writers are killed, run together, or find the disk full.

``make test-long`` kills 100 times, ``make test`` twice. The index has token vectors, for which a
codec is learnt on the way; in ``make test-long`` also one without them.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.long import LONG

from sentune import SentenceTransformer
from sentune.index import Index
from sentune.index.segments.token_codec import WholeTokens

_ADDS = Path(__file__).with_name("adds.py")
_PARTS = 3
_KILLS = 100 if LONG else 2


# What is stored without tokens is a part of what is stored with them.
@pytest.fixture(params=[True, False] if LONG else [True])
def index(tmp_path: Path, tiny: SentenceTransformer, request: pytest.FixtureRequest) -> Index:
    first = [{"id": "first", "text": "the first passage"}]
    return Index.build(tmp_path / "index", tiny, first, late=request.param)


@contextmanager
def _adding(
    index: Index, model: Path, name: str, count: int, limit: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    arguments = [str(index.path), str(model), name, str(count), *([str(limit)] if limit else [])]
    process = subprocess.Popen(
        [sys.executable, str(_ADDS), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.poll()
        yield process
    finally:
        process.kill()
        process.communicate()


def _acknowledged(process: subprocess.Popen[str]) -> tuple[list[int], list[str]]:
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    done = [int(line.split()[1]) for line in lines if line.startswith("done ")]
    return done, [line for line in lines if line.startswith("refused ")]


def _stored(index: Index) -> list[str]:
    """Every id, repeats included."""
    return [row["id"] for batch in index._version.table.batches(1000) for row in batch.to_pylist()]


def _require_tokens(index: Index) -> None:
    """Every piece has its tokens, packed as the index says, or none has."""
    snapshot = index._version.snapshot
    tokens = snapshot.tokens(range(snapshot.width))
    known = index._built_with.tokens
    assert {len(each) > 0 for each in tokens} == {known}
    if known and snapshot.codec is None:
        assert {WholeTokens.read(each).vectors.shape[1] for each in tokens} == {32}
    elif snapshot.codec is not None:
        head, width = len(snapshot.codec.axes) + 4, 2 + len(snapshot.codec.levels) // 8
        assert {(len(each) - head) % width for each in tokens} == {0}


def test_every_acknowledged_addition_survives_a_kill(
    index: Index, tiny_folder: Path, tiny: SentenceTransformer
) -> None:
    draw = random.Random(0)
    expected = {"first"}
    for kill in range(_KILLS):
        name = f"k{kill}"
        with _adding(index, tiny_folder, name, 10_000) as process:
            time.sleep(draw.uniform(0.05, 1.5))
            process.kill()
            done, refused = _acknowledged(process)
        assert not refused
        after = Index.open(index.path, tiny)
        stored = _stored(after)
        assert len(stored) == len(set(stored))
        for number in done:
            expected |= {f"{name}-{number}-{part}" for part in range(_PARTS)}
        assert expected <= set(stored)
        # The last addition is there whole or not at all.
        begun = {f"{name}-{len(done)}-{part}" for part in range(_PARTS)}
        assert set(stored) - expected in (set(), begun)
        expected |= set(stored)
        for mode in ("hybrid", "late"):
            assert len(after.search("passage part", 10, mode=mode)) == min(10, len(stored))
        _require_tokens(after)
        after.add([{"id": f"after-{kill}", "text": f"added after kill {kill}"}])
        expected.add(f"after-{kill}")


def test_two_writers_lose_nothing(index: Index, tiny_folder: Path) -> None:
    with (
        _adding(index, tiny_folder, "left", 12) as left,
        _adding(index, tiny_folder, "right", 12) as right,
    ):
        # Both also write the same passages.
        for number in range(6):
            index.add([{"id": f"left-{number}-0", "text": f"left passage {number} part 0"}])
        outcomes = [_acknowledged(process) for process in (left, right)]
    assert outcomes == [(list(range(12)), [])] * 2
    index._version.refresh()
    stored = _stored(index)
    assert sorted(stored) == sorted(
        {"first"}
        | {
            f"{name}-{n}-{part}"
            for name in ("left", "right")
            for n in range(12)
            for part in range(3)
        }
    )


def test_a_full_disk_is_an_error_and_the_index_opens(
    index: Index, tiny_folder: Path, tiny: SentenceTransformer
) -> None:
    before = set(_stored(index))
    for limit in (1, 1500, 6000):
        with _adding(index, tiny_folder, f"l{limit}", 100, limit) as process:
            done, refused = _acknowledged(process)
        assert len(refused) == 1
        assert "cannot be written" in refused[0]
        after = Index.open(index.path, tiny)
        stored = set(_stored(after))
        _require_tokens(after)
        acknowledged = {f"l{limit}-{n}-{part}" for n in done for part in range(_PARTS)}
        assert before | acknowledged <= stored
        # The rows may be there without their words, but never a part of the rows.
        begun = {f"l{limit}-{len(done)}-{part}" for part in range(_PARTS)}
        assert stored - before - acknowledged in (set(), begun)
        before = stored
    assert index.add([{"id": "room", "text": "there is room again"}]).added == 1
    assert index.search("room", 1, mode="words")[0].id == "room"
