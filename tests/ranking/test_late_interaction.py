"""MaxSim and the late stage, against float64 written out and a straightforward loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.errors import ArgumentError, DataError, ModelError
from sentune.ranking.late_interaction import (
    LATE_DEPTH,
    LATE_WEIGHT,
    LateChoice,
    add_late,
    late_scores,
    max_sim,
)
from sentune.ranking.rank import rank
from sentune.ranking.token_vectors import passage_tokens, question_tokens, token_encoder

nan, inf = np.nan, np.inf
WIDTH = 6


@st.composite
def texts(draw: st.DrawFn) -> list[NDArray[np.float32]]:
    """Unit vectors of the tokens of some texts, of which some have none."""
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    rows = [rng.normal(size=(length, WIDTH)) for length in lengths]
    return [(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in rows]


def equally(stem: str) -> float:
    """The same idf for every word."""
    return float(bool(stem))


def written_out(question: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    if not len(question) or not len(passage):
        return 0.0
    products = question.astype(np.float64) @ passage.astype(np.float64).T
    return float(np.mean([max(row) for row in products]))


@given(texts(), texts())
def test_max_sim_is_the_mean_of_the_largest_products(
    questions: list[NDArray[np.float32]], passages: list[NDArray[np.float32]]
) -> None:
    found = max_sim(questions, passages)
    expected = [[written_out(q, p) for p in passages] for q in questions]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_equal_passages_score_equally() -> None:
    rng = np.random.default_rng(0)
    passage = rng.normal(size=(37, 384)).astype(np.float32)
    question = rng.normal(size=(11, 384)).astype(np.float32)
    scale = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (question, passage)]
    other = scale[1][:5]
    found = max_sim([scale[0]], [scale[1], other, scale[1], scale[1]])[0]
    assert found[0] == found[2] == found[3]


def test_vectors_of_two_models_are_refused() -> None:
    with pytest.raises(DataError, match="4 and of 5"):
        max_sim([np.ones((1, 4), np.float32)], [np.ones((1, 5), np.float32)])


def test_late_scores_are_added_as_z_scores() -> None:
    scores = np.array([[3.0, 2.5, 1.0, 0.5, -inf]])
    late = np.array([[0.2, 0.5, 0.8]])
    z, late_z = ((each - each.mean()) / np.std(each) for each in (scores[0, :3], late[0]))
    found = add_late(scores, late, 0.7)[0]
    assert found[:3] == pytest.approx(0.3 * z + 0.7 * late_z)
    assert found[3] == pytest.approx(0.3 * z.min() + 0.7 * late_z.min() - 0.5)
    assert found[4] == -inf
    assert add_late(scores, late, 1.0)[0, :3] == pytest.approx(late_z)
    few = add_late(scores, np.array([[0.2, 0.5, 0.8, 0.1, nan]]), 0.7)
    np.testing.assert_array_equal(few, add_late(scores, np.array([[0.2, 0.5, 0.8, 0.1]]), 0.7))


@given(
    hnp.arrays(np.float64, (2, 9), elements=st.integers(-4, 4).map(float)),
    hnp.arrays(np.float64, (2, 4), elements=st.sampled_from([nan, 0.1, 0.5, 0.9])),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_the_passages_beyond_the_depth_stay_behind_in_their_order(
    scores: NDArray[np.float64], late: NDArray[np.float64], weight: float
) -> None:
    scores = -np.sort(-scores, axis=1)
    found = add_late(scores, late, weight)
    assert (found[:, :4].min(axis=1) >= found[:, 4]).all()
    order = rank(found)
    for row in order:
        assert [place for place in row if place >= 4] == [4, 5, 6, 7, 8]
    if weight == 0:
        np.testing.assert_array_equal(found, scores)


def test_passages_that_are_all_alike_stay_as_they_are() -> None:
    scores = np.array([[2.0, 1.0, 0.0]])
    for weight in (0.0, 0.4, 1.0):
        np.testing.assert_array_equal(
            rank(add_late(scores, np.full((1, 3), 0.3), weight)), [[0, 1, 2]]
        )


@pytest.mark.parametrize("shape", [(1, 4), (2, 3), (3,)])
def test_late_scores_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="late scores of shape"):
        add_late(np.zeros((1, 3)), np.zeros(shape), 0.5)


@pytest.mark.parametrize(("weight", "depth"), [(1.5, 20), (-0.1, 20), (nan, 20), (0.5, 0)])
def test_a_choice_outside_its_range_is_refused(weight: float, depth: int) -> None:
    with pytest.raises(ArgumentError, match="late_"):
        LateChoice(weight, depth)


def test_what_a_folder_saves_is_the_choice() -> None:
    assert LateChoice.saved({}) is None
    assert LateChoice.saved({"late_weight": 0.0, "late_depth": 50}) is None
    assert LateChoice.saved({"late_weight": 0.3, "late_depth": 50}) == LateChoice(0.3, 50)
    assert LateChoice() == LateChoice(LATE_WEIGHT, LATE_DEPTH)


def test_token_vectors_are_those_of_encode_without_special_tokens(
    tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    passages = [*real_texts[:150], "", "word " * 400]
    found = [one for block in passage_tokens(tiny, passages) for one in block]
    whole = tiny.encode(passages, prompt=tiny.document_prompt, output_value="token_embeddings")
    assert len(found) == len(whole)
    before = len(tiny.tokenizer([tiny.document_prompt])[0][0]) - 1
    for one, each in zip(found, whole, strict=True):
        rows = np.asarray(each)[before:-1]
        np.testing.assert_allclose(
            one, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-5
        )
    assert found[-2].shape == (0, found[0].shape[1])


def test_the_prompt_of_questions_is_read_and_left_out(tiny: SentenceTransformer) -> None:
    assert tiny.query_prompt == "find "
    (with_prompt,) = question_tokens(tiny, ["the and"], equally)
    whole = np.asarray(tiny.encode("find the and", prompt="", output_value="token_embeddings"))
    without = np.asarray(tiny.encode("the and", prompt="", output_value="token_embeddings"))
    rows = whole[-1 - len(with_prompt) : -1]
    assert len(with_prompt) == len(without) - 2
    np.testing.assert_allclose(
        with_prompt, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-5
    )


def test_one_question_scores_as_written_out(
    tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    passages = real_texts[:12]
    idf = {"read": 0.5, "file": 2.0}.__getitem__
    (question,) = question_tokens(tiny, ["read a file"], idf)
    tokens = [one for block in passage_tokens(tiny, passages) for one in block]
    expected = [[written_out(question, one) for one in tokens]]
    found = late_scores(tiny, "read a file", passages, idf)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_vectors_that_are_not_finite_are_refused(tiny_folder: str) -> None:
    broken = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    next(broken.encoder.parameters()).data.fill_(nan)
    with pytest.raises(ModelError, match="tokens are not finite"):
        question_tokens(broken, ["a file"], equally)


def test_only_a_model_of_tokens_has_a_late_stage(tiny: SentenceTransformer) -> None:
    assert token_encoder(tiny) is tiny
    assert token_encoder(object()) is None
