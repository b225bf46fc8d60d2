"""Texts with labels, to tune or to judge a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sentune.data.columns import label_column, text_column
from sentune.data.files.lines import STDIN, STDIN_NAME, check_suffix
from sentune.data.files.records import ROW_SUFFIXES, Record, checked_text, quoted, records_of
from sentune.data.files.stdin import rows_of_stdin
from sentune.data.readers import row_of
from sentune.errors import DataError

__all__ = ["LabelledTexts", "read_labelled_texts"]


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts and their labels: two columns of equal length, repeats included.

    Attributes:
        texts: what is classified.
        labels: the class of every text.
        source: where they came from, for messages.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    source: str = "memory"

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.labels)


def read_labelled_texts(path: str | Path) -> LabelledTexts:
    """Read texts with one label each.

    The formats are JSONL, JSON, CSV, TSV and Parquet; standard input is JSONL. The text is in
    the column ``text``, ``sentence``, ``passage`` or ``content``, the label in ``label``,
    ``category``, ``class`` or ``topic``. Other columns are ignored. Blanks at the ends of a label
    are dropped, because ``spam`` and ``spam␣`` are one class to whoever wrote them; whole numbers
    and truth values become the texts ``3``, ``true`` and ``false``. Texts are kept as they are.

    Args:
        path: the file, or ``"-"`` for standard input.

    Raises:
        DataError: the file can't be read, breaks its format or has no rows; no column, or several,
            could be the text or the label; a text is no text; a label is missing, empty or
            neither a text nor a whole number. The message names the line or row.
    """
    if str(path) == STDIN:
        name, records = STDIN_NAME, rows_of_stdin()
    else:
        path = Path(path)
        check_suffix(path, ROW_SUFFIXES)
        name, records = str(path), records_of(path)
    rows = [_row(record) for record in records]
    if not rows:
        raise DataError(
            f"{name} has no rows",
            expected="at least one text with a label",
            fix="check that the export finished",
        )
    texts, labels = zip(*rows, strict=True)
    return LabelledTexts(texts=texts, labels=labels, source=name)


def _row(record: Record) -> tuple[str, str]:
    row = row_of(record, example='{"text": "…", "label": "…"}')
    names = tuple(row)
    text = text_column(names, record.named_at)
    label = label_column(names, record.named_at)
    return (
        checked_text(row[text], record.place, text),
        _label(row[label], record.place, label),
    )


def _label(value: object, place: str, column: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise DataError(
            f"{place}, column {quoted([column])} holds {value}",
            expected="a label: a text or a whole number",
            fix="write labels as texts",
        )
    return checked_text(value, place, column).strip()
