"""Search beside the reference library, and beside brute force in float64."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import util
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import cos_sim, dot_score
from sentune.errors import ArgumentError
from sentune.tasks import nearest
from sentune.tasks.semantic_search import semantic_search


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformer, real_texts: list[str]) -> Any:
    return model.encode([text[:60] for text in real_texts[:300]])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.tasks.semantic_search.BLOCK", 64)
    monkeypatch.setattr("sentune.tasks.nearest._WAITING", 500)
    monkeypatch.setattr("sentune.tasks.semantic_search.block_width", lambda height: 64)


def _ids(results: list[list[dict[str, int | float]]]) -> list[list[int | float]]:
    return [[hit["corpus_id"] for hit in row] for row in results]


def _scores(results: list[list[dict[str, int | float]]]) -> Any:
    return np.array([[hit["score"] for hit in row] for row in results])


def _same(found: Any, expected: Any) -> None:
    """Equal scores in place, and equal ids wherever no neighbour scores the same."""
    scores = _scores(expected)
    np.testing.assert_allclose(_scores(found), scores, rtol=0, atol=1e-6)
    for row, ours, theirs in zip(scores, _ids(found), _ids(expected), strict=True):
        gaps = np.abs(np.diff(row)) > 2e-6
        # The last one may tie with the first that was left out.
        clear = np.concatenate([[True], gaps]) & np.concatenate([gaps, [False]])
        assert np.array(ours)[clear].tolist() == np.array(theirs)[clear].tolist()


@pytest.mark.parametrize("top_k", [1, 10, 299, 1000])
def test_results_of_the_reference(vectors: Any, top_k: int, small_blocks: None) -> None:
    queries = vectors[::7]
    found = semantic_search(queries, vectors, top_k=top_k)
    _same(found, util.semantic_search(queries, vectors, top_k=top_k))
    assert all(type(hit["corpus_id"]) is int and type(hit["score"]) is float for hit in found[0])
    assert list(found[0][0]) == ["corpus_id", "score"]


def test_lengths_count_for_dot_products_alone(vectors: Any) -> None:
    scaled = vectors * np.linspace(0.1, 9, len(vectors), dtype=np.float32)[:, None]
    _same(semantic_search(scaled[:9], scaled), util.semantic_search(vectors[:9], vectors))
    _same(
        semantic_search(scaled[:9], scaled, score_function=dot_score),
        util.semantic_search(scaled[:9], scaled, score_function=util.dot_score),
    )


@pytest.mark.parametrize(
    "wrap",
    [
        torch.from_numpy,
        lambda v: v.tolist(),
        list,
        lambda v: list(torch.from_numpy(v)),
        lambda v: v.astype(">f4"),
        lambda v: v.astype(np.float64),
        lambda v: v[::-1].copy()[::-1],
        np.asfortranarray,
        lambda v: torch.from_numpy(v).requires_grad_(),
        lambda v: np.broadcast_to(v[None], (1, *v.shape))[0],
    ],
)
def test_everything_that_holds_vectors(wrap: Callable[[Any], Any], vectors: Any) -> None:
    expected = semantic_search(vectors[:5], vectors)
    _same(semantic_search(wrap(vectors[:5]), vectors), expected)
    _same(semantic_search(vectors[:5], wrap(vectors)), expected)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_vectors_are_multiplied_in_float32(half: torch.dtype, vectors: Any) -> None:
    halved = torch.from_numpy(vectors).to(half)
    _same(semantic_search(halved[:9], halved), util.semantic_search(halved[:9], halved))
    _same(semantic_search(halved[:9], halved), semantic_search(halved[:9].float(), halved.float()))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_score_functions_of_the_reference(kind: torch.dtype, vectors: Any) -> None:
    a, b = (torch.from_numpy(rows).to(kind) * 2 for rows in (vectors[:9], vectors[9:30]))
    torch.testing.assert_close(cos_sim(a, b), util.cos_sim(a, b))
    torch.testing.assert_close(dot_score(a, b), util.dot_score(a, b))


def test_float64_keeps_its_digits(vectors: Any) -> None:
    near = np.tile(vectors[:1].astype(np.float64), (5, 1))
    near[np.arange(5), np.arange(5)] += 1e-6 * np.arange(5)
    exact = near @ near[0] / np.linalg.norm(near, axis=1) / np.linalg.norm(near[0])
    found = semantic_search(near[:1], near)
    np.testing.assert_allclose(_scores(found)[0], np.sort(exact)[::-1], rtol=0, atol=4e-15)


def test_one_query_and_one_corpus_vector(vectors: Any) -> None:
    _same(semantic_search(vectors[3], vectors), semantic_search(vectors[3:4], vectors))
    assert _ids(semantic_search(vectors[3], vectors[4])) == [[0]]


def test_any_function_of_two_blocks(vectors: Any) -> None:
    calls = []

    def distance(a: Tensor, b: Tensor) -> Tensor:
        calls.append((len(a), len(b)))
        return -torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")

    def search(function: Any) -> Any:
        return function(
            torch.from_numpy(vectors[:50]),
            torch.from_numpy(vectors),
            query_chunk_size=20,
            corpus_chunk_size=200,
            score_function=distance,
        )

    found = search(semantic_search)
    assert set(calls) == {(q, c) for q in (20, 10) for c in (200, 100)}
    _same(found, search(util.semantic_search))


def test_functions_see_the_vectors_as_they_were_given() -> None:
    codes = torch.tensor([[1, 255], [3, 0], [1, 254]], dtype=torch.uint8)

    def equal_bytes(a: Tensor, b: Tensor) -> Tensor:
        assert a.dtype == b.dtype == torch.uint8
        return (a[:, None] == b[None]).sum(2)

    found = semantic_search(codes[:1], codes, score_function=equal_bytes, top_k=2)
    assert found == [[{"corpus_id": 0, "score": 2.0}, {"corpus_id": 2, "score": 1.0}]]


def test_a_score_of_minus_infinity_leaves_out(vectors: Any) -> None:
    def others(a: Tensor, b: Tensor) -> Tensor:
        scores = cos_sim(a, b)
        return scores.masked_fill(scores > 0.9999, -torch.inf)

    found = semantic_search(vectors[:1], vectors[:3], score_function=others)
    assert sorted(_ids(found)[0]) == [1, 2]


def test_a_memory_map_is_read_and_not_changed(vectors: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", vectors * 2)
    for mode in ("r", "r+", "c"):
        mapped = np.load(tmp_path / "v.npy", mmap_mode=mode)
        _same(semantic_search(vectors[:5], mapped), semantic_search(vectors[:5], vectors))
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), vectors * 2)


def test_what_was_given_is_not_changed(vectors: Any) -> None:
    given_queries, corpus = vectors[:9] * 3, vectors * 2
    before = given_queries.copy(), corpus.copy()
    semantic_search(given_queries, corpus)
    np.testing.assert_array_equal(given_queries, before[0])
    np.testing.assert_array_equal(corpus, before[1])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_brute_force_in_whole_numbers(data: st.DataObject) -> None:
    """Small whole numbers have exact products, so ties are ties and the order is known."""
    dim = data.draw(st.integers(1, 4))
    count = data.draw(st.integers(1, 150))
    seed = data.draw(st.integers(0, 2**32 - 1))
    draw = np.random.default_rng(seed)
    corpus = draw.integers(-3, 4, (count, dim)).astype(np.float32)
    queries = draw.integers(-3, 4, (data.draw(st.integers(1, 9)), dim)).astype(np.float32)
    top_k = data.draw(st.integers(1, count + 2))
    scores = (queries.astype(np.float64) @ corpus.T.astype(np.float64)).tolist()
    expected = [
        sorted(({"corpus_id": i, "score": s} for i, s in enumerate(row)), key=lambda h: -h["score"])
        for row in scores
    ]
    for function in (dot_score, lambda a, b: a @ b.T):
        found = semantic_search(
            queries,
            corpus,
            query_chunk_size=data.draw(st.integers(1, 10)),
            corpus_chunk_size=data.draw(st.integers(1, count)),
            top_k=top_k,
            score_function=function,
        )
        assert found == [row[:top_k] for row in expected]


def test_every_chunk_size_gives_the_same(vectors: Any) -> None:
    expected = semantic_search(vectors[:12], vectors[:40])
    for size in range(1, 41):
        assert expected == semantic_search(
            vectors[:12], vectors[:40], query_chunk_size=size, corpus_chunk_size=size
        )


def test_a_corpus_that_gets_better_all_the_time(small_blocks: None) -> None:
    angles = np.linspace(1.5, 0, 5000)
    corpus = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for order in (slice(None), slice(None, None, -1)):
        found = semantic_search([[1.0, 0.0]] * 70, corpus[order], top_k=100)
        expected = np.arange(5000)[order].argsort()[::-1][:100].tolist()
        assert _ids(found) == [expected] * 70


def test_a_corpus_of_one_text(vectors: Any, small_blocks: None) -> None:
    found = semantic_search(vectors[:70], np.repeat(vectors[:1], 3000, axis=0), top_k=3)
    assert [len(row) for row in found] == [3] * 70
    np.testing.assert_allclose(_scores(found)[:, 0], vectors[:70] @ vectors[0], atol=1e-6)


def test_entries_that_wait_are_cut_back() -> None:
    best = nearest.Best(2, 3, torch.empty(0))
    for start in range(0, 1 << 20, 1 << 14):
        ids = torch.arange(start, start + (1 << 14))
        best.add(ids % 2, ids, ids.float())
        assert best._waiting <= nearest._WAITING
    assert best.ranked()[0][0].tolist() == [1048574, 1048572, 1048570]
    assert best.limits.tolist() == [1048570, 1048571]


def test_zero_vectors_score_zero() -> None:
    found = semantic_search(np.zeros((1, 3)), np.eye(3))
    assert found == [[{"corpus_id": i, "score": 0.0} for i in range(3)]]


def test_no_queries(vectors: Any) -> None:
    no_vectors: list[Any] = [[], np.zeros((0, 384)), torch.zeros(0, 384)]
    for nothing in no_vectors:
        assert semantic_search(nothing, vectors) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"corpus_embeddings": []}, "an empty corpus"),
        ({"corpus_embeddings": np.zeros((0, 3))}, "an empty corpus"),
        ({"corpus_embeddings": np.zeros((2, 4))}, "shapes (1, 3) and (2, 4)"),
        ({"corpus_embeddings": np.zeros((2, 3, 4))}, "of shape (2, 3, 4)"),
        ({"corpus_embeddings": [[1.0], [1.0, 2.0]]}, "form no matrix"),
        ({"corpus_embeddings": None}, "form no matrix"),
        ({"corpus_embeddings": 7}, "form no matrix"),
        ({"corpus_embeddings": ["a", "b"]}, "form no matrix"),
        ({"corpus_embeddings": np.array([["a", None, 3]])}, "of the kind object"),
        ({"corpus_embeddings": np.ones((2, 3), dtype=complex)}, "of the kind complex128"),
        ({"corpus_embeddings": torch.eye(3).to_sparse()}, "torch.sparse_coo"),
        ({"corpus_embeddings": [[0, 0, 0], [0, np.nan, 0]]}, "in row 1"),
        ({"corpus_embeddings": np.full((1, 3), 1e30, dtype=np.float32)}, "too large"),
        ({"query_embeddings": [0, 0, np.inf]}, "query_embeddings with NaN"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_k": 2.5}, "top_k is 2.5"),
        ({"top_k": True}, "top_k is True"),
        ({"query_chunk_size": -1}, "query_chunk_size is -1"),
        ({"corpus_chunk_size": None}, "corpus_chunk_size is None"),
        ({"score_function": "cosine"}, "score_function is 'cosine'"),
        ({"score_function": lambda a, b: a}, "gave (1, 3)"),
        ({"score_function": lambda a, b: a @ b.T * torch.nan}, "gave NaN"),
        ({"score_function": lambda a, b: "near"}, "'near'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {
        "query_embeddings": [1.0, 1.0, 1.0],
        "corpus_embeddings": np.eye(2, 3, dtype=np.float32),
    }
    with pytest.raises(ArgumentError) as caught:
        semantic_search(**{**whole, **arguments})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
