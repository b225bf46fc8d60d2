"""Files of texts → the texts, one for every vector to compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sentune.data.files.reading import TEXT_SUFFIXES, name_of, open_texts
from sentune.data.files.records import Record, checked_text, is_blank, kind_of
from sentune.data.roles.cells import refuse_list, titled
from sentune.data.roles.headers import text_places, without_header
from sentune.data.roles.ids import id_of
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.roles.text_columns import TextColumns, query_columns, text_columns
from sentune.data.rows import LeftOut
from sentune.errors import DataError

__all__ = ["TextRow", "TextsOf", "at_least_one", "read_questions", "read_text_rows", "read_texts"]

T = TypeVar("T")
_Find = Callable[[Sequence[str], str, ReadOptions], TextColumns]


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text to encode, with its id if the file has ids."""

    text: str
    id: str | None = None


def read_texts(path: str | Path, options: ReadOptions = AS_NAMED) -> Iterator[str]:
    """Yield the texts of a file in order, repeats included.

    ``.txt`` has one text a line; ``.jsonl``, ``.ndjson`` and ``.json`` have bare texts or objects;
    ``.csv`` and ``.tsv`` have a header, ``.parquet`` a schema. The column is called ``text``,
    ``sentence``, ``passage`` or ``content``, or else ``body``, ``review`` or the like
    (``docs/data.md`` has the names). A column ``title`` stands before the text. Standard input
    (``"-"``) is JSONL if its first line that is not blank starts with ``{``, else one text a line.
    With one text a line, blank lines are accepted only at the end: to skip one would give every
    later vector the number of another line. ``options.skip_blank`` skips them.

    JSON is read whole; the other formats are streamed in constant memory. ``options.tell`` is
    called after the last text with the columns that were not used.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for a
            line or row that can't be used, and at the end if there was no text.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, options, lambda text: text, lambda _, text: text, text_columns)


def read_questions(path: str | Path, options: ReadOptions = AS_NAMED) -> Iterator[str]:
    """Yield the questions of a file as :func:`read_texts` yields texts.

    The column is called ``question``, ``query`` or the like, or, without such a column, as that of
    a text. Of a file of pairs, these are the questions.

    Raises DataError and MissingExtraError as :func:`read_texts`.
    """
    return _read(path, options, lambda text: text, lambda _, text: text, query_columns)


def read_text_rows(path: str | Path, options: ReadOptions = AS_NAMED) -> Iterator[TextRow]:
    """Yield the texts of a file as :func:`read_texts` does, with their ids.

    The id is in the first of the columns ``passage_id``, ``id``, ``_id``, ``pid``, ``chunk_id``,
    ``doc_id`` and ``page`` (and others: ``docs/data.md`` has them) that the file has; numbers
    become texts, and ids may repeat. A file of one text a line has no ids.

    Raises:
        DataError: as :func:`read_texts`, and for a row without an id if the first row has one.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, options, TextRow, _RowOf(options), text_columns)


class _RowOf:
    """Makes a text with its id of each record of a file; the first decides if there are ids."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._with_ids: bool | None = None

    def __call__(self, record: Record, text: str) -> TextRow:
        found = id_of(record, self._options)
        if self._with_ids is None:
            self._with_ids = found is not None
        if not self._with_ids:
            return TextRow(text)
        if found is None:
            raise DataError(
                f"{record.location} has no id, unlike the first row",
                expected="an id in every row, or in none",
                fix="fill it in, or remove the column",
            )
        return TextRow(text, found.text)


def _read(
    path: str | Path,
    options: ReadOptions,
    of_line: Callable[[str], T],
    of_record: Callable[[Record, str], T],
    find: _Find,
) -> Iterator[T]:
    name = name_of(path, TEXT_SUFFIXES, options.split)

    def rows() -> Iterator[T]:
        source = open_texts(path, header=options.header, split=options.split)
        texts = TextsOf(source.records, options, find, with_ids=isinstance(of_record, _RowOf))
        yield from map(of_line, texts.lines(source.lines, name))
        for record, text in texts:
            yield of_record(record, text)
        for note in texts.left_out.notes():
            options.tell(note)

    return at_least_one(rows(), name)


class TextsOf:
    """The records of a file with their texts. Iterate once; ``left_out`` has what was not used.

    Raises DataError while iterating, if a record is neither a text nor an object with one column
    that could be the text.
    """

    def __init__(
        self,
        records: Iterable[Record],
        options: ReadOptions,
        find: _Find = text_columns,
        *,
        with_ids: bool = False,
    ) -> None:
        self.left_out = LeftOut()
        if not options.header:
            records, options = without_header(records, options, text_places)
        self._records, self._options = records, options
        self._find, self._with_ids = find, with_ids
        self._known: dict[tuple[str, ...], TextColumns] = {}

    def __iter__(self) -> Iterator[tuple[Record, str]]:
        """Yield every record with its text; blank ones may be left out."""
        for record in self._records:
            text = self._text_of(record)
            if text is not None:
                yield record, text

    def lines(self, lines: Iterable[tuple[int, str]], name: str) -> Iterator[str]:
        """Yield the lines of a file of one text a line, without their ends."""
        blank = 0
        for number, line in lines:
            text = line.rstrip("\r\n")
            if not text or text.isspace():
                self.left_out.blank += self._options.skip_blank
                blank = 0 if self._options.skip_blank else blank or number
            elif blank:
                raise DataError(
                    f"{name}, line {blank} is empty",
                    expected="one text a line, because line n gives vector n",
                    fix="remove the empty lines, or add --skip-blank to leave them out",
                )
            else:
                yield text

    def columns_of(self, record: Record) -> TextColumns:
        """Return the columns of a record that is an object. Raises DataError."""
        row = record.value if isinstance(record.value, dict) else {}
        columns = tuple(row)
        if columns not in self._known:
            found = self._find(columns, record.named_at, self._options)
            self._known[columns] = found
            used = set(found.used)
            if self._with_ids:
                named = id_of(record, self._options)
                used |= {named.column} if named else set()
            self.left_out.add(name for name in columns if name not in used)
        return self._known[columns]

    def _text_of(self, record: Record) -> str | None:
        value, skips = record.value, self._options.skip_blank
        if isinstance(value, dict):
            columns = self.columns_of(record)
            if skips and columns.lacks(value):
                self.left_out.blank += 1
                return None
            refuse_list(value[columns.text], record, columns.text)
            return titled(value, columns.text, columns.title, record.location)
        if skips and isinstance(value, str | None) and is_blank(value):
            self.left_out.blank += 1
            return None
        if isinstance(value, str):
            return checked_text(value, record.location)
        raise DataError(
            f"{record.location} holds {kind_of(value)}",
            expected="a text, or an object with a text",
            fix='write every row as "…" or {"text": "…"}',
        )


def at_least_one(rows: Iterator[T], name: str) -> Iterator[T]:
    """Yield the rows of a file of texts. Raises DataError if there is none."""
    first = next(rows, None)
    if first is None:
        raise DataError(
            f"{name} has no texts", expected="at least one", fix="check that the export finished"
        )
    yield first
    yield from rows
