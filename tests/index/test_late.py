"""The late stage in an index: the hits of a search in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.errors import IndexFolderError
from sentune.index import Index
from sentune.index.store import MODEL_FILE
from sentune.ranking.late_interaction import LateChoice
from sentune.search import PassageSearch

EXTRAS = {"kept": "tuned", "fusion_weight": 0.4, "late_weight": 0.9, "late_depth": 12}
QUESTIONS = ["how is a file read", "an argument of the wrong type", "zzzz"]


@pytest.fixture
def late_index(
    tmp_path: Path, tiny: SentenceTransformer, rows: list[dict[str, Any]]
) -> Iterator[Index]:
    """An index by the small model, with a late stage saved."""
    tiny.extras = dict(EXTRAS)
    try:
        yield Index.build(tmp_path / "late-index", tiny, rows)
    finally:
        tiny.extras = {}


def test_an_index_ranks_as_memory_does(
    late_index: Index, tiny: SentenceTransformer, texts: list[str]
) -> None:
    memory = PassageSearch(tiny, {f"a{number}": text for number, text in enumerate(texts)})
    assert (late_index.mode, memory.mode) == ("late", "late")
    assert late_index.late == memory.late == LateChoice(0.9, 12)
    together = late_index.search_many(QUESTIONS, 30)
    for question, found in zip(QUESTIONS, together, strict=True):
        expected = memory.search(question, 30)
        assert [hit.id for hit in found] == [hit.id for hit in expected]
        assert [hit.piece for hit in found] == [hit.piece for hit in expected]
        assert max(hit.pieces for hit in found) > 1
        for name in ("score", "similarity"):
            assert [getattr(hit, name) for hit in found] == pytest.approx(
                [getattr(hit, name) for hit in expected], abs=1e-4
            )
        assert late_index.search(question, 30) == found
        hybrid = late_index.search(question, 30, mode="hybrid")
        assert {hit.id for hit in found[:12]} == {hit.id for hit in hybrid[:12]}
        assert [hit.id for hit in found[12:]] == [hit.id for hit in hybrid[12:]]


def test_a_condition_holds_in_a_late_search(late_index: Index) -> None:
    hits = late_index.search(QUESTIONS[0], 50, where="part = 'odd'")
    assert hits
    assert {hit.fields["part"] for hit in hits} == {"odd"}
    assert late_index.search(QUESTIONS[0], where="page > 1000") == []


def test_the_late_stage_is_kept_with_the_index(
    late_index: Index, tiny: SentenceTransformer
) -> None:
    again = Index.open(late_index.path, tiny)
    assert (again.mode, again.late) == ("late", LateChoice(0.9, 12))


def test_an_index_from_before_has_none(index: Index, tiny: SentenceTransformer) -> None:
    (file,) = Path(index.path).rglob(MODEL_FILE)
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["late_weight"], content["late_depth"]
    file.write_text(json.dumps(content), encoding="utf-8")
    again = Index.open(index.path, tiny)
    assert (again.mode, again.late) == ("dense", LateChoice())
    assert again.search(QUESTIONS[0], 5, mode="late")


def test_a_damaged_weight_is_refused(index: Index, tiny: SentenceTransformer) -> None:
    (file,) = Path(index.path).rglob(MODEL_FILE)
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "late_weight": 3}), encoding="utf-8")
    with pytest.raises(IndexFolderError, match="late_weight"):
        Index.open(index.path, tiny)
