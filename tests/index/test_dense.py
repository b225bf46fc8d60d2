"""Exact below a size, nearly exact above it, with the recall that is claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.data import Passage
from sentune.index import Index, dense
from sentune.index.segments import nearest
from sentune.index.segments.nearest import Nearness
from sentune.index.segments.snapshot import Snapshot

CONDITIONS = [(None, 4000), ("half = 0", 2000), ("n >= 3800", 200), ("n >= 3980", 20), ("n = 7", 1)]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """4,000 unit vectors in clusters, so that neighbours are near and partitions differ."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(40, 32))
    found = centres[draw.integers(0, 40, 4000)] + 0.5 * draw.normal(size=(4000, 32))
    return np.array(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def large(
    tmp_path: Path,
    tiny: SentenceTransformer,
    vectors: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> Index:
    """These vectors, where 400 count as many and 100 candidates may be enough."""
    monkeypatch.setattr(dense, "EXACT_BELOW", 400)
    monkeypatch.setattr(nearest, "_SMALL", 100)
    monkeypatch.setattr(dense, "_CANDIDATES", (10, 100, 200, 400, 800, 1600))
    monkeypatch.setattr(
        tiny,
        "encode_document",
        lambda texts, **_: vectors[[int(text.split()[1]) for text in texts]],
    )
    rows = [Passage(f"p{n}", f"passage {n}", {"n": n, "half": n % 2}) for n in range(4000)]
    return Index.build(tmp_path / "index", tiny, rows)


def _asked(index: Index, question: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.model, "encode_query", lambda *_, **__: question)


def test_small_is_exact(index: Index) -> None:
    assert index.info().dense == "exact: 221 pieces are fewer than 5,000"
    assert index.info().recall == 1.0


def test_exact_where_an_addition_was_stopped_before_it_was_measured(large: Index) -> None:
    (large.path / "1" / "dense.json").unlink()
    info = Index.open(large.path).info()
    assert info.dense == "exact, until the next addition to these 4,000 passages"


@pytest.mark.parametrize(("where", "left"), CONDITIONS)
def test_the_recall_holds_under_conditions_near_and_far(
    large: Index,
    vectors: np.ndarray,
    where: str | None,
    left: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    info = large.info()
    assert info.dense.startswith("approximate: 4,000 passages are 400 or more")
    assert info.recall >= 0.995
    numbers = np.arange(4000)
    kept = {"half = 0": numbers % 2 == 0, "n = 7": numbers == 7, None: numbers >= 0}.get(
        where, numbers >= 4000 - left
    )
    questions = vectors[:30] + 0.05 * np.random.default_rng(1).normal(size=(30, 32))
    shares = []
    # Near to what the condition leaves, and as far from it as can be.
    far = [] if where is None else [-vectors[kept].mean(axis=0)]
    for question in (*questions.astype(np.float32), *far):
        _asked(large, question, monkeypatch)
        hits = large.search("a question", 10, mode="dense", where=where)
        assert len(hits) == min(10, left)
        unit = question / np.linalg.norm(question)
        exact = np.where(kept, vectors.astype(np.float64) @ unit, -np.inf)
        best = np.argsort(-exact, kind="stable")[: len(hits)]
        shares.append(len({int(hit.id[1:]) for hit in hits} & set(best.tolist())) / len(hits))
        found = [exact[int(hit.id[1:])] for hit in hits]
        assert [hit.score for hit in hits] == pytest.approx(found, abs=1e-6)
    assert np.mean(shares) >= 0.99


def test_every_passage_can_be_asked_for(large: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for top in (100, 1500, 4000, 5000):
        assert len(large.search("passage", top, mode="dense")) == min(top, 4000)
    assert len(large.search("passage", 5000, mode="dense", where="half = 1")) == 2000


def test_the_claim_is_measured(large: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    exactly = Snapshot.nearest

    def worse(self: Snapshot, vector: Any, top: int, allowed: Any, nearness: Nearness) -> Any:
        places, scores = exactly(self, vector, top, allowed, nearness)
        return (places, scores) if nearness.candidates is None else (places[:6], scores[:6] - 0.1)

    monkeypatch.setattr(Snapshot, "nearest", worse)
    measured = dense._measured(large._version.snapshot)
    assert measured.recall < 0.1
    assert measured.candidates == 1600  # no number of candidates was enough, so the most


def test_without_the_file_search_is_exact(large: Index) -> None:
    (large.path / "1" / "dense.json").unlink()
    assert large.info().recall == 1.0
    assert large.search("a file", 3, mode="dense")
