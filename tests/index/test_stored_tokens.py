"""Token vectors in an index: the ranking of a search in memory, from what is stored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.errors import IndexFolderError
from sentune.index import Index, late, writer
from sentune.index.segments.token_codec import WholeTokens
from sentune.network.encoder import Encoder
from sentune.ranking.token_vectors import passage_tokens, question_tokens
from sentune.search import PassageSearch

EXTRAS = {"kept": "tuned", "fusion_weight": 0.4, "late_weight": 0.9, "late_depth": 12}
QUESTIONS = ["how is a file read", "an argument of the wrong type", "zzzz"]
FEW = 300  # tokens that a codec is learnt from, in these tests

Rows = list[dict[str, Any]]


@pytest.fixture
def tuned(tiny: SentenceTransformer) -> Iterator[SentenceTransformer]:
    """The small model with a late stage saved."""
    tiny.extras = dict(EXTRAS)
    try:
        yield tiny
    finally:
        tiny.extras = {}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec is learnt from few tokens."""
    monkeypatch.setattr(writer, "LEARNT_FROM", FEW)


@pytest.fixture
def stored(
    tmp_path: Path, tuned: SentenceTransformer, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> Index:
    """An index with tokens, which are kept whole."""
    with monkeypatch.context() as patch:
        patch.setattr(writer, "LEARNT_FROM", 10**9)
        return Index.build(tmp_path / "stored", tuned, rows, late=True)


@pytest.fixture
def packed(tmp_path: Path, tuned: SentenceTransformer, rows: Rows, soon: None) -> Index:
    """An index with tokens, packed with a codec."""
    return Index.build(tmp_path / "packed", tuned, rows, late=True)


@contextmanager
def _nothing_encoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise AssertionError("passages were encoded")

    with monkeypatch.context() as patch:
        patch.setattr(late, "late_scores", refuse)
        yield


def _pieces(index: Index) -> dict[tuple[str, int], bytes]:
    """What is stored of the tokens of each piece that is there."""
    snapshot = index._version.snapshot
    present = snapshot.present
    places = np.arange(snapshot.width) if present is None else np.flatnonzero(present)
    found = {}
    for place, tokens in zip(places.tolist(), snapshot.tokens(places.tolist()), strict=True):
        row = snapshot.row(place)
        found[row["id"], row["piece_number"]] = tokens.tobytes()
    return found


def test_whole_tokens_rank_as_memory_does(
    stored: Index, tuned: SentenceTransformer, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored._version.manifest.codec is None
    memory = PassageSearch(tuned, {f"a{number}": text for number, text in enumerate(texts)})
    with _nothing_encoded(monkeypatch):
        together = stored.search_many(QUESTIONS, 30)
        assert together[0] == stored.search(QUESTIONS[0], 30)
        assert stored.search(QUESTIONS[0], where="page > 1000") == []
    for question, found in zip(QUESTIONS, together, strict=True):
        expected = memory.search(question, 30)
        assert [hit.score for hit in found] == pytest.approx(
            [hit.score for hit in expected], abs=2e-2
        )
        assert {hit.id for hit in found[:12]} == {hit.id for hit in expected[:12]}
        assert [hit.id for hit in found[12:]] == [hit.id for hit in expected[12:]]


def test_one_computation_gives_vectors_and_tokens(
    tmp_path: Path, tuned: SentenceTransformer, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    compute = Encoder.forward

    def spy(encoder: Encoder, pack: Any, *more: Any) -> Any:
        read.append(len(pack.token_ids))
        return compute(encoder, pack, *more)

    monkeypatch.setattr(Encoder, "forward", spy)
    plain = Index.build(tmp_path / "plain", tuned, rows)
    without, read[:] = sum(read), []
    stored = Index.build(tmp_path / "stored", tuned, rows, late=True)
    assert sum(read) == without
    snapshots = plain._version.snapshot, stored._version.snapshot
    places = np.arange(snapshots[0].width)
    vectors = [snapshot.vectors(places) for snapshot in snapshots]
    assert vectors[0].tobytes() == vectors[1].tobytes()
    assert (plain.info().token_bytes, stored.info().tokens) == (0, True)
    texts = [str(snapshots[1].row(place)["piece"]) for place in places.tolist()]
    expected = [each for block in passage_tokens(tuned, texts) for each in block]
    ids = tuned.tokenizer(texts)[0]
    for found, wanted, own in zip(snapshots[1].tokens(places), expected, ids, strict=True):
        whole = WholeTokens.read(found)
        np.testing.assert_allclose(whole.vectors, wanted, atol=1e-3)
        assert whole.ids.tolist() == own[1:-1]


def test_packed_tokens_score_as_written_out(packed: Index, tuned: SentenceTransformer) -> None:
    snapshot = packed._version.snapshot
    codec = snapshot.codec
    assert codec is not None
    places = list(range(0, snapshot.width, 3))
    (question,) = question_tokens(tuned, [QUESTIONS[0]], snapshot.idf)
    tokens = snapshot.tokens(places)
    found = codec.scores(question, tokens)
    means = codec.means.astype(np.float64) * codec.steps[:, None]
    for score, each in zip(found, tokens, strict=True):
        record = each.tobytes()
        step = np.frombuffer(record[:4], "<f4")[0]
        own = np.frombuffer(record[4 : 4 + len(codec.axes)], np.int8) * float(step)
        width = 2 + -(-len(codec.levels) // 8)
        rest = record[4 + len(codec.axes) :]
        best = np.full(len(question), -np.inf)
        for start in range(0, len(rest), width):
            steps, row = divmod(int.from_bytes(rest[start : start + 2], "little"), 2048)
            length = steps * codec.longest / 31
            bits = f"{int.from_bytes(rest[start + 2 : start + width], 'big'):0{8 * (width - 2)}b}"
            signs = np.array([1.0 if bit == "1" else -1.0 for bit in bits[: len(codec.levels)]])
            vector = own + means[row] + codec.axes @ (signs * codec.levels) * length
            best = np.maximum(best, question.astype(np.float64) @ vector)
        assert score == pytest.approx(best.mean(), abs=1e-5)


def test_packed_tokens_are_small_and_near(packed: Index, stored: Index) -> None:
    few, many = packed.info(), stored.info()
    assert few.token_bytes < many.token_bytes / 4
    codec = packed._version.snapshot.codec
    assert codec is not None
    places = range(stored._version.snapshot.width)
    whole = [WholeTokens.read(each) for each in stored._version.snapshot.tokens(places)]
    tokens = [codec.pack(each) for each in whole]
    for each in whole[::10]:
        # A passage is the best answer to itself, and a question that equals a token scores 1.
        question = each.vectors.astype(np.float32)
        scores = codec.scores(question, tokens)
        right = np.array(
            [(question @ one.vectors.T.astype(np.float32)).max(1).mean() for one in whole]
        )
        assert np.corrcoef(scores, right)[0, 1] > 0.8
        assert scores == pytest.approx(right, abs=0.2)


def test_changes_leave_the_other_tokens_as_they_are(
    packed: Index, tuned: SentenceTransformer, rows: Rows
) -> None:
    before = _pieces(packed)
    packed.add([{"id": f"m{number}", "text": f"more of {number} files"} for number in range(9)])
    packed.delete([row["id"] for row in rows[::2]])
    packed.add([{**rows[1], "page": 77}])
    after = _pieces(Index.open(packed.path, tuned))
    kept = {key: value for key, value in before.items() if key[0] in {r["id"] for r in rows[1::2]}}
    assert {key: value for key, value in after.items() if not key[0].startswith("m")} == kept
    assert {key[0] for key in after} - {key[0] for key in kept} == {f"m{n}" for n in range(9)}
    assert "m" in {hit.id[0] for hit in packed.search("more of 3 files", 5)}


def test_a_codec_is_learnt_when_there_are_enough_tokens(
    tmp_path: Path, tuned: SentenceTransformer, rows: Rows, soon: None
) -> None:
    index = Index.build(tmp_path / "index", tuned, rows[:4], late=True)
    reader = Index.open(index.path, tuned)
    assert index._version.manifest.codec is None
    index.delete([rows[0]["id"]])
    for start in range(4, 40, 9):
        index.add(rows[start : start + 9])
        assert len(reader.search(QUESTIONS[0], 100)) == start + 8
    snapshot = index._version.snapshot
    assert snapshot.codec is not None
    everything = _pieces(index)
    codec, texts = snapshot.codec, [str(snapshot.row(place)["piece"]) for place in range(5)]
    vectors = [each for block in passage_tokens(tuned, texts) for each in block]
    ids = [np.array(own[1:-1], np.int32) for own in tuned.tokenizer(texts)[0]]
    for place in range(5):
        row = snapshot.row(place)
        right = codec.pack(WholeTokens(ids[place], vectors[place]))
        stored = np.frombuffer(everything[row["id"], row["piece_number"]], np.uint8)
        assert len(right) == len(stored)
        # Some were whole, in float16, when the codec came.
        assert np.mean(right != stored) < 0.2
    files = {file.name for file in (index.path / "1").glob("*.safetensors")}
    assert files == index._version.manifest.files


def test_a_rebuild_stores_them_or_not(stored: Index, tuned: SentenceTransformer) -> None:
    stored.rebuild(tuned)
    assert stored.info().tokens
    stored.rebuild(tuned, late=False)
    assert (stored.info().tokens, stored.info().token_bytes) == (False, 0)
    assert stored.search(QUESTIONS[0], 3)
    stored.rebuild(tuned, late=True)
    assert Index.open(stored.path, tuned).info().token_bytes > 0


@pytest.mark.parametrize("kind", ["codec", "rows"])
def test_damage_is_one_line(packed: Index, tuned: SentenceTransformer, kind: str) -> None:
    (file,) = packed.path.glob(f"1/{kind}-*.safetensors")
    content = file.read_bytes()
    for damaged in (b"", content[:-1], content[: len(content) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(IndexFolderError, match="cannot be read"):
            Index.open(packed.path, tuned)
    file.unlink()
    with pytest.raises(IndexFolderError, match="cannot be read"):
        Index.open(packed.path, tuned)


def test_damaged_tokens_are_one_line(packed: Index, tuned: SentenceTransformer) -> None:
    (file,) = packed.path.glob("1/rows-*.safetensors")
    content = bytearray(file.read_bytes())
    for tokens in packed._version.snapshot.tokens(range(packed._version.snapshot.width)):
        start = content.index(tokens.tobytes())
        content[start + 36 : start + len(tokens)] = b"\xff" * (len(tokens) - 36)
    file.write_bytes(content)
    with pytest.raises(IndexFolderError, match="tokens of a passage"):
        Index.open(packed.path, tuned).search(QUESTIONS[0])


_ASK = """
import json, sys
from sentune.index import Index
hits = Index.open(sys.argv[1]).search(sys.argv[2])
print(json.dumps(["torch" in sys.modules, [[hit.id, hit.score] for hit in hits]]))
"""


def test_a_late_search_does_without_pytorch(
    tmp_path: Path, tuned: SentenceTransformer, rows: Rows, soon: None
) -> None:
    tuned.save_pretrained(str(tmp_path / "model"))
    model = SentenceTransformer(tmp_path / "model", compute_dtype="float32")
    index = Index.build(tmp_path / "index", model, rows, late=True)
    command = [sys.executable, "-c", _ASK, str(index.path), QUESTIONS[0]]
    loaded, found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    expected = index.search(QUESTIONS[0])
    assert (index.mode, loaded) == ("late", False)
    assert [name for name, _ in found] == [hit.id for hit in expected]
    assert [score for _, score in found] == pytest.approx([h.score for h in expected], abs=1e-3)
