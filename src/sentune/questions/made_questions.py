"""Texts without questions: what to train on, and made questions to measure on.

A made question is half of the words of a sentence, in their order, since people who ask know a part
of the words. Its passage has to be found among all others. Up to three sentences of a passage are
asked, and none of a list of references. Passages without the sentence that is asked (the inverse
cloze task) did not tell models apart as the questions of people do: see docs/performance-log.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sentune.data import Pairs, hold_out
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.questions.prose import (
    bare_words,
    half_of_words,
    hashed,
    is_list_of_references,
    one_line,
    whole_sentences,
)
from sentune.questions.sentences import sentence_rows
from sentune.training.batches.examples import TrainingData
from sentune.wording import counted

__all__ = [
    "TextParts",
    "made_caution",
    "made_questions",
    "made_training",
    "pairs_of_made",
    "part_texts",
]

_MOST_OF_ONE = 3  # questions on a passage: passages held out teach nothing, so each is used well
_MOST_HELD_OUT = 1000
_EPOCH = 2000  # rows: an epoch of a large collection uses another part of its sentences


def made_caution(texts: Pairs) -> str:
    """What made questions can and cannot show."""
    name = Path(texts.source).name
    return (
        "Made questions show whether the model learnt the words of "
        f"{'the texts' if texts.relevant else name}, not whether it finds what people ask. "
        "For that, measure it on real questions: sentune evaluate MODEL PAIRS"
    )


class TextParts(NamedTuple):
    """Passages to train on, without questions; and made questions about other passages."""

    train: Pairs
    held_out: Pairs


def part_texts(texts: Pairs, fraction: float, seed: int) -> TextParts:
    """Hold passages out, and make questions of them.

    No two questions are the same. The choice depends on the seed and the texts alone,
    not on their order. At most 1,000 passages are held out.

    Raises:
        DataError: there are fewer than two passages from which a question can be made.
    """
    made = made_questions(texts, seed)
    fraction = min(fraction, _MOST_HELD_OUT / len(made.passages))
    _, held_out = hold_out(made, fraction, seed)
    passages = {key: text for key, text in texts.passages.items() if key not in held_out.passages}
    return TextParts(replace(texts, passages=passages), held_out)


def made_questions(texts: Pairs, seed: int) -> Pairs:
    """Questions on each passage that has sentences, and these passages.

    No two questions are the same.

    Raises:
        DataError: there are fewer than two such passages.
    """
    made = _questions(texts, seed)
    if len(made.passages) < 2:
        usable = counted(len(made.passages), "passage")
        raise DataError(
            f"{texts.source} has no questions, and {usable} from which a question can be made",
            expected="at least two, of several sentences, to measure on one of them",
            fix="add passages, or a file of pairs: sentune tune PAIRS --corpus TEXTS",
        )
    return made


def _questions(texts: Pairs, seed: int) -> Pairs:
    found = {
        key: [] if is_list_of_references(text) else whole_sentences(text)
        for key, text in texts.passages.items()
    }
    rarity = Counter(word for text in texts.passages.values() for word in set(bare_words(text)))
    asked = {
        key: list(dict.fromkeys(half_of_words(one_line(each), rarity, seed) for each in sentences))
        for key, sentences in found.items()
    }
    times = Counter(question for several in asked.values() for question in several)
    questions: dict[str, str] = {}
    relevant: dict[str, tuple[str, ...]] = {}
    for key, several in asked.items():
        usable = [each for each in several if times[each] == 1]
        chosen = sorted(usable, key=lambda each: hashed(each, seed))[:_MOST_OF_ONE]
        for number, question in enumerate(chosen):
            name = f"{key}#{number}"
            questions[name], relevant[name] = question, (key,)
    passages = {key: texts.passages[key] for (key,) in relevant.values()}
    return Pairs(questions, passages, relevant, source=texts.source, made=True)


def made_training(
    texts: Pairs, base: SentenceTransformer, tokens: int, each: int, epochs: float, seed: int
) -> tuple[Pairs, TrainingData]:
    """Sentences of passages as questions, each answered by its piece, and the rows of the run.

    Args:
        texts: passages without questions.
        base: its tokenizer counts.
        tokens: the most in a piece, special tokens included.
        each: the most sentences of a piece.
        epochs: of the run. One epoch uses at most 2,000 sentences; the next uses others.
        seed: of the choice of sentences.

    Raises:
        DataError: fewer than two pieces contain a sentence.
    """
    found = sentence_rows(texts, base, tokens, each, seed)
    spread = max(1, min(round(epochs), -(-len(found) // _EPOCH)))
    rows = found[: spread * _EPOCH]
    pieces = {text: f"p{number}" for number, text in enumerate(dict.fromkeys(r[1] for r in rows))}
    if len(pieces) < 2:
        raise DataError(
            f"{texts.source} has {counted(len(pieces), 'passage')} with a sentence to train on",
            expected="at least two, of several sentences, besides those held out",
            fix="add passages, or a file of pairs: sentune tune PAIRS --corpus TEXTS",
        )
    used = f"{counted(len(rows), 'sentence')} of {counted(len(pieces), 'piece')}"
    note = f"{Path(texts.source).name} has no questions: {used} of passages are trained on instead"
    if len(rows) < len(found):
        note += f", of {len(found):,}; more epochs use more"
    pairs = pairs_of_made(rows, texts, note)
    data = TrainingData.of(pairs)
    if spread > 1:
        data = replace(data, extra=len(rows), spread=spread)
    return pairs, data


def pairs_of_made(rows: Iterable[tuple[str, ...]], texts: Pairs, note: str) -> Pairs:
    """Rows of a made question and its passage as pairs, with the notes of ``texts`` and another."""
    several = list(rows)
    different = dict.fromkeys(row[1] for row in several)
    pieces = {text: f"p{number}" for number, text in enumerate(different)}
    return Pairs(
        {f"q{number}": row[0] for number, row in enumerate(several)},
        {key: text for text, key in pieces.items()},
        {f"q{number}": (pieces[row[1]],) for number, row in enumerate(several)},
        source=texts.source,
        notes=(*texts.notes, note),
        made=True,
    )
