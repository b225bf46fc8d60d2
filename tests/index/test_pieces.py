"""Long passages in an index: pieces belong to their passage, whatever is done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.index.best import dense_scores, word_scores
from tests.long import LONG

from sentune import SentenceTransformer, count_truncation
from sentune.errors import ArgumentError, IndexFolderError
from sentune.index import Index, dense, writer
from sentune.index.segments import nearest
from sentune.index.segments.segment import best_pieces
from sentune.index.store import LocalStore

QUESTIONS = ["how do I copy a file", "copy", "a thread ends and a file is read", "passage"]
Rows = dict[str, dict[str, Any]]


def _passage(draw: np.random.Generator, number: int, most: int = 300) -> dict[str, Any]:
    """From one piece to about ten."""
    words = draw.choice(
        ["copy", "file", "thread", "ends", "lock", "read", "sort", "the"],
        int(draw.integers(5, most)),
    )
    return {"id": f"p{number}", "text": f"n{number} {' '.join(words)}", "n": number}


def _rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    draw = np.random.default_rng(seed)
    return [_passage(draw, number) for number in range(count)]


def _require_right(index: Index, model: SentenceTransformer, rows: Rows, top: int) -> None:
    texts = [row["text"] for row in rows.values()]
    for mode, scored in (("dense", dense_scores), ("words", word_scores)):
        expected = scored(model, QUESTIONS, texts)
        for question, scores in zip(QUESTIONS, expected, strict=True):
            hits = index.search(question, top, mode=mode)
            best = np.sort(scores[scores > 0] if mode == "words" else scores)[::-1][:top]
            assert [hit.score for hit in hits] == pytest.approx(best.tolist(), abs=2e-5)
            assert len({hit.id for hit in hits}) == len(hits)
            for hit in hits:
                own = scores[list(rows).index(hit.id)]
                assert hit.score == pytest.approx(own, abs=2e-5)
                _require_piece(hit, model, rows)
            if mode == "dense":
                shown = model.encode_document([hit.piece for hit in hits])
                found = model.similarity(model.encode_query([question]), shown)[0].tolist()
                assert [hit.similarity for hit in hits] == pytest.approx(found, abs=2e-5)


def _require_piece(hit: Any, model: SentenceTransformer, rows: Rows) -> None:
    text = rows[hit.id]["text"]
    pieces = model.tokenizer.pieces(text, 46)
    assert (hit.text, hit.fields) == (text, {"n": rows[hit.id]["n"]})
    assert (hit.piece, hit.pieces) == (pieces[hit.piece_number - 1], len(pieces))


def _stop(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _stopped(act: Callable[[], object]) -> None:
    """Do something, stopped between the rows and what is made of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _stop)
        with pytest.raises(KeyboardInterrupt):
            act()


def _act(index: Index, rows: Rows, draw: np.random.Generator) -> None:
    kind = draw.choice(["add", "change", "delete", "where", "stopped"])
    some = [rows[name] for name in draw.permutation(list(rows))[:5]]
    if kind in ("add", "stopped"):
        fresh = [_passage(draw, len(rows) + 1000 * n) for n in range(int(draw.integers(1, 8)))]
        (_stopped if kind == "stopped" else lambda act: act())(lambda: index.add(fresh))
        rows.update({row["id"]: row for row in fresh})
    elif kind == "change":
        changed = [{**row, "text": _passage(draw, row["n"])["text"] + " sort"} for row in some]
        index.add(changed)
        rows.update({row["id"]: row for row in changed})
    elif kind == "delete":
        assert index.delete([row["id"] for row in some]) == len(some)
        for row in some:
            del rows[row["id"]]
    else:
        gone = [name for name, row in rows.items() if row["n"] % 5 == 1]
        assert index.delete(where="n % 5 = 1") == len(gone)
        for name in gone:
            del rows[name]


