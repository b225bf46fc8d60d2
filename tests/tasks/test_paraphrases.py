"""Paraphrase mining beside the reference library, and beside brute force."""

from __future__ import annotations

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
from sentune.tasks.nearest import Best
from sentune.tasks.paraphrases import paraphrase_mining, paraphrase_mining_embeddings

Found = list[list[float | int]]


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformer, real_texts: list[str]) -> Any:
    found = model.encode([text[:60] for text in real_texts[:400]], convert_to_tensor=True)
    # Either of two copies may be among the best, so another test is about copies.
    copies = (cos_sim(found, found).tril(-1) > 0.9999).any(1)
    return found[~copies]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.tasks.paraphrases.BLOCK", 64)
    monkeypatch.setattr("sentune.tasks.nearest._WAITING", 500)


def _same(found: Found, expected: Found) -> None:
    """Equal scores in place, and equal pairs but for ties with the last one."""
    scores = [pair[0] for pair in expected]
    np.testing.assert_allclose([pair[0] for pair in found], scores, rtol=0, atol=1e-6)
    ours, theirs = ({(i, j): s for s, i, j in pairs} for pairs in (found, expected))
    assert len(ours) == len(found)
    assert all(i < j for i, j in ours)
    other = [(ours | theirs)[pair] for pair in ours.keys() ^ theirs.keys()]
    np.testing.assert_allclose(other, scores[-1], rtol=0, atol=2e-6)


@pytest.mark.parametrize("max_pairs", [1, 100, 3000, 500_000])
@pytest.mark.parametrize("top_k", [1, 5, 100, 1000])
def test_pairs_of_the_reference(
    vectors: Tensor, max_pairs: int, top_k: int, small_blocks: None
) -> None:
    sizes: dict[str, Any] = {"max_pairs": max_pairs, "top_k": top_k}
    found = paraphrase_mining_embeddings(vectors, **sizes)
    _same(found, util.paraphrase_mining_embeddings(vectors, **sizes))
    assert found == sorted(found, key=lambda pair: -pair[0])


