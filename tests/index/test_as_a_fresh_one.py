"""An index gives what a fresh one over the same passages gives, whatever was done to it before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.long import LONG

from sentune import SentenceTransformer
from sentune.index import Index, dense, writer
from sentune.ranking.bm25 import BM25

QUESTIONS = ["how do I copy a file", "copy", "a thread ends and a file is read", "passage"]
Rows = list[dict[str, Any]]
Before = Callable[[Index], object]


def _copies(count: int) -> Rows:
    """Passages of one length; every second one has the word "copy"."""
    words = ("copy", "thread")
    return [{"id": f"c{n}", "text": f"passage {n}x {words[n % 2]} file"} for n in range(count)]


def _scores(index: Index, question: str) -> dict[str, float]:
    return {hit.id: hit.score for hit in index.search(question, 1000, mode="words")}


def _require_fresh(index: Index, rows: Rows) -> None:
    """Words have the scores of BM25 over the rows, to the last bit."""
    texts = [row["text"] for row in rows]
    for question, expected in zip(QUESTIONS, BM25(texts).scores(QUESTIONS), strict=True):
        wanted = {row["id"]: score for row, score in zip(rows, expected, strict=True) if score > 0}
        found = _scores(index, question)
        assert found == wanted


@pytest.mark.parametrize("gone", [1, 4, 45])
def test_words_forget_deleted_passages(
    tmp_path: Path, tiny: SentenceTransformer, gone: int
) -> None:
    rows = _copies(100)
    index = Index.build(tmp_path / "index", tiny, rows)
    index.delete([row["id"] for row in rows[: 2 * gone : 2]])
    left = [*rows[1 : 2 * gone : 2], *rows[2 * gone :]]
    _require_fresh(index, left)
    _require_fresh(Index.open(index.path, tiny), left)
    fresh = Index.build(tmp_path / "fresh", tiny, left)
    assert _scores(index, "copy") == pytest.approx(_scores(fresh, "copy"), rel=1e-6)


def _stop(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _killed(act: Before) -> Before:
    """The same, stopped between the rows and what is made of them."""

    def run(index: Index) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer.Writer, "_update_indexes", _stop)
            with pytest.raises(KeyboardInterrupt):
                act(index)

    return run


_MORE = [{"id": f"m{n}", "text": f"passage {n}y copy file"} for n in range(10)]
_CHANGED = [{"id": f"c{n}", "text": f"passage {n}z thread ends thread"} for n in range(0, 20, 2)]
_GONE = [f"c{n}" for n in (0, 2, 4)]
_ACTS: dict[str, tuple[Before, Callable[[Rows], Rows]]] = {
    "add": (lambda index: index.add(_MORE), lambda rows: [*rows, *_MORE]),
    "change": (
        lambda index: index.add(_CHANGED),
        lambda rows: [*_CHANGED, *rows[1:20:2], *rows[20:]],
    ),
    "delete": (
        lambda index: index.delete(_GONE),
        lambda rows: [row for row in rows if row["id"] not in _GONE],
    ),
}


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("act", _ACTS)
def test_words_have_one_scale_after_any_change(
    tmp_path: Path, tiny: SentenceTransformer, act: str, killed: bool
) -> None:
    rows = _copies(99)
    index = Index.build(tmp_path / "index", tiny, rows)
    reader = Index.open(index.path, tiny)
    assert len(_scores(reader, "copy")) == 50
    change, after = _ACTS[act]
    (_killed(change) if killed else change)(index)
    for each in (index, reader, Index.open(index.path, tiny)):
        _require_fresh(each, after(rows))
    hits = reader.search("copy", 200, mode="words", where="id LIKE 'm%'")
    assert len(hits) == (10 if act == "add" else 0)


# ── conditions ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def apart(
    tmp_path: Path,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
) -> Index:
    """1,200 passages of two subjects whose vectors lie far apart, where 400 count as many."""
    monkeypatch.setattr(dense, "EXACT_BELOW", 400)
    draw = np.random.default_rng(0)
    centre = {"food": 1.0, "law": -1.0}

    def encode(inputs: Sequence[str], **_: Any) -> np.ndarray:
        vectors = draw.normal(size=(len(inputs), 32)) / 12
        vectors[:, 0] += [centre[text.split()[0]] for text in inputs]
        return np.array(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    monkeypatch.setattr(tiny, "encode_document", encode)
    question = encode(["food"])[0]
    monkeypatch.setattr(tiny, "encode_query", lambda *_, **__: question)
    rows = [
        {"id": f"{topic}{n}", "text": f"{topic} {n}", "topic": topic, "n": n}
        for n in range(600)
        for topic in ("food", "law")
    ]
    return Index.build(tmp_path / "index", tiny, rows)


@pytest.mark.parametrize("mode", ["dense", "hybrid", "words"])
@pytest.mark.parametrize(
    ("where", "count"),
    [(None, 1200), ("topic = 'law'", 600), ("topic = 'food'", 600), ("n < 30", 60),
     ("topic = 'law' AND n < 6", 6), ("topic = 'law' AND n = 7", 1), ("n < 0", 0)],
)  # fmt: skip
def test_as_many_hits_as_meet_a_condition(
    apart: Index, mode: str, where: str | None, count: int
) -> None:
    for top in (1, 10, 60, 250, 2000):
        hits = apart.search("food law", top, where=where, mode=mode)
        most = {"dense": top, "hybrid": min(top, 100), "words": top}[mode]
        assert len(hits) >= min(most, count)
        assert len(hits) <= min(top, count)
        if mode == "dense":
            assert len({hit.id for hit in hits}) == len(hits)
            everything = apart.search("food law", 1200, where=where, mode=mode)
            assert [hit.score for hit in hits] == [hit.score for hit in everything[: len(hits)]]


# ── any history ───────────────────────────────────────────────────────────────────────────────


def _passage(draw: np.random.Generator, number: int) -> dict[str, Any]:
    words = draw.choice(["copy", "file", "thread", "ends", "lock", "read", "sort"], 5)
    return {"id": f"p{number}", "text": f"{' '.join(words)} n{number}", "n": number}


def _act(index: Index, rows: dict[str, dict[str, Any]], draw: np.random.Generator) -> None:
    """Change the index and the rows alike."""
    kind = draw.choice(["add", "change", "delete", "where", "killed"])
    some = [rows[name] for name in draw.permutation(list(rows))[:7]]
    if kind in ("add", "killed"):
        fresh = [_passage(draw, len(rows) + 1000 * n) for n in range(int(draw.integers(1, 12)))]
        (_killed(lambda i: i.add(fresh)) if kind == "killed" else lambda i: i.add(fresh))(index)
        rows.update({row["id"]: row for row in fresh})
    elif kind == "change":
        changed = [{**row, "text": row["text"] + " sort"} for row in some]
        index.add(changed)
        rows.update({row["id"]: row for row in changed})
    elif kind == "delete":
        assert index.delete([row["id"] for row in some]) == len(some)
        for row in some:
            del rows[row["id"]]
    else:
        assert index.delete(where="n % 5 = 1") == sum(row["n"] % 5 == 1 for row in rows.values())
        for name in [name for name, row in rows.items() if row["n"] % 5 == 1]:
            del rows[name]


@pytest.mark.parametrize("seed", range(6 if LONG else 2))
def test_any_history_is_forgotten(tmp_path: Path, tiny: SentenceTransformer, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = {row["id"]: row for row in (_passage(draw, n) for n in range(60))}
    index = Index.build(tmp_path / "index", tiny, list(rows.values()))
    reader = Index.open(index.path, tiny)
    for _ in range(8):
        _act(index, rows, draw)
        assert len(reader) == len(rows)
        _require_fresh(reader, list(rows.values()))
    fresh = Index.build(tmp_path / "fresh", tiny, list(rows.values()))
    for mode in ("dense", "words", "hybrid"):
        for where in (None, "n % 2 = 0"):
            for question in QUESTIONS:
                found = reader.search(question, 300, where=where, mode=mode)
                right = fresh.search(question, 300, where=where, mode=mode)
                # Equal scores come in the order of writing, which differs.
                scores = {hit.id: hit.score for hit in right}
                assert {hit.id: hit.score for hit in found} == pytest.approx(scores, abs=1e-4)
                assert [h.score for h in found] == pytest.approx([h.score for h in right], abs=1e-4)
    assert {hit.text for hit in reader.search("a", 300, mode="dense")} == {
        row["text"] for row in rows.values()
    }


def test_what_changes_never_leave_are_files(tmp_path: Path, tiny: SentenceTransformer) -> None:
    index = Index.build(tmp_path / "index", tiny, _copies(30))
    for n in range(12):
        index.add([{"id": f"x{n}", "text": f"passage {n}x copy"}])
        index.delete([f"c{n}"])
    kept = {file.name for file in (index.path / "1").glob("*.safetensors")}
    assert kept == index._version.manifest.files
    assert len(index._version.manifest.segments) <= 5
