"""The map's places beside their formula, after changes of the index, and of passages not drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.conftest import PASSAGES
from tests.serving.running import Running

from sentune import SentenceTransformer
from sentune.errors import ArgumentError, IndexFolderError
from sentune.index import Index
from sentune.report.page.words import Matcher
from sentune.serving.map.atlas import Atlas
from sentune.serving.marks import mark

TEXTS = [str(each["text"]) for each in PASSAGES]


def unit(vectors: Any) -> Any:
    exact = np.asarray(vectors, np.float64)
    return exact / np.linalg.norm(exact, axis=1, keepdims=True)


def written_out(base: Any, tuned: Any, asked: list[Any]) -> list[Any]:
    """Places of the base's and the tuned model's vectors, and of a question's by each."""
    means = [base.mean(axis=0), tuned.mean(axis=0)]
    first, second = base - means[0], tuned - means[1]
    axes = np.linalg.svd(first)[2][:2].T
    flat = first @ axes
    for column in (0, 1):
        axes[:, column] *= np.sign(flat[np.abs(flat[:, column]).argmax(), column])
    left, _, right = np.linalg.svd(second.T @ first, full_matrices=False)
    turn = left @ right
    turn *= np.linalg.norm(first) / np.linalg.norm(second @ turn)
    found = [first @ axes, second @ turn @ axes]
    low, high = np.quantile(np.concatenate(found), [0.002, 0.998], axis=0)
    questions = [(asked[0] - means[0]) @ axes, (asked[1] - means[1]) @ turn @ axes]
    return [(each - (low + high) / 2) / (high - low).max() for each in (*found, *questions)]


def test_places_of_both_models(
    server: Running, served_model: SentenceTransformer, compared_folder: Path
) -> None:
    models = [SentenceTransformer(compared_folder), served_model]
    vectors = [unit(model.encode_document(TEXTS)) for model in models]
    asked = [unit(model.encode_query(["copy a file"])) for model in models]
    expected = written_out(vectors[0], vectors[1], asked)
    found = server.get("/map").body
    assert (found["passages"], found["drawn"]) == (3, 3)
    assert found["points"]["text"] == TEXTS
    np.testing.assert_allclose(found["points"]["base"], expected[0], atol=0.02)
    np.testing.assert_allclose(found["points"]["dense"], expected[1], atol=0.02)
    names = [{"source": "", "id": name} for name in ("b", "none")]
    placed = server.post("/map", {"query": "copy a file", "passages": names}).body
    np.testing.assert_allclose(placed["query"]["base"], expected[2][0], atol=0.02)
    np.testing.assert_allclose(placed["query"]["dense"], expected[3][0], atol=0.02)
    assert placed["passages"][0]["dense"] == found["points"]["dense"][1]
    assert placed["passages"][1] == {"base": None, "dense": None}


def test_a_whole_passage(server: Running) -> None:
    found = server.post("/passage", {"source": "", "id": "b"}).body
    assert found["text"] == TEXTS[1]
    assert found["fields"] == {"page": 7, "headings": '["Threads"]'}
    assert server.post("/passage", {"source": "x", "id": "b"}).status == 400


def test_marks(server: Running) -> None:
    asked = {"query": "copying files", "modes": ["words", "dense"], "marks": True}
    for hits in server.post("/search", asked).body["results"].values():
        for hit in hits:
            spans = Matcher([hit["text"], "copying files"]).spans("copying files", hit["text"])
            assert [tuple(each) for each in hit["marks"]] == spans
    assert "marks" not in server.post("/search", {"query": "copy"}).body["hits"][0]


def test_marks_count_characters() -> None:
    found: dict[str, list[dict[str, Any]]] = {"words": [{"text": "\U0001f600 Copies of it"}]}
    mark("copy", found)
    assert found["words"][0]["marks"] == [(2, 8)]


@pytest.fixture
def index(served_model: SentenceTransformer, tmp_path: Path) -> Index:
    return Index.build(tmp_path / "index", served_model, PASSAGES)


def test_the_map_follows_the_index(index: Index) -> None:
    atlas = Atlas(index, None)
    before = atlas.content()
    assert atlas.content() is before
    index.add([{"id": "d", "text": "Write a line to a file."}])
    assert b'"drawn": 4' in atlas.content()
    index.delete(["a"])
    assert b'"drawn": 3' in atlas.content()
    asked = {"dense": index.model.encode_query("copy")}
    assert atlas.place(asked, [("", "a"), ("", "d")])["passages"][0] == {"dense": None}
    with pytest.raises(IndexFolderError, match="another model"):
        atlas.place({"dense": asked["dense"][:5]}, [])
    with pytest.raises(ArgumentError, match="no passage has"):
        atlas.passage(("", "a"))
    atlas.model = index.fingerprint.to_json()
    assert atlas.place(asked, [])["query"]
    atlas.model["weights"] = "of another one with as many dimensions"
    for ask in (lambda: atlas.place(asked, []), atlas.content, lambda: atlas.passage(("", "b"))):
        with pytest.raises(IndexFolderError, match="another model"):
            ask()
    atlas.model = None
    index.delete(["b", "c", "d"])
    assert b'"drawn": 0' in atlas.content()
    assert atlas.place(asked, []) == {"query": {}, "passages": []}


def test_hits_that_are_not_drawn_have_places(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.serving.map.atlas.DRAWN", 2)
    atlas = Atlas(index, None)
    assert b'"passages": 3, "drawn": 2' in atlas.content()
    asked = {"dense": index.model.encode_query("copy")}
    (placed,) = atlas.place(asked, [("", "b")])["passages"]
    assert len(placed["dense"]) == 2


def test_the_piece_that_the_late_stage_reads(
    served_model: SentenceTransformer, tmp_path: Path
) -> None:
    parts = ["Threads end. " * 120, "Copy a file with shutil. " * 60, "Sockets wait. " * 120]
    index = Index.build(
        tmp_path / "long",
        served_model,
        [{"id": "long", "text": " ".join(parts)}, {"id": "short", "text": "Nothing at all."}],
        long_text="pieces",
    )
    atlas = Atlas(index, None)
    vector = served_model.encode_query("sockets")  # the nearest piece is another one
    found = atlas.read(vector, "copying a file", ("", "long"))
    assert "Copy a file" in found["piece"]
    assert 1 < found["piece_number"] <= found["pieces"]
    by_vector = atlas.read(vector, "of the", ("", "long"))
    texts = [index.points().snapshot.row(place)["piece"] for place in range(found["pieces"])]
    nearest = int(np.argmax(served_model.encode_document(texts) @ vector))
    assert by_vector["piece_number"] == nearest + 1
