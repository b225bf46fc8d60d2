"""What a file holds, seen from its first row: pairs, or texts without a question."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sentune.data.files.json_files import json_records, load_json
from sentune.data.files.reading import ROW_SUFFIXES, TEXT_SUFFIXES, records_of
from sentune.data.files.records import Record, quoted
from sentune.data.pair_files.beir import is_judgements
from sentune.data.pair_files.layouts import has_ids
from sentune.data.roles.choice import kept
from sentune.data.roles.columns import is_pair, pair_columns, question_columns
from sentune.data.roles.names import plain
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.roles.text_columns import text_columns
from sentune.errors import DataError

__all__ = [
    "fitting",
    "holds_texts_only",
    "perhaps_questions",
    "refuse_questions",
    "require_pair_columns",
]

_SEEN = 20  # rows
_PROSE = 3  # words
# Names of columns that say where a text is from.
_PLACES = frozenset(
    {"title", "source", "file", "filename", "path", "url", "link", "heading", "headings"}
    | {"section", "chapter", "author", "authors", "date", "citation"}
)


def holds_texts_only(path: str | Path, options: ReadOptions = AS_NAMED) -> bool:
    """Whether a file has texts and no questions: one text a line, bare texts, or a column of them.

    A file that cannot be read counts as pairs, so that the reader of pairs refuses it. JSON is
    read whole.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in TEXT_SUFFIXES or _of_pairs(options):
        return False
    if suffix == ".txt":
        return True
    try:
        first = next(iter(_records(path, options)), None)
        if first is None or isinstance(first.value, str):
            return first is not None
        columns = tuple(first.value) if isinstance(first.value, dict) else ()
        if not columns or (first.is_table and not options.header):
            return False
        text_columns(columns, first.named_at, options)
    except DataError:
        return False
    return not question_columns(columns, options)


def _of_pairs(options: ReadOptions) -> bool:
    """Whether a person named a column that only pairs have."""
    return any((options.question, options.answer, options.label, options.score))


def perhaps_questions(path: str | Path, options: ReadOptions = AS_NAMED) -> list[str]:
    """The columns of a file of texts that may hold questions under a name that nobody knows.

    These are columns other than the text, its title and its place, whose first rows mostly hold
    several words, and seldom the same ones. Those that a person told to ignore are left out.
    """
    path = Path(path)
    if path.suffix.lower() == ".txt":
        return []
    first = list(islice(_records(path, options), _SEEN))
    rows = [record for record in first if isinstance(record.value, dict)]
    if not rows:
        return []
    columns: tuple[str, ...] = tuple(rows[0].value)  # type: ignore[arg-type]
    used = text_columns(columns, rows[0].named_at, options).used
    open_ = [name for name in kept(columns, options) if name not in used]
    cells = {
        name: [record.value.get(name) for record in rows]  # type: ignore[attr-defined]
        for name in open_
        if plain(name) not in _PLACES
    }
    return [name for name, found in cells.items() if _may_ask(found)]


def refuse_questions(path: str | Path, options: ReadOptions = AS_NAMED) -> None:
    """Check that no column beside the texts of a file may hold questions. Raises DataError."""
    perhaps = perhaps_questions(path, options)
    if perhaps:
        first = quoted(perhaps[:1])
        raise DataError(
            f"{path} is read as texts without questions, but {quoted(perhaps)} may hold questions",
            expected="pairs with a known column of questions, or texts alone",
            fix=f"say what it is: --question-column {first} if it holds the questions, "
            f"--ignore-column {first} if the texts are to be tuned on alone",
        )


def require_pair_columns(path: str | Path, options: ReadOptions = AS_NAMED) -> None:
    """Check by its first row that a file of rows has a question and a passage.

    Other layouts, and files that do not exist, are left to the reader. Cost: one row; JSON is left
    to the reader, too. Raises DataError as :func:`sentune.data.read_pairs`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in ROW_SUFFIXES or suffix == ".json":
        return
    first = next(iter(records_of(path, header=options.header)), None)
    columns = tuple(first.value) if first and isinstance(first.value, dict) else ()
    if first is None or not columns or (first.is_table and not options.header):
        return
    if is_pair(columns, options) or not is_judgements(first, path):
        pair_columns(columns, first.named_at, options)


def _may_ask(cells: list[object]) -> bool:
    worded = [cell for cell in cells if isinstance(cell, str) and len(cell.split()) >= _PROSE]
    return 2 * len(worded) > len(cells) and 2 * len(set(worded)) > len(worded)


def fitting(path: Path, options: ReadOptions) -> ReadOptions:
    """The options for a file beside that of the pairs: without columns that it does not have."""
    named = {"passage": options.passage, "answer": options.answer, "id": options.id}
    there: dict[str, str | None] = dict.fromkeys(named)
    if any(named.values()) and path.is_file() and path.suffix.lower() in TEXT_SUFFIXES[1:]:
        first = next(iter(_records(path, options)), None)
        value = None if first is None else first.value
        columns = {plain(name) for name in value} if isinstance(value, dict) else set()
        there = {
            role: name if name is not None and plain(name) in columns else None
            for role, name in named.items()
        }
    return ReadOptions(
        passage=there["passage"] or there["answer"],
        id=there["id"],
        header=options.header,
        skip_blank=options.skip_blank,
        tell=options.tell,
    )


def _records(path: Path, options: ReadOptions) -> Iterable[Record]:
    if path.suffix.lower() != ".json":
        return records_of(path, header=options.header)
    document = load_json(path)
    return () if has_ids(document) else json_records(document, path)