@pytest.mark.parametrize("seed", range(6 if LONG else 1))
def test_any_history_is_forgotten(tmp_path: Path, tiny: SentenceTransformer, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = {row["id"]: row for row in _rows(30, seed)}
    index = Index.build(tmp_path / "index", tiny, list(rows.values()))
    reader = Index.open(index.path, tiny)
    for _ in range(8):
        _act(index, rows, draw)
        assert len(reader) == reader.info().passages == len(rows)
    _require_right(reader, tiny, rows, top=200)
    _require_right(reader, tiny, rows, top=3)
    pieces = sum(len(tiny.tokenizer.pieces(row["text"], 46)) for row in rows.values())
    assert reader.info().pieces == pieces > 2 * len(rows)
    hits = reader.search("copy", 300, where="n < 20", mode="hybrid")
    assert {hit.id for hit in hits} == {name for name, row in rows.items() if row["n"] < 20}
    fresh = Index.build(tmp_path / "fresh", tiny, list(rows.values()))
    for mode in ("dense", "words", "hybrid"):
        found, right = (one.search(QUESTIONS[2], 300, mode=mode) for one in (reader, fresh))
        assert [hit.score for hit in found] == pytest.approx([h.score for h in right], abs=1e-4)


def test_equal_texts_are_encoded_once_in_all_their_pieces(
    tmp_path: Path, tiny: SentenceTransformer, counted: Any
) -> None:
    rows = _rows(6)
    index = Index.build(tmp_path / "index", tiny, rows)
    copies = [{**row, "id": f"copy {row['id']}", "n": 1} for row in rows]
    with counted(tiny) as seen:
        assert index.add(copies).encoded == 0
    assert seen == []
    every = {row["id"]: row for row in [*rows, *copies]}
    _require_right(index, tiny, every, top=20)


def test_a_long_passage_is_one_hit_in_a_search_by_bits(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 300 best pieces are all of one passage, and there are as many hits as were asked for."""
    draw = np.random.default_rng(0)

    def encode(inputs: Any, **_: Any) -> np.ndarray:
        vectors = draw.normal(size=(len(inputs), 32))
        vectors[:, 0] += [9.0 if "alike" in text else 0.0 for text in inputs]
        return np.array(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    monkeypatch.setattr(tiny, "encode_document", encode)
    monkeypatch.setattr(dense, "EXACT_BELOW", 100)
    monkeypatch.setattr(dense, "_CANDIDATES", (20,))
    monkeypatch.setattr(nearest, "_SMALL", 100)
    monkeypatch.setattr(tiny, "encode_query", lambda *_, **__: np.eye(32, dtype=np.float32)[0])
    rows = [{"id": f"o{n}", "text": f"other {n}"} for n in range(500)]
    rows.append({"id": "long", "text": " ".join(f"alike {n}" for n in range(2000))})
    index = Index.build(tmp_path / "index", tiny, rows)
    assert index.info().pieces > 700
    assert index.info().dense.startswith("approximate")
    for top in (1, 5, 30):
        hits = index.search("alike", top, mode="dense")
        assert (hits[0].id, len({hit.id for hit in hits})) == ("long", top)
        assert hits[0].pieces > 100


def test_truncated_on_request_and_rebuilt_into_pieces(
    tmp_path: Path, tiny: SentenceTransformer
) -> None:
    rows = {row["id"]: row for row in _rows(12)}
    with count_truncation() as cut:
        index = Index.build(tmp_path / "index", tiny, rows.values(), long_text="truncate")
    long = sum(len(tiny.tokenizer.pieces(row["text"], 46)) > 1 for row in rows.values())
    assert (cut.truncated, cut.in_pieces) == (long, 0)
    known = index.info()
    assert (known.passages, known.pieces, known.long_text) == (12, 12, "truncate")
    assert index.add([{"id": "x", "text": "copy " * 90}]).added == 1
    assert index.info().pieces == 13
    index.delete(["x"])
    hit = index.search("copy", 1)[0]
    assert (hit.piece, hit.piece_number, hit.pieces) == (hit.text, 1, 1)
    index.rebuild(tiny)
    assert index.info().long_text == "truncate"
    with count_truncation() as cut:
        index.rebuild(tiny, long_text="pieces")
    assert (cut.texts, cut.truncated, cut.in_pieces) == (12, 0, long)
    assert cut.pieces == index.info().pieces - (12 - long)
    _require_right(Index.open(index.path, tiny), tiny, rows, top=20)
    with pytest.raises(ArgumentError, match="long_text is 'chunk'"):
        index.rebuild(tiny, long_text="chunk")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="long_text is 'chunk'"):
        Index.build(tmp_path / "other", tiny, [], long_text="chunk")  # type: ignore[arg-type]
    assert not (tmp_path / "other").exists()


def test_a_build_in_another_way_starts_again(tmp_path: Path, tiny: SentenceTransformer) -> None:
    rows = _rows(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _stop)
        with pytest.raises(KeyboardInterrupt):
            Index.build(tmp_path / "index", tiny, rows, long_text="truncate")
    index = Index.build(tmp_path / "index", tiny, rows)
    _require_right(index, tiny, {row["id"]: row for row in rows}, top=20)


@pytest.mark.parametrize("format_", [1, 2])
def test_older_formats_are_refused(tmp_path: Path, tiny: SentenceTransformer, format_: int) -> None:
    index = Index.build(tmp_path / "index", tiny, _rows(1))
    (index.path / "index.json").write_text(f'{{"format": {format_}, "version": 1}}')
    with pytest.raises(IndexFolderError, match=f"has format {format_}.*Build the index again"):
        LocalStore(index.path).current()


def test_best_pieces_are_the_first_of_equal_ones() -> None:
    passages = np.array([4, 4, 4, 6, 9, 9])
    scores = np.array([0.5, 0.7, 0.7, -1.0, 0.2, 0.1])
    assert best_pieces(passages, scores).tolist() == [1, 3, 4]
    assert best_pieces(passages[:0], scores[:0]).tolist() == []
