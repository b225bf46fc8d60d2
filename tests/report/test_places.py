from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.errors import DataError
from sentune.report.places import places, turned


@given(st.integers(0, 10_000), st.integers(3, 12), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_a_turned_and_scaled_copy_stays_in_place(seed: int, count: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, width))
    rotation = np.linalg.qr(rng.normal(size=(width, width)))[0]
    first, second = places([vectors, 3.0 * vectors @ rotation + rng.normal(size=width)])
    np.testing.assert_allclose(second, first, atol=1e-8)


def test_the_first_model_has_its_two_main_axes() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(200, 5)) * [1, 9, 1, 4, 1]
    (found,) = places([vectors])
    centred = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    for column, number in ((0, -1), (1, -2)):
        wanted = centred @ axes[:, number]
        sign = np.sign(wanted @ found[:, column])
        np.testing.assert_allclose(found[:, column], sign * wanted, atol=1e-8)
    assert (found.var(axis=0)[0] * 200) == pytest.approx(values[-1])


def test_no_rotation_is_nearer() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(size=(30, 3))
    other = first + 0.3 * rng.normal(size=(30, 3))
    first, other = (each - each.mean(axis=0) for each in (first, other))
    scale = np.linalg.norm(first) / np.linalg.norm(other)
    nearest = np.linalg.norm(turned(other, first) - first)
    for _ in range(200):
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        assert nearest <= np.linalg.norm(scale * other @ rotation - first) + 1e-9


def test_models_may_have_vectors_of_other_lengths() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(20, 3))
    wider = np.pad(vectors, ((0, 0), (0, 4)))[:, rng.permutation(7)]
    first, second = places([vectors, wider])
    np.testing.assert_allclose(second, first, atol=1e-8)


def test_one_number_or_one_text_is_enough() -> None:
    assert places([np.ones((4, 1))])[0].shape == (4, 2)
    assert places([np.ones((1, 6)), np.zeros((1, 6))])[1].tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("given", [[], [np.ones((0, 2))], [np.ones((2, 2)), np.ones((3, 2))]])
def test_other_numbers_of_texts_are_refused(given: list[np.ndarray]) -> None:
    with pytest.raises(DataError, match="expected at least one vector"):
        places(given)
