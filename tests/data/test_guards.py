from __future__ import annotations

import pytest

from sentune.data.guards import without_leaks
from sentune.data.pairs import Pairs
from sentune.errors import DataError


def _pairs(rows: list[tuple[str, str]], source: str, notes: tuple[str, ...] = ()) -> Pairs:
    return Pairs(
        questions={f"q{n}": question for n, (question, _) in enumerate(rows)},
        passages={f"p{n}": passage for n, (_, passage) in enumerate(rows)},
        relevant={f"q{n}": (f"p{n}",) for n in range(len(rows))},
        source=source,
        notes=notes,
    )


TRAINING = _pairs([("What is AI?", "One thing."), ("Who  asks", "Two things.")], "train.csv")


@pytest.mark.parametrize(
    "question",
    [
        "What is AI?",
        "what IS ai",
        " What\n is  AI ?! ",
        "«What is AI»…",
        "Ｗhat is AI？",
        "who asks?",
    ],
)
def test_a_question_that_training_asks_is_left_out(question: str) -> None:
    held = _pairs([(question, "other"), ("What is new?", "else")], "valid.csv", ("before",))
    kept = without_leaks(held, TRAINING)
    assert kept.questions == {"q1": "What is new?"}
    assert kept.relevant == {"q1": ("p1",)}
    assert kept.passages == held.passages
    assert kept.notes == (
        "before",
        "1 of 2 questions is also among the training questions and is left out",
    )


@pytest.mark.parametrize("question", ["What is an AI?", "What is A.I?", "What is AI+", "???"])
def test_a_different_question_is_kept(question: str) -> None:
    held = _pairs([(question, "other")], "valid.csv")
    assert without_leaks(held, TRAINING) == held


def test_questions_of_punctuation_alone_are_told_apart() -> None:
    held = _pairs([("…!", "other"), ("???", "else")], "valid.csv")
    kept = without_leaks(held, _pairs([("???", "one")], "train.csv"))
    assert list(kept.questions.values()) == ["…!"]


def test_known_passages_are_kept_and_counted_over_what_is_left() -> None:
    held = _pairs(
        [
            ("a", "one THING"),
            ("b", "new"),
            ("c", "two things"),
            ("d", "bad"),
            ("What is AI", "bad."),
        ],
        "valid.csv",
    )
    training = Pairs(
        TRAINING.questions,
        {**TRAINING.passages, "p9": "new"},
        TRAINING.relevant,
        negatives={"q0": ("Bad!",)},
    )
    kept = without_leaks(held, training)
    assert list(kept.relevant) == ["q0", "q1", "q2", "q3"]
    assert kept.notes == (
        "1 of 5 questions is also among the training questions and is left out",
        "2 questions ask for passages that training saw as answers",
        "1 question asks for passages that training saw as hard negatives",
    )


def test_nothing_left_is_an_error() -> None:
    held = _pairs([("what is ai", "x"), ("who asks", "y")], "valid.csv")
    with pytest.raises(DataError, match=r"^every question of valid\.csv is also in train\.csv"):
        without_leaks(held, TRAINING)
