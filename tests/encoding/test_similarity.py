"""Similarity by its definition, for everything that holds vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from sentune.encoding import similarity as module
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import SimilarityFunction, similarity, similarity_pairwise
from sentune.errors import ArgumentError
from sentune.network.names import SIMILARITY_FUNCTIONS

DEFINITIONS: dict[str, Callable[[Any, Any], float]] = {
    "cosine": lambda a, b: float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)),
    "dot": lambda a, b: float(a @ b),
    "euclidean": lambda a, b: -float(np.sqrt(((a - b) ** 2).sum())),
    "manhattan": lambda a, b: -float(np.abs(a - b).sum()),
}


@pytest.fixture(scope="module")
def vectors(tiny: SentenceTransformer, real_texts: list[str]) -> Any:
    return tiny.encode(real_texts[:9]) * np.arange(1, 10, dtype=np.float32)[:, None]


def test_all_functions_are_defined_here() -> None:
    assert set(SIMILARITY_FUNCTIONS) == set(DEFINITIONS)


@pytest.mark.parametrize("name", SIMILARITY_FUNCTIONS)
def test_functions_equal_their_definitions(name: str, vectors: Any) -> None:
    a, b = vectors[:4].astype(np.float64), vectors[4:].astype(np.float64)
    expected = [[DEFINITIONS[name](x, y) for y in b] for x in a]
    torch.testing.assert_close(similarity(a, b, name), torch.tensor(expected).double())
    row_by_row = [DEFINITIONS[name](x, y) for x, y in zip(a, b, strict=False)]
    found = similarity_pairwise(a, b[:4], name)
    torch.testing.assert_close(found, torch.tensor(row_by_row).double())
    single = similarity(vectors[:4], vectors[4:], name)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), torch.tensor(expected).double(), rtol=0, atol=1e-4)


def test_near_vectors_keep_their_distance() -> None:
    a = torch.full((1, 384), 0.05)
    b = a.clone()
    b[0, 0] += 1e-5
    exact = float((a.double() - b.double()).norm())
    assert -float(similarity(a, b, "euclidean")) == pytest.approx(exact, rel=1e-6)
    assert float(similarity(a, a, "euclidean")) == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda v: torch.from_numpy(v),
        lambda v: v.tolist(),
        lambda v: list(v),
        lambda v: list(torch.from_numpy(v)),
        lambda v: [torch.from_numpy(v[0]), *v[1:]],
        lambda v: [v[0], *torch.from_numpy(v[1:])],
        lambda v: v.astype(np.float64),
        lambda v: v[::-1].copy()[::-1],
        lambda v: np.asfortranarray(v),
        lambda v: torch.from_numpy(v).requires_grad_(),
    ],
)
@pytest.mark.parametrize("name", SIMILARITY_FUNCTIONS)
def test_everything_that_holds_vectors(wrap: Callable[[Any], Any], name: str, vectors: Any) -> None:
    expected = similarity(vectors[:4], vectors, name)
    for left, right in ((wrap(vectors[:4]), vectors), (vectors[:4], wrap(vectors))):
        found = similarity(left, right, name)
        torch.testing.assert_close(found.detach().float(), expected, rtol=1e-5, atol=1e-5)
    pairs = similarity_pairwise(wrap(vectors), vectors, name)
    assert pairs.shape == (9,)


def test_single_vectors_and_none(vectors: Any) -> None:
    assert similarity(vectors[0], vectors).shape == (1, 9)
    assert similarity(vectors[0], vectors[1]).shape == (1, 1)
    assert similarity_pairwise(vectors[0], vectors[1]).shape == (1,)
    assert similarity(vectors[:0], vectors).shape == (0, 9)
    assert similarity(vectors[0].tolist(), vectors).dtype == torch.float32


def test_quantized_vectors(vectors: Any) -> None:
    whole = (vectors * 50).astype(np.int8)
    expected = similarity(whole.astype(np.float32), whole.astype(np.float32))
    torch.testing.assert_close(similarity(whole, whole), expected)


def test_zero_vectors_give_no_nan() -> None:
    zeros = torch.zeros(2, 4)
    for name in SIMILARITY_FUNCTIONS:
        assert bool(torch.isfinite(similarity(zeros, zeros, name)).all())


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "shapes (2, 3) and (2, 4)"),
        (np.zeros((2, 3, 4)), np.zeros((2, 3)), "shapes (2, 3, 4)"),
        ([[1.0, 2.0], [1.0]], np.zeros((1, 2)), "do not form a matrix"),
        (np.array([None, "a"]), np.zeros((1, 2)), "do not form a matrix"),
        (["a", "b"], np.zeros((1, 2)), "do not form a matrix"),
    ],
)
def test_what_is_no_matrix_is_refused(a: Any, b: Any, said: str) -> None:
    for function in (similarity, similarity_pairwise):
        with pytest.raises(ArgumentError) as caught:
            function(a, b)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_rows_must_pair_up(vectors: Any) -> None:
    with pytest.raises(ArgumentError, match="9 and 8 vectors"):
        similarity_pairwise(vectors, vectors[:8])


def test_unknown_functions_are_refused(vectors: Any, tiny: SentenceTransformer) -> None:
    for function in (similarity, similarity_pairwise):
        with pytest.raises(ArgumentError, match="function is 'jaccard'"):
            function(vectors, vectors, "jaccard")
    with pytest.raises(ArgumentError, match="similarity_fn_name is 'jaccard'"):
        tiny.similarity_fn_name = "jaccard"
    assert tiny.similarity_fn_name == "cosine"


def test_the_models_function_is_the_one_used(tiny: SentenceTransformer, vectors: Any) -> None:
    try:
        for name in SIMILARITY_FUNCTIONS:
            tiny.similarity_fn_name = name
            torch.testing.assert_close(
                tiny.similarity(vectors, vectors), similarity(vectors, vectors, name)
            )
            torch.testing.assert_close(
                tiny.similarity_pairwise(vectors, vectors),
                similarity_pairwise(vectors, vectors, name),
            )
    finally:
        tiny.similarity_fn_name = "cosine"


# ── vectors of 16 bits ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def near() -> tuple[torch.Tensor, torch.Tensor]:
    """A query and 1,000 vectors that are all near to it, in bfloat16."""
    draw = torch.Generator().manual_seed(0)
    centre = torch.nn.functional.normalize(torch.randn(1, 384, generator=draw))
    shifted = [centre + 0.01 * torch.randn(n, 384, generator=draw) for n in (1, 1000)]
    query, rows = (torch.nn.functional.normalize(each).bfloat16() for each in shifted)
    return query, rows


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", SIMILARITY_FUNCTIONS)
def test_sixteen_bits_are_compared_in_float32(name: str, dtype: Any, near: Any) -> None:
    query, rows = (each.to(dtype) for each in near)
    exact = similarity(query.double(), rows.double(), name)
    array = (query.numpy(), rows.numpy()) if dtype == torch.float16 else (query, rows)
    for a, b in ((query, rows), (query[0], rows.unbind()), array, (query, rows.float())):
        found = similarity(a, b, name)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-6)
        assert len(found.unique()) > 900
        assert found.topk(10).indices.tolist() == exact.topk(10).indices.tolist()
        row_by_row = similarity_pairwise(a, b[:1], name)
        assert row_by_row.dtype == torch.float32
        torch.testing.assert_close(row_by_row.double(), exact[0, :1], rtol=1e-5, atol=1e-6)


def test_functions_under_their_own_names(near: Any) -> None:
    query, rows = near
    for name in SIMILARITY_FUNCTIONS:
        short = {"cosine": "cos_sim", "dot": "dot_score"}.get(name, f"{name}_sim")
        all_pairs, pairwise = (getattr(module, f"{part}{short}") for part in ("", "pairwise_"))
        torch.testing.assert_close(all_pairs(query, rows), similarity(query, rows, name))
        torch.testing.assert_close(
            pairwise(rows, rows.flip(0)), similarity_pairwise(rows, rows.flip(0), name)
        )
        member = SimilarityFunction(name)
        assert SimilarityFunction.to_similarity_fn(member)(query, rows).dtype == torch.float32
        assert SimilarityFunction.to_similarity_pairwise_fn(name)(rows, rows).shape == (1000,)
        assert torch.equal(similarity(query, rows, member), similarity(query, rows, name))
    assert SimilarityFunction.possible_values() == list(SIMILARITY_FUNCTIONS)
    assert SimilarityFunction.DOT is SimilarityFunction.DOT_PRODUCT
    with pytest.raises(ArgumentError, match="similarity_function is 'jaccard'"):
        SimilarityFunction.to_similarity_fn("jaccard")
