from __future__ import annotations

from sentune.data.pairs import Pairs

PAIRS = Pairs(
    questions={"a": "A?", "b": "B?"},
    passages={"1": "one", "2": "two", "3": "three"},
    relevant={"a": ("1", "2"), "b": ("2",)},
    negatives={"a": ("x", "y"), "b": ("z",)},
    source="here",
    notes=("noted",),
)


def test_rows_have_as_many_negatives_as_every_question_has() -> None:
    assert len(PAIRS) == 3
    assert PAIRS.negative_count == 1
    assert list(PAIRS.rows()) == [("A?", "one", "x"), ("A?", "two", "x"), ("B?", "two", "z")]
    assert PAIRS.columns() == {
        "anchor": ["A?", "A?", "B?"],
        "positive": ["one", "two", "two"],
        "negative_1": ["x", "x", "z"],
    }


def test_selecting_keeps_the_corpus_and_the_order_asked_for() -> None:
    chosen = PAIRS.select(["b", "a", "b"])
    assert list(chosen.relevant) == list(chosen.questions) == ["b", "a"]
    assert chosen.passages == PAIRS.passages
    only = PAIRS.select(["a"])
    assert (only.negative_count, len(only), only.notes) == (2, 2, ("noted",))
    assert list(only.rows()) == [("A?", "one", "x", "y"), ("A?", "two", "x", "y")]


def test_without_pairs_there_are_no_rows() -> None:
    empty = PAIRS.select([])
    assert len(empty) == empty.negative_count == 0
    assert empty.columns() == {"anchor": [], "positive": []}
