"""What may be wrong with the data of a run, said before the first step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentune.data import Inspection, Pairs, inspect_pairs
from sentune.data.languages import LANGUAGES
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import TrainingData
from sentune.training.batches.row_batches import RowBatches
from sentune.tuning.recipes import DEFAULT_RECIPE, recipe
from sentune.tuning.split import Split
from sentune.wording import agreeing, counted

__all__ = ["DataCheck", "Lengths", "check_data", "concerns_of", "lonely_batches", "what_matters"]

_MOST = 5
_TOO_FEW, _FEW = 6, 30  # groups: fewer than 6 show nothing, about 30 give narrow intervals
_MOSTLY = 2 / 3
_PART = 0.1  # of the texts; a mark in fewer may be their subject
_FOREIGN = 0.1  # of the texts with a language
_EVERY_LANGUAGE = 100_000  # a vocabulary of more tokens is one of many languages
_LANGUAGE = re.compile(r"^language:[ \t]*(.*(?:\n[ \t]*-[ \t]*.+)*)", re.MULTILINE)
_CODE = re.compile(r"[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of texts, special ones included: the median, the most, and how many are cut."""

    median: int
    longest: int
    texts: int
    beyond: int


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What ``sentune check`` found.

    Attributes:
        data: all files together.
        measured: the questions that a run would measure on.
        caution: what these can and cannot show, if they are made of texts.
        lengths: ``questions`` and ``passages`` → tokens.
        notes: what the readers left out, merged or found in both files.
        concerns: what looks wrong, what does most harm first.
    """

    data: Inspection
    measured: Inspection
    caution: str | None
    lengths: dict[str, Lengths]
    notes: list[str]
    concerns: list[str]


def check_data(split: Split, base: SentenceTransformer, refused: str | None = None) -> DataCheck:
    """Inspect the parts of a run without training. Cost: one tokenization of all texts.

    ``refused`` is why a run would not begin with them.
    """
    parts = _parts(split)
    data, measured = _inspected(split)
    texts = {
        "questions": [text for part in parts for text in part.questions.values()],
        "passages": list(dict.fromkeys(t for part in parts for t in part.passages.values())),
    }
    arguments = SentenceTransformerTrainingArguments(**recipe(DEFAULT_RECIPE).settings)
    rows = TrainingData.of(split.train) if split.train.relevant else None
    lonely = None if rows is None else lonely_batches(rows, arguments)
    return DataCheck(
        data=data,
        measured=measured,
        caution=split.caution,
        lengths={name: _lengths(found, base) for name, found in texts.items() if found},
        notes=list(dict.fromkeys(note for part in parts for note in part.notes)),
        concerns=[
            *([] if refused is None else [f"tune refuses this: {refused}"]),
            *_concerns(data, base),
            *filter(None, [lonely]),
            *_groups_needed(measured),
        ],
    )


def _parts(split: Split) -> list[Pairs]:
    return [part for part in (split.train, split.valid, split.test) if part is not None]


def _inspected(split: Split) -> tuple[Inspection, Inspection]:
    """All parts together, without made questions; and the questions to measure on."""
    measured = inspect_pairs(split.valid if split.test is None else split.test)
    questions: dict[str, str] = {}
    passages: dict[str, str] = {}
    relevant: dict[str, tuple[str, ...]] = {}
    for number, part in enumerate(_parts(split)):
        # One file's ids may be another's; one text in several files is one passage.
        ids = {
            key: passages.setdefault(text, f"{number}:{key}") for key, text in part.passages.items()
        }
        if part is not split.valid or not split.made:
            questions |= {f"{number}:{key}": text for key, text in part.questions.items()}
            relevant |= {
                f"{number}:{key}": tuple(ids[name] for name in names)
                for key, names in part.relevant.items()
            }
    whole = Pairs(questions, {key: text for text, key in passages.items()}, relevant)
    return inspect_pairs(whole), measured


def _lengths(texts: Sequence[str], model: SentenceTransformer) -> Lengths:
    """Count the tokens of at least one text. Cost: one tokenization."""
    found = np.array([len(ids) for ids in model.tokenizer.whole(texts)])
    beyond = int((found > model.max_seq_length).sum())
    return Lengths(int(np.median(found)), int(found.max()), len(texts), beyond)


def what_matters(split: Split, base: SentenceTransformer) -> list[str]:
    """What a person should know of the data before it is trained on, five lines at most."""
    data, measured = _inspected(split)
    return [*_concerns(data, base), *_too_few_groups(measured)][:_MOST]


def concerns_of(pairs: Pairs, model: SentenceTransformer) -> list[str]:
    """What looks wrong with pairs that a model is measured on; may be empty."""
    found = inspect_pairs(pairs)
    return [*_concerns(found, model), *_too_few_groups(found)]


def _concerns(data: Inspection, base: SentenceTransformer) -> list[str]:
    """What looks wrong with pairs or texts, what does most harm first; may be empty."""
    found = [_placeholders(data), _swapped(data), _same(data), _several(data), _markup(data)]
    found += [_language(data, base), _alike(data)]
    return [sentence for sentence in found if sentence]


def _placeholders(data: Inspection) -> str | None:
    total = sum(data.placeholders.values())
    if not total:
        return None
    shown = ", ".join(
        f"{text!r} {number:,}" for text, number in list(data.placeholders.items())[:4]
    )
    return (
        f"{counted(total, 'text')} {agreeing(total, 'stands')} for a missing one ({shown}) and "
        f"{agreeing(total, 'is')} trained on as {'a text' if total == 1 else 'texts'}: "
        "leave these rows out"
    )


def _several(data: Inspection) -> str | None:
    if not data.several or data.several < _PART * data.passages:
        return None
    return (
        f"{data.several:,} of {counted(data.passages, 'passage')} have '||' inside: if it stands "
        "between several answers, write a row for each"
    )


def _markup(data: Inspection) -> str | None:
    if not data.markup or data.markup < _PART * data.read:
        return None
    return (
        f"{data.markup:,} of {counted(data.read, 'text')} hold tags of web pages (<p>, &nbsp;), "
        "which are trained on as words: take them out"
    )


def _swapped(data: Inspection) -> str | None:
    if data.pairs < 2:
        return None
    longer = data.longer > _MOSTLY * data.pairs and data.question_letters > (
        1.5 * data.passage_letters
    )
    # Of short questions and answers, question marks tell which is which.
    asking = data.asking_passages > _MOSTLY * data.pairs and not data.asking_questions
    if not longer and not asking:
        return None
    seen = (
        f"{data.longer:,} of {data.pairs:,} questions are longer than their passages"
        if longer
        else f"{data.asking_passages:,} of {data.pairs:,} passages end in a question mark, and no "
        "question does"
    )
    return (
        f"{seen}: are the columns swapped? Then name them the other way round, with "
        "--question-column and --passage-column"
    )


def _same(data: Inspection) -> str | None:
    if not data.same:
        return None
    return (
        f"{counted(data.same, 'question')} {agreeing(data.same, 'is')} the same as "
        f"{'its passage' if data.same == 1 else 'their passages'}: nothing is learnt from that"
    )


def _alike(data: Inspection) -> str | None:
    if not data.alike_passages:
        return None
    number = data.alike_passages
    return (
        f"{counted(number, 'passage')} {agreeing(number, 'repeats')} another but for case, blanks "
        f"or punctuation at the ends, and {agreeing(number, 'counts')} as different: a right "
        "answer may count as wrong"
    )


def _language(data: Inspection, base: SentenceTransformer) -> str | None:
    known = _languages_of(base)
    if known is None and base.tokenizer.vocabulary_size > _EVERY_LANGUAGE:
        return None
    expected = known or {"en"}
    foreign = {code: number for code, number in data.languages.items() if code not in expected}
    number, told = sum(foreign.values()), sum(data.languages.values())
    if not number or number < _FOREIGN * told:
        return None
    shown = ", ".join(f"{LANGUAGES[code]} {count:,}" for code, count in list(foreign.items())[:5])
    of = f"{number:,} of {counted(data.read, 'text')}"
    if known is None:
        return (
            f"{of} {agreeing(number, 'is')} not in English ({shown}): make sure that the base "
            "model knows the language"
        )
    names = " and ".join(LANGUAGES.get(code, code) for code in sorted(known)[:3])
    return (
        f"{of} {agreeing(number, 'is')} in a language that the base model was not made for "
        f"({shown}; its card says {names}): choose a base of many languages, such as "
        "paraphrase-multilingual-MiniLM-L12-v2"
    )


def _languages_of(base: SentenceTransformer) -> set[str] | None:
    """The codes on the model's card; None if it names none, or says that there are many."""
    try:
        card = (Path(base.base.folder) / "README.md").read_text("utf-8", "replace")
    except OSError:
        return None
    head = card.split("\n---", 1)[0] if card.startswith("---") else ""
    found = _LANGUAGE.search(head)
    codes = {code.lower() for code in _CODE.findall(found[1])} if found else set()
    return None if not codes or codes & {"multilingual", "mul"} else codes


