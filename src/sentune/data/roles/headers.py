"""Files without a header: what a first row looks like that is none, and what its columns are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from sentune.data.files.records import Record, number_of
from sentune.data.roles.judgements import is_right
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError
from sentune.wording import counted

__all__ = [
    "is_chosen",
    "label_places",
    "likely_data",
    "pair_places",
    "sentence_places",
    "text_places",
    "without_header",
]

_LONG = 40
_WORDS = 5


def likely_data(columns: Sequence[str]) -> bool:
    """Whether names of columns look like the cells of a row: long, many words, a number, "?"."""
    return any(
        len(name) > _LONG
        or len(name.split()) >= _WORDS
        or name.rstrip().endswith(("?", ".", "!"))
        or number_of(name) is not None
        for name in columns
    )


def without_header(
    records: Iterable[Record],
    options: ReadOptions,
    places: Callable[[Sequence[str]], list[str] | None],
) -> tuple[Iterator[Record], ReadOptions]:
    """Name the columns of CSV and TSV by their place, unless a person named one by its number.

    ``places`` gives the names for the cells of the first row. Raises DataError if it gives none.
    """
    records = iter(records)
    first = next(records, None)
    if first is None:
        return iter(()), options
    records = chain([first], records)
    row = first.value
    if not first.is_table or not isinstance(row, dict) or is_chosen(options):
        return records, options
    names = places([str(cell) for cell in row.values()])
    if names is None:
        raise DataError(
            f"{first.location}: a file without a header, with {counted(len(row), 'column')}",
            expected="columns whose place says what they are (docs/data.md has the places)",
            fix="name the columns by their numbers: --question-column 1 --passage-column 2 "
            "(--text-column for texts, --label-column for labels)",
        )
    if "label" in names and options.label is None:
        options = replace(options, label="label")
    return (_renamed(record, names) for record in records), options


def pair_places(cells: Sequence[str]) -> list[str] | None:
    """Question, passage, and then a label, a score or negatives."""
    if len(cells) < 2:
        return None
    if len(cells) == 3 and number_of(cells[2]) is not None:
        return ["question", "passage", "score" if is_right(cells[2]) is None else "label"]
    if len(cells) == 3 and len(cells[2].strip()) > 1 and is_right(cells[2]) is not None:
        return ["question", "passage", "label"]
    if any(number_of(cell) is not None for cell in cells):
        return None
    return ["question", "passage", *(f"negative_{n}" for n in range(1, len(cells) - 1))]


def sentence_places(cells: Sequence[str]) -> list[str] | None:
    """Two sentences."""
    return ["sentence1", "sentence2"] if len(cells) == 2 else None


def text_places(cells: Sequence[str]) -> list[str] | None:
    """The text, or an id and the text."""
    return {1: ["text"], 2: ["id", "text"]}.get(len(cells))


def label_places(cells: Sequence[str]) -> list[str] | None:
    """The text and its label."""
    return ["text", "label"] if len(cells) == 2 else None


def is_chosen(options: ReadOptions) -> bool:
    """Whether a person named a column, which without a header is its number."""
    named = (options.question, options.passage, options.answer, options.label, options.score)
    return any(name is not None for name in (*named, options.id))


def _renamed(record: Record, names: list[str]) -> Record:
    row = record.value if isinstance(record.value, dict) else {}
    return replace(record, value=dict(zip(names, row.values(), strict=True)))
