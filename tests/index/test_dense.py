"""Exact below a size, approximate above it, with the recall that is claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.data import Passage
from sentune.index import Index, dense


@pytest.fixture
def large(
    tmp_path: Path,
    tiny: SentenceTransformer,
    real_texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Index:
    """900 passages, where 400 count as many."""
    monkeypatch.setattr(dense, "EXACT_BELOW", 400)
    rows = [Passage(str(n), t, {"n": n}) for n, t in enumerate(real_texts) if t.strip()]
    return Index.build(tmp_path / "index", tiny, rows[:900])


def test_small_is_exact(index: Index) -> None:
    assert index.info().dense == "exact: 120 passages are fewer than 10,000"
    assert index.info().recall == 1.0


def test_large_is_approximate_and_says_how_well(large: Index, tiny: SentenceTransformer) -> None:
    info = large.info()
    assert info.dense.startswith("approximate: 900 passages are 400 or more")
    assert info.recall >= 0.98
    questions = [hit.text for hit in large.search("a file", 100, mode="words")][:40]
    vectors = large._table.sample(900, seed=0)
    shares = []
    for question in questions:
        found = large.search(question, 10, mode="dense")
        exact = np.sort(vectors @ tiny.encode_query(question))[::-1][:10]
        scores = [hit.score for hit in found]
        # Equal texts tie, so scores are compared and not ids.
        shares.append(np.mean([score >= exact[-1] - 1e-5 for score in scores]))
    assert np.mean(shares) >= 0.98


def test_the_claim_is_measured(large: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest = large._table.nearest

    def worse(vector: Any, limit: int, *, probes: int | None = None, **options: Any) -> Any:
        rows, scores = nearest(vector, limit, probes=probes, **options)
        return (rows, scores) if probes is None else ([-row for row in rows[:6]], scores[:6])

    monkeypatch.setattr(large._table, "nearest", worse)
    measured = dense._measured(large._table, 900, 30)
    assert measured.recall < 0.1
    assert measured.probes == 30  # no number of partitions was enough, so all of them


def test_a_narrow_filter_is_answered_exactly(large: Index) -> None:
    hits = large.search("a file", 10, where="n >= 880", mode="dense")
    assert len(hits) == 10
    assert all(hit.fields["n"] >= 880 for hit in hits)  # type: ignore[operator]


def test_new_rows_are_found_at_once(large: Index, tmp_path: Path) -> None:
    large.add([{"id": "new", "text": "a very special parrot", "n": -1}])
    assert large._table.vectors_covered() == 901
    assert large.search("a very special parrot", 1, mode="words")[0].id == "new"
    vector = large._table.take([large._table.matching(["parrot"], 1)[0][0]])[0]
    found = large._table.nearest(np.array(vector["sentune_vector"], dtype=np.float32), 1, probes=8)
    assert found[0] == large._table.matching(["parrot"], 1)[0]


def test_without_the_file_search_is_exact(large: Index) -> None:
    (large.path / "1" / "dense.json").unlink()
    assert large.info().recall == 1.0
    assert large.search("a file", 3, mode="dense")
