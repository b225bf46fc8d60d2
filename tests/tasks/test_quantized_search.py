"""Search among quantized vectors, beside the reference."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from tests.long import LONG

from sentune import quantization
from sentune.errors import ArgumentError
from sentune.quantization import quantize_embeddings

WIDTH = 32
# faiss takes 65 MB, so it is there in the long run only.
PLACES = {"usearch": ("float32", "int8", "binary")} | (
    {"faiss": ("float32", "uint8", "ubinary")} if LONG else {}
)


def vectors(count: int, seed: int) -> Any:
    made = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(made).numpy()


CORPUS, QUERIES = vectors(60, 0), vectors(4, 1)


def both(package: str, **options: Any) -> tuple[Any, Any]:
    from sentence_transformers import quantization as theirs

    name = f"semantic_search_{package}"
    return getattr(quantization, name)(QUERIES, **options), getattr(theirs, name)(
        QUERIES, **options
    )


def same(found: Any, expected: Any) -> None:
    """Equal hits; those of equal scores may change places."""
    for row, other in zip(found, expected, strict=True):
        assert [hit["score"] for hit in row] == pytest.approx(
            [hit["score"] for hit in other], abs=1e-4
        )
        last = other[-1]["score"]
        ours, theirs = (
            {hit["corpus_id"] for hit in hits if abs(hit["score"] - last) > 1e-4}
            for hits in (row, other)
        )
        assert ours == theirs


def are_among(found: Any, every: Any) -> None:
    """Hits with the scores that an exact search gives them."""
    for row, all_hits in zip(found, every, strict=True):
        known = {hit["corpus_id"]: hit["score"] for hit in all_hits}
        found_ids = [hit["corpus_id"] for hit in row]
        assert [hit["score"] for hit in row] == pytest.approx(
            [known[each] for each in found_ids], abs=1e-4
        )
        assert row


@pytest.mark.parametrize("rescore", [True, False])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("package", "precision"), [(name, one) for name, all_ in PLACES.items() for one in all_]
)
@pytest.mark.filterwarnings("ignore")
def test_the_hits_are_those_of_the_reference(
    package: str, precision: str, exact: bool, rescore: bool
) -> None:
    eight = {"calibration_embeddings": CORPUS} if "int8" in precision else {}
    corpus = quantize_embeddings(CORPUS, precision, **eight)
    options: dict[str, Any] = {"corpus_precision": precision, "exact": exact, "rescore": rescore}
    options["rescore_multiplier"] = len(CORPUS)  # which of equal ones are rescored is not settled
    every = options | {"exact": True, "corpus_embeddings": corpus, "top_k": len(CORPUS)} | eight
    all_hits, _ = both(package, **every)
    found, expected = both(package, corpus_embeddings=corpus, top_k=5, **options, **eight)
    assert found[1] >= 0
    *_, index = getattr(quantization, f"semantic_search_{package}")(
        QUERIES, corpus, output_index=True, **options, **eight
    )
    again, expected_again = both(package, corpus_index=index, top_k=3, **options, **eight)
    if exact or package == "faiss":
        same(found[0], expected[0])
        same(again[0], expected_again[0])
    else:  # usearch builds a graph with several threads: each has other hits, and may miss some
        are_among(found[0], all_hits[0])
        are_among(again[0], all_hits[0])


def test_more_hits_than_vectors_are_all_of_them() -> None:
    for package in PLACES:
        hits, _ = getattr(quantization, f"semantic_search_{package}")(QUERIES, CORPUS[:2], top_k=9)
        assert {len(row) for row in hits} == {2}


def test_what_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for options, said in (
        ({}, "none is given"),
        ({"corpus_embeddings": CORPUS, "corpus_index": 1}, "both are given"),
        ({"corpus_embeddings": CORPUS, "corpus_precision": "int8"}, "one of float32, uint8"),
        ({"corpus_embeddings": CORPUS, "top_k": 0}, "top_k is 0"),
    ):
        with pytest.raises(ArgumentError, match=said):
            quantization.semantic_search_faiss(QUERIES, **options)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ArgumentError, match="pip install faiss-cpu"):
        quantization.semantic_search_faiss(QUERIES, np.array(CORPUS))
