"""Rows → Pairs: repeated texts become one, and the notes count them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sentune.data.pairs import Pairs
from sentune.wording import agreeing, counted

__all__ = ["PairRow", "pairs_of_ids", "pairs_of_rows"]


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row of a file of pairs.

    Attributes:
        question: its text.
        passages: those that answer it.
        negatives: texts that do not.
        wrong: passages of the corpus that were judged, and do not answer it.
    """

    question: str
    passages: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def pairs_of_rows(
    rows: Iterable[PairRow], source: str, notes: Callable[[], Iterable[str]] = tuple
) -> Pairs:
    """Build pairs from rows without ids: these become q1, q2, … and p1, p2, … in order.

    Notes count the pairs that repeat an earlier one, the questions with several passages, those
    with none, and the negatives that also answer their question. ``notes`` is called after the
    last row, for what the reader of the rows left out.
    """
    questions: dict[str, str] = {}
    passages: dict[str, str] = {}
    relevant: dict[str, dict[str, None]] = {}
    negatives: dict[str, dict[str, None]] = {}
    repeated = 0
    for row in rows:
        key = questions.setdefault(row.question, f"q{len(questions) + 1}")
        answers = relevant.setdefault(key, {})
        for text in row.passages:
            passage_id = passages.setdefault(text, f"p{len(passages) + 1}")
            repeated += passage_id in answers
            answers[passage_id] = None
        for text in row.wrong:
            passages.setdefault(text, f"p{len(passages) + 1}")
        negatives.setdefault(key, {}).update(dict.fromkeys((*row.negatives, *row.wrong)))
    kept = {key: tuple(answers) for key, answers in relevant.items() if answers}
    told = list(notes())
    if repeated:
        told.append(
            f"{counted(repeated, 'pair')} {agreeing(repeated, 'repeats')} an earlier pair and "
            f"{agreeing(repeated, 'counts')} once"
        )
    several = sum(len(answers) > 1 for answers in kept.values())
    if several:
        told.append(
            f"{counted(several, 'question')} {agreeing(several, 'has')} more than one relevant "
            "passage"
        )
    told += _unanswered_note(len(relevant) - len(kept))
    pairs = Pairs(
        questions={key: text for text, key in questions.items() if key in kept},
        passages={key: text for text, key in passages.items()},
        relevant=kept,
        negatives={key: tuple(texts) for key, texts in negatives.items() if texts and key in kept},
        source=source,
        notes=tuple(told),
    )
    return _with_uneven_negatives_noted(_without_contradictions(pairs))


def pairs_of_ids(
    questions: Mapping[str, str],
    passages: Mapping[str, str],
    relevant: Mapping[str, Iterable[str]],
    source: str,
) -> Pairs:
    """Build pairs from texts with ids; a text with several ids keeps the first.

    Every id in ``relevant`` must be a key of ``questions`` or ``passages``. Questions without a
    relevant passage are left out. Notes count them, and the merged questions and passages.
    """
    question_of = _first_ids(questions)
    passage_of = _first_ids(passages)
    merged: dict[str, dict[str, None]] = {}
    for key in questions:
        answers = dict.fromkeys(passage_of[passages[name]] for name in relevant.get(key, ()))
        merged.setdefault(question_of[questions[key]], {}).update(answers)
    kept = {key: tuple(answers) for key, answers in merged.items() if answers}
    notes = [
        *_merge_note(len(questions) - len(question_of), "question"),
        *_merge_note(len(passages) - len(passage_of), "passage"),
        *_unanswered_note(len(merged) - len(kept)),
    ]
    return Pairs(
        questions={key: questions[key] for key in kept},
        passages={key: text for text, key in passage_of.items()},
        relevant=kept,
        source=source,
        notes=tuple(notes),
    )


def _first_ids(texts: Mapping[str, str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for key, text in texts.items():
        first.setdefault(text, key)
    return first


def _unanswered_note(number: int) -> list[str]:
    if not number:
        return []
    return [
        f"{counted(number, 'question')} {agreeing(number, 'has')} no relevant passage "
        f"and {agreeing(number, 'is')} left out"
    ]


def _merge_note(number: int, noun: str) -> list[str]:
    if not number:
        return []
    return [
        f"{counted(number, noun)} {agreeing(number, 'repeats')} the text of another and "
        f"{agreeing(number, 'counts')} as one with it"
    ]


def _with_uneven_negatives_noted(pairs: Pairs) -> Pairs:
    """Note how many negatives training leaves out, because all its rows have the same width."""
    counts = [len(pairs.negatives.get(key, ())) for key in pairs.relevant]
    unused = sum(counts) - pairs.negative_count * len(counts)
    if not unused:
        return pairs
    note = (
        f"questions have {min(counts)} to {max(counts)} negatives; training uses the first "
        f"{pairs.negative_count} of each and leaves {unused:,} out"
    )
    return replace(pairs, notes=(*pairs.notes, note))


def _without_contradictions(pairs: Pairs) -> Pairs:
    negatives: dict[str, tuple[str, ...]] = {}
    dropped = 0
    for key, texts in pairs.negatives.items():
        answers = {pairs.passages[name] for name in pairs.relevant[key]}
        kept = tuple(text for text in texts if text not in answers)
        dropped += len(texts) - len(kept)
        if kept:
            negatives[key] = kept
    if not dropped:
        return pairs
    note = (
        f"{counted(dropped, 'negative')} also {agreeing(dropped, 'answers')} the question and "
        f"{agreeing(dropped, 'is')} left out"
    )
    return replace(pairs, negatives=negatives, notes=(*pairs.notes, note))
