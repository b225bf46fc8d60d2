"""Files of texts with labels, to train or to evaluate a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sentune.data.columns import label_column, rows_with_roles, text_column
from sentune.data.files.reading import ROW_SUFFIXES, name_of, records_of
from sentune.data.files.records import checked_text, quoted
from sentune.errors import DataError

__all__ = ["LabelledTexts", "read_labelled_texts"]


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts and their labels: two columns of equal length, repeats included.

    Attributes:
        texts: the texts.
        labels: the class of every text.
        source: the file they came from, for messages.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    source: str = "memory"

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.labels)


def read_labelled_texts(path: str | Path) -> LabelledTexts:
    """Read texts with one label each.

    The formats are JSONL, JSON, CSV, TSV and Parquet; standard input (``"-"``) is JSONL. The text
    is in the column ``text``, ``sentence``, ``passage`` or ``content``, the label in ``label``,
    ``category``, ``class`` or ``topic``. Other columns are ignored. Blanks at the ends of a label
    are dropped, because people mean one class by ``spam`` and ``spam␣``. Whole numbers and truth
    values become the texts ``3``, ``true`` and ``false``. Texts are not changed.

    Raises:
        DataError: the file can't be read, breaks its format or has no rows; no column, or several,
            could be the text or the label; a text is not a text; a label is missing, empty or
            neither a text nor a whole number. The message names the line or row.
    """
    name = name_of(path, ROW_SUFFIXES)
    example = '{"text": "…", "label": "…"}'
    rows = [
        (
            checked_text(row[text], record.location, text),
            _label(row[label], record.location, label),
        )
        for record, row, (text, label) in rows_with_roles(records_of(path), _columns, example)
    ]
    if not rows:
        raise DataError(
            f"{name} has no rows",
            expected="at least one text with a label",
            fix="check that the export finished",
        )
    texts, labels = zip(*rows, strict=True)
    return LabelledTexts(texts=texts, labels=labels, source=name)


def _columns(names: Sequence[str], named_at: str) -> tuple[str, str]:
    return text_column(names, named_at), label_column(names, named_at)


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
