"""Communities beside the reference library, and beside their definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sentence_transformers import util

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.tasks.communities import community_detection


@pytest.fixture(scope="module")
def vectors(model: SentenceTransformer, real_texts: list[str]) -> Any:
    return model.encode([text[:60] for text in real_texts[:700]])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.tasks.communities.BLOCK", 64)
    monkeypatch.setattr("sentune.tasks.communities.block_width", lambda height: 128)
    monkeypatch.setattr("sentune.tasks.communities._NEIGHBOURS", 500)


def _by_definition(scores: NDArray[np.float64], threshold: float, least: int) -> list[list[int]]:
    """The fast clustering, from a whole matrix of scores."""
    close = scores >= threshold
    order = sorted(range(len(scores)), key=lambda i: -int(close[i].sum()))
    used: set[int] = set()
    found = []
    for centre in order:
        near = [int(j) for j in np.argsort(-scores[centre], kind="stable") if close[centre, j]]
        free = [j for j in near if j not in used]
        if close[centre].sum() >= least and centre not in used and len(free) >= least:
            found.append([centre, *(j for j in free if j != centre)])
            used.update(found[-1])
    return sorted(found, key=len, reverse=True)


@pytest.mark.parametrize("least", [2, 5, 10, 40])
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.75, 0.95])
def test_communities_of_the_reference(
    vectors: Any, threshold: float, least: int, small_blocks: None
) -> None:
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    # A pair at the very threshold could round to either side.
    assert np.abs(unit @ unit.T - threshold).min() > 1e-8
    found = community_detection(vectors, threshold, least)
    expected = util.community_detection(vectors, threshold, least)
    assert [community[0] for community in found] == [community[0] for community in expected]
    assert [set(community) for community in found] == [set(community) for community in expected]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            unit[ours] @ unit[ours[0]], unit[theirs] @ unit[theirs[0]], rtol=0, atol=2e-7
        )


def test_it_finds_something(vectors: Any) -> None:
    found = community_detection(vectors, 0.5, 5)
    assert len(found) > 5
    assert all(type(i) is int for community in found for i in community)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_definition_in_whole_numbers(data: st.DataObject) -> None:
    """Corners of a cube of 16 dimensions have exact cosines, so ties are ties."""
    count = data.draw(st.integers(1, 80))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kinds = data.draw(st.integers(1, count))
    corners = draw.choice([-1.0, 1.0], (kinds, 16))[draw.integers(0, kinds, count)]
    least = data.draw(st.integers(1, 6))
    threshold = data.draw(st.sampled_from([-1, -0.125, 0, 0.25, 0.3, 0.5, 0.75, 1.0]))
    expected = _by_definition(corners @ corners.T / 16, threshold, least)
    for size in {1, 3, count}:
        assert community_detection(corners, threshold, least, batch_size=size) == expected


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_formats(kind: torch.dtype, vectors: Any) -> None:
    given_vectors = torch.from_numpy(vectors).to(kind)
    expected = community_detection(given_vectors.float().numpy(), 0.5, 5)
    found = community_detection(given_vectors, 0.5, 5)
    assert [set(community) for community in found] == [set(community) for community in expected]


def test_lengths_do_not_count_and_nothing_is_changed(vectors: Any) -> None:
    scaled = vectors * np.linspace(0.5, 9, len(vectors), dtype=np.float32)[:, None]
    before = scaled.copy()
    found = {frozenset(c) for c in community_detection(scaled, 0.5)}
    assert found == {frozenset(c) for c in community_detection(vectors, 0.5)}
    np.testing.assert_array_equal(scaled, before)


def test_every_batch_size_gives_the_same(vectors: Any, small_blocks: None) -> None:
    expected = community_detection(vectors, 0.5, 3)
    for size in (1, 2, 7, 64, 1000):
        assert community_detection(vectors, 0.5, 3, batch_size=size) == expected


def test_zero_vectors_belong_nowhere() -> None:
    rows = np.array([[0, 0], [1, 0], [1, 0], [0, 0]], dtype=np.float32)
    assert community_detection(rows, min_community_size=1) == [[1, 2]]


def test_few_and_none() -> None:
    assert community_detection([]) == []
    assert community_detection(np.zeros((0, 5))) == []
    assert community_detection(np.eye(3), min_community_size=4) == []
    assert community_detection(np.eye(3), min_community_size=1) == [[0], [1], [2]]
    assert community_detection(np.ones(3), min_community_size=1) == [[0]]


def test_bars(vectors: Any, capsys: pytest.CaptureFixture[str]) -> None:
    community_detection(vectors, 0.5, show_progress_bar=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{len(vectors)}/{len(vectors)} vectors" in shown.err
    centres = [line for line in shown.err.splitlines() if "centres" in line][-1]
    done, total = centres.split("/")[0].split()[-1], centres.split("/")[1].split()[0]
    assert done == total


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"embeddings": [[1.0, np.nan]] * 9}, "embeddings with NaN"),
        ({"embeddings": ["a"] * 9}, "form no matrix"),
        ({"embeddings": np.ones((9, 2, 2))}, "of shape (9, 2, 2)"),
        ({"threshold": "high"}, "threshold is 'high'"),
        ({"threshold": None}, "threshold is None"),
        ({"threshold": True}, "threshold is True"),
        ({"threshold": np.nan}, "threshold is nan"),
        ({"threshold": 75}, "threshold is 75"),
        ({"min_community_size": 0}, "min_community_size is 0"),
        ({"min_community_size": 1.5}, "min_community_size is 1.5"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {"embeddings": np.eye(9), "min_community_size": 1}
    with pytest.raises(ArgumentError) as caught:
        community_detection(**{**whole, **arguments})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_bar_without_centres(capsys: pytest.CaptureFixture[str]) -> None:
    community_detection(np.eye(12), show_progress_bar=True)
    shown = capsys.readouterr().err
    assert "12/12 vectors" in shown
    assert "centres" not in shown