def _too_few_groups(measured: Inspection) -> list[str]:
    """A warning if no difference can be shown, however long the run; else empty.

    What else few groups mean is said once, beside the figures.
    """
    if measured.groups >= _TOO_FEW or not measured.questions:
        return []
    return [
        f"{_in_groups(measured)}: fewer than {_TOO_FEW} groups cannot show that tuning helped; "
        "add pairs"
    ]


def _groups_needed(measured: Inspection) -> list[str]:
    """Whether the questions that a run is measured on can show a difference; may be empty."""
    if measured.groups >= _FEW or not measured.questions:
        return []
    return _too_few_groups(measured) or [
        f"{_in_groups(measured)}: only a large gain can be shown; about {_FEW} groups show more"
    ]


def _in_groups(measured: Inspection) -> str:
    questions = counted(measured.questions, "question")
    groups = counted(measured.groups, "group")
    return f"measured on {questions} in {groups} (those that share passages are one group)"


def lonely_batches(data: TrainingData, args: SentenceTransformerTrainingArguments) -> str | None:
    """A sentence on the batches of the first epoch that hold a single pair; None without any.

    A pair learns from the other pairs of its batch. Alone, without negatives, its loss is 0. That
    happens if one text is in many pairs: no batch holds a text twice.

    Cost: that of planning one epoch.
    """
    if len(data.rows) < 2 or max(len(row.texts) for row in data.rows) > 2:
        return None
    if args.batch_sampler not in ("no_duplicates", "no_duplicates_hashed", "batch_sampler"):
        return None
    batches = RowBatches(
        data.rows,
        args.per_device_train_batch_size,
        sampler=args.batch_sampler,
        seed=args.seed if args.data_seed is None else args.data_seed,
        drop_last=args.dataloader_drop_last,
        rows_in=data.rows_in if data.extra else None,
    )
    sizes = [len(batch) for batch in batches]
    alone = sizes.count(1)
    if not alone:
        return None
    most = _most_frequent(data)
    fewest = -(-len(data.rows_in(0)) // args.per_device_train_batch_size)
    if most <= fewest:
        return None  # what is left over of an epoch, another pair each time
    return (
        f"{alone:,} of the {len(sizes):,} batches of an epoch {agreeing(alone, 'holds')} a single "
        f"pair, from which nothing is learnt: one text is in {most:,} of "
        f"{counted(len(data.rows), 'pair')}, and no batch holds a text twice"
    )


def _most_frequent(data: TrainingData) -> int:
    return max(Counter(text for row in data.rows for text in set(row.texts)).values())
