"""Files of texts with labels, to train or to evaluate a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentune.data.files.reading import ROW_SUFFIXES, name_of, records_of
from sentune.data.files.records import Record, checked_text, is_blank, quoted
from sentune.data.roles.cells import titled
from sentune.data.roles.headers import label_places, without_header
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.roles.text_columns import TextColumns, label_column, text_columns
from sentune.data.rows import Rows
from sentune.errors import DataError

__all__ = ["LabelledTexts", "read_labelled_texts"]


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts and their labels: two columns of equal length, repeats included.

    Attributes:
        texts: the texts.
        labels: the class of every text.
        source: the file they came from, for messages.
        notes: what the reader left out, one sentence each.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    source: str = "memory"
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.labels)


def read_labelled_texts(path: str | Path, options: ReadOptions = AS_NAMED) -> LabelledTexts:
    """Read texts with one label each.

    The formats are JSONL, JSON, CSV, TSV and Parquet; standard input (``"-"``) is JSONL. The text
    is in the column that :func:`sentune.data.read_texts` takes, the label in ``label``,
    ``category``, ``class`` or ``topic``, or else in ``sentiment``, ``intent``, ``target`` or the
    like. Notes name the other columns. Blanks at the ends of a label are dropped, because people
    mean one class by ``spam`` and ``spam␣``. Whole numbers and truth values become the texts
    ``3``, ``true`` and ``false``. Texts are not changed.

    Raises:
        DataError: the file can't be read, breaks its format or has no rows; no column, or several,
            could be the text or the label; a text is not a text; a label is missing, empty or
            neither a text nor a whole number. The message names the line or row.
    """
    name = name_of(path, ROW_SUFFIXES, options.split)
    records: Iterable[Record] = records_of(path, header=options.header, split=options.split)
    if not options.header:
        records, options = without_header(records, options, label_places)
    found = Rows(records, _columns, '{"text": "…", "label": "…"}', options)
    rows = [
        (
            titled(row, columns.text.text, columns.text.title, record.location),
            _label(row[columns.label], record.location, columns.label),
        )
        for record, row, columns in found
    ]
    if not rows:
        raise DataError(
            f"{name} has no rows",
            expected="at least one text with a label",
            fix="check that the export finished",
        )
    texts, labels = zip(*rows, strict=True)
    notes = tuple(found.left_out.notes())
    return LabelledTexts(texts=texts, labels=labels, source=name, notes=notes)


@dataclass(frozen=True, slots=True)
class _LabelledColumns:
    text: TextColumns
    label: str

    @property
    def used(self) -> tuple[str, ...]:
        return (*self.text.used, self.label)

    def lacks(self, row: Mapping[str, object]) -> bool:
        return self.text.lacks(row) or is_blank(row[self.label])


def _columns(names: Sequence[str], named_at: str, options: ReadOptions) -> _LabelledColumns:
    text = text_columns(names, named_at, options)
    return _LabelledColumns(text, label_column(names, named_at, options, text.text))


def _label(value: object, location: str, column: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise DataError(
            f"{location}, column {quoted([column])} holds {value}",
            expected="a text or a whole number",
            fix="write the labels as texts",
        )
    return checked_text(value, location, column).strip()