def test_a_text_many_times_over(vectors: Tensor, small_blocks: None) -> None:
    """Which of its equals a copy is paired with is open, but each is paired with so many."""
    copies = torch.cat([vectors[:1].expand(300, -1), vectors[1:60]])
    for top_k, max_pairs in ((5, 100_000), (200, 1000)):
        found = paraphrase_mining_embeddings(copies, top_k=top_k, max_pairs=max_pairs)
        equal = min(max_pairs, 300 * top_k // 2)
        assert [score for score, _, _ in found[:equal]] == pytest.approx([1] * equal, abs=1e-6)
        mates = np.bincount([index for _, i, j in found for index in (i, j)], minlength=359)
        assert max_pairs == 1000 or mates.min() >= top_k
    _same(
        paraphrase_mining_embeddings(copies, top_k=358),
        util.paraphrase_mining_embeddings(copies, top_k=358),
    )


def test_no_more_pairs_are_kept_than_can_be_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any order, the ``most`` best entries with at most ``k`` of a row, and few others."""
    monkeypatch.setattr("sentune.tasks.nearest._WAITING", 500)
    draw = np.random.default_rng(0)
    rows, scores = draw.integers(0, 50, 20_000) ** 2 // 50, draw.permutation(20_000)
    best = Best(50, 30, torch.empty(0), most=400)
    for part in torch.arange(20_000).split(200):
        best.add(torch.tensor(rows)[part], part, torch.tensor(scores, dtype=torch.float32)[part])
        assert best._waiting <= 1000
    kept = set(best.entries()[2].tolist())
    of_row = [np.sort(scores[rows == row])[::-1][:30] for row in range(50)]
    needed = np.sort(np.concatenate(of_row))[::-1][:400]
    assert set(needed.tolist()) <= kept
    assert len(kept) < 2 * 400
    assert 0 < float(best.limits.min()) <= min(kept)


def test_length_counts_for_dot_products_alone(vectors: Tensor) -> None:
    scaled = vectors * torch.linspace(0.1, 9, len(vectors))[:, None]
    _same(paraphrase_mining_embeddings(scaled), paraphrase_mining_embeddings(vectors))
    _same(
        paraphrase_mining_embeddings(scaled, score_function=dot_score),
        util.paraphrase_mining_embeddings(scaled, score_function=util.dot_score),
    )


def test_any_symmetric_function(vectors: Tensor) -> None:
    calls = []

    def agreement(a: Tensor, b: Tensor) -> Tensor:
        calls.append((len(a), len(b)))
        return a.sign() @ b.sign().T

    found = paraphrase_mining_embeddings(
        vectors[:100],
        query_chunk_size=30,
        corpus_chunk_size=40,
        max_pairs=50,
        score_function=agreement,
    )
    assert max(calls) == (30, 30)
    expected = util.paraphrase_mining_embeddings(
        vectors[:100], max_pairs=50, score_function=agreement
    )
    assert [pair[0] for pair in found] == [pair[0] for pair in expected]


def test_every_chunk_size_gives_the_same(vectors: Tensor) -> None:
    expected = paraphrase_mining_embeddings(vectors[:40], top_k=3)
    for size in range(1, 41):
        assert expected == paraphrase_mining_embeddings(
            vectors[:40], top_k=3, query_chunk_size=size, corpus_chunk_size=size
        )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_brute_force_in_whole_numbers(data: st.DataObject) -> None:
    """Small whole numbers have exact products, so what must be found is known."""
    count = data.draw(st.integers(2, 60))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rows = np.random.default_rng(seed).integers(-50, 51, (count, 3)).astype(np.float32)
    top_k, max_pairs = data.draw(st.integers(1, count)), data.draw(st.integers(1, 300))
    chunk = data.draw(st.integers(1, count))
    scores = rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    last = -np.sort(-scores, axis=1)[:, min(top_k, count - 1) - 1, None]
    sure, possible = scores > last, scores >= last  # either of tied entries may be last
    found = paraphrase_mining_embeddings(
        rows,
        top_k=top_k,
        max_pairs=max_pairs,
        query_chunk_size=chunk,
        score_function=data.draw(st.sampled_from([dot_score, lambda a, b: a @ b.T])),
    )
    by_pair = {(int(i), int(j)): score for score, i, j in found}
    assert len(by_pair) == len(found) <= max_pairs
    assert all(i < j and scores[i, j] == score for (i, j), score in by_pair.items())
    assert all(possible[i, j] or possible[j, i] for i, j in by_pair)
    least = found[-1][0] if len(found) == max_pairs else -np.inf
    missing = [
        (i, j)
        for i, j in zip(*np.nonzero(sure | sure.T), strict=True)
        if i < j and scores[i, j] > least and (i, j) not in by_pair
    ]
    assert not missing
    assert found == sorted(found, key=lambda pair: (-pair[0], pair[1], pair[2]))


def test_texts_are_encoded(model: SentenceTransformer, real_texts: list[str]) -> None:
    texts = real_texts[10:40]
    found = paraphrase_mining(model, tuple(texts), max_pairs=20, prompt="about: ", truncate_dim=64)
    vectors = model.encode(texts, prompt="about: ", truncate_dim=64)
    _same(found, paraphrase_mining_embeddings(vectors, max_pairs=20))
    assert type(found[0][0]) is float
    assert type(found[0][1]) is int


def test_a_bar_for_the_comparison(
    model: SentenceTransformer, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["a cat", "a dog", "two cats"]
    assert paraphrase_mining(model, texts, show_progress_bar=True)[0][1:] == [0, 2]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3/3 pairs" in shown.err


def test_fewer_than_two(model: SentenceTransformer) -> None:
    assert paraphrase_mining(model, []) == []
    assert paraphrase_mining(model, ["one"]) == []
    assert paraphrase_mining_embeddings([]) == []
    assert paraphrase_mining_embeddings(np.ones((1, 3))) == []
    assert paraphrase_mining_embeddings(np.zeros((0, 3))) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"embeddings": [[1.0, np.nan], [0.0, 1.0]]}, "embeddings with NaN"),
        ({"embeddings": np.ones((2, 2, 2))}, "of shape (2, 2, 2)"),
        ({"embeddings": ["a", "b"]}, "form no matrix"),
        ({"top_k": 0}, "top_k is 0"),
        ({"max_pairs": 0}, "max_pairs is 0"),
        ({"max_pairs": 1e5}, "max_pairs is 100000.0"),
        ({"query_chunk_size": 0}, "query_chunk_size is 0"),
        ({"corpus_chunk_size": 0}, "corpus_chunk_size is 0"),
        ({"score_function": None}, "score_function is None"),
        ({"score_function": lambda a, b: cos_sim(a, b)[:1]}, "gave (1, 2)"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        paraphrase_mining_embeddings(**{"embeddings": np.eye(2), **arguments})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_texts_that_are_none_are_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="one text"):
        paraphrase_mining(model, "a cat")
    with pytest.raises(ArgumentError):
        paraphrase_mining(model, ["a cat", None])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="top_k is 0"):
        paraphrase_mining(model, ["a cat", "a dog"], top_k=0)
