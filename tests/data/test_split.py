from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sentune.data.pairs import Pairs
from sentune.data.split import hold_out, hold_out_groups, question_groups
from sentune.errors import ArgumentError, DataError

UNASKED = "nobody"


def _pairs(answers: list[list[int]]) -> Pairs:
    """Question n is answered by the passages with these numbers; one more is never asked for."""
    numbers = sorted({number for ids in answers for number in ids})
    return Pairs(
        questions={f"q{n}": f"question {n}" for n in range(len(answers))},
        passages={UNASKED: "nobody asks"} | {f"p{n}": f"passage {n}" for n in numbers},
        relevant={
            f"q{n}": tuple(dict.fromkeys(f"p{number}" for number in ids))
            for n, ids in enumerate(answers)
        },
        negatives={"q0": ("no",)},
        source="here.csv",
        notes=("noted",),
    )


_answers = st.lists(st.lists(st.integers(0, 15), min_size=1, max_size=3), min_size=2, max_size=30)
_fractions = st.floats(0.01, 0.99)


def _connected(answers: list[list[int]]) -> list[set[int]]:
    """The components of questions, found the slow and obvious way."""
    components: list[tuple[set[int], set[int]]] = []
    for question, ids in enumerate(answers):
        touching = [item for item in components if item[1] & set(ids)]
        components = [item for item in components if not item[1] & set(ids)]
        components.append(
            (
                {question}.union(*(item[0] for item in touching)),
                set(ids).union(*(item[1] for item in touching)),
            )
        )
    return sorted((item[0] for item in components), key=min)


@given(answers=_answers)
@settings(max_examples=200, deadline=None)
def test_groups_are_the_connected_components(answers: list[list[int]]) -> None:
    groups = question_groups(_pairs(answers))
    expected = np.empty(len(answers), dtype=np.int64)
    for number, component in enumerate(_connected(answers)):
        expected[list(component)] = number
    assert groups.dtype == np.int64
    assert groups.tolist() == expected.tolist()


@given(answers=_answers, fraction=_fractions, seed=st.integers(-5, 5))
@settings(max_examples=200, deadline=None)
def test_no_passage_and_no_question_is_on_both_sides(
    answers: list[list[int]], fraction: float, seed: int
) -> None:
    assume(len(_connected(answers)) > 1)
    pairs = _pairs(answers)
    train, held = hold_out(pairs, fraction, seed)
    for side in (train, held):
        assert side.relevant
        assert side.questions == {key: pairs.questions[key] for key in side.relevant}
        assert {key: pairs.relevant[key] for key in side.relevant} == side.relevant
        assert list(side.relevant) == [key for key in pairs.relevant if key in side.relevant]
        asked = {name for ids in side.relevant.values() for name in ids}
        assert side.passages.keys() - {UNASKED} == asked
        assert side.source == "here.csv"
        assert side.notes == ("noted",)
        assert ("q0" in side.negatives) == ("q0" in side.relevant)
    assert (UNASKED in train.passages, UNASKED in held.passages) == (True, False)
    assert not train.passages.keys() & held.passages.keys()
    assert train.relevant.keys() | held.relevant.keys() == pairs.relevant.keys()
    assert not train.relevant.keys() & held.relevant.keys()


@given(answers=_answers, fraction=_fractions, order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_file_does_not_change_the_split(
    answers: list[list[int]], fraction: float, order: Random
) -> None:
    assume(len(_connected(answers)) > 2)
    pairs = _pairs(answers)
    keys = list(pairs.relevant)
    order.shuffle(keys)
    shuffled = replace(pairs, relevant={key: pairs.relevant[key] for key in keys})
    held = hold_out(pairs, fraction, 3)[1].relevant.keys()
    assert hold_out(shuffled, fraction, 3)[1].relevant.keys() == held


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9])
def test_the_share_is_met_when_the_components_are_small(fraction: float) -> None:
    pairs = _pairs([[n // 2] for n in range(200)])
    for seed in range(5):
        assert abs(len(hold_out(pairs, fraction, seed)[1]) - fraction * 200) <= 1


def test_seeds_differ_and_repeat() -> None:
    pairs = _pairs([[n] for n in range(50)])
    held = [tuple(hold_out(pairs, 0.2, seed)[1].relevant) for seed in (0, 0, 1, 2)]
    assert held[0] == held[1]
    assert len(set(held)) == 3


def test_the_split_is_the_same_on_every_machine_and_version() -> None:
    pairs = _pairs([[n] for n in range(20)])
    assert list(hold_out(pairs, 0.2, 42)[1].relevant) == ["q0", "q6", "q11", "q16"]


def test_a_large_component_does_not_become_the_held_out_side() -> None:
    pairs = _pairs([[0]] * 90 + [[n] for n in range(1, 11)])
    for seed in range(10):
        assert len(hold_out(pairs, 0.1, seed)[1]) == 10


def test_where_every_component_is_too_large_the_smallest_is_held_out() -> None:
    pairs = _pairs([[0]] * 60 + [[1]] * 40)
    assert {len(hold_out(pairs, 0.1, seed)[1]) for seed in range(5)} == {40}


def test_one_component_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"^here\.csv can't be split.*at least two groups"):
        hold_out(_pairs([[0], [0, 1], [1]]))


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 3, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        hold_out(_pairs([[0], [1]]), fraction)


def test_given_groups_stay_together() -> None:
    pairs = _pairs([[n] for n in range(40)])
    group_of = {key: str(n % 8) for n, key in enumerate(pairs.relevant)}
    train, held = hold_out_groups(pairs, group_of, 0.25, 1)
    assert len(held) == 10
    assert not {group_of[key] for key in held.relevant} & {group_of[key] for key in train.relevant}
