"""What a person names as passages: documents to cut, and files with a passage in each row.

An index knows how each of its files was read: as a document or row by row. Later the file is read
in the same way, whatever files are named beside it. Read in the other way, its passages would get
other ids, and rows would lose their columns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.cli.documents import (
    ReadDocuments,
    read_documents,
    require_headings_of_documents,
    require_no_columns,
    require_not_beside_documents,
)
from sentune.cli.output import say
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import Passage, ReadOptions
    from sentune.documents.found import Found
    from sentune.index.sources import Source, Sources

__all__ = ["AsBefore", "passages_by_file", "sources_of_paths"]

_ROWS_ONLY = frozenset({".json", ".parquet"})  # which no reader of documents takes
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class AsBefore:
    """How the files of an index were read.

    Attributes:
        documents, rows: the names of sources.
    """

    documents: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()

    @classmethod
    def of(cls, ids: Mapping[str, str]) -> AsBefore:
        """From one id of each source."""
        from sentune.index.read_before import is_of_document

        documents = frozenset(name for name, each in ids.items() if is_of_document(name, each))
        return cls(documents, frozenset(ids.keys() - documents))


def _is_of_rows(path: str | Path) -> bool:
    """Whether a file can only be read row by row: JSON and Parquet."""
    return Path(path).suffix.lower() in _ROWS_ONLY and not Path(path).is_dir()


def sources_of_paths(
    data: Sequence[str],
    model: str,
    reading: ReadOptions,
    *,
    told: ReadOptions,
    no_headings: bool,
    before: AsBefore = AsBefore(),
) -> Sources:
    """The sources of what was named for an index; what was skipped is said.

    Args:
        data: files, folders, ``-``.
        model: whose limit documents are cut for.
        reading: how rows are read; ``told`` is the part of it that was said with this command.
        no_headings: leave the headings of documents out.
        before: how the index read its files.

    Raises:
        ArgumentError: options or paths that do not go together.
        DataError: a path does not exist, or cannot be read.
    """
    from sentune.data.files.lines import STDIN
    from sentune.documents.known import are_documents

    named = [path for path in data if not _is_of_rows(path)]
    documents = bool(named) and STDIN not in data and are_documents(named)
    if STDIN in data or (not documents and any(are_documents([path]) for path in named)):
        require_not_beside_documents(data)
    rows = _rows_among(data, before) if documents else []
    cut = _to_cut(named, rows) if documents else _cut_before(named, before, told)
    require_headings_of_documents(no_headings=no_headings, documents=bool(cut))
    require_no_columns(
        told,
        documents=documents and not rows,
        fix="leave it out, or add that file apart: sentune index add INDEX FILE",
    )
    if documents:
        _require_rows([path for path in rows if path not in before.rows], reading)
    read = read_documents(cut, model, headings=not no_headings) if cut else None
    if documents:
        _say_rows(rows, before)
    else:
        rows = list(data)
    return _together(data, read, rows, reading)


def _require_rows(paths: Sequence[str], reading: ReadOptions) -> None:
    """Read the first row of each file, so that a bad file is refused before documents are read."""
    from sentune.data import read_passage_rows

    for path in paths:
        next(iter(read_passage_rows(path, reading)))


def passages_by_file(
    data: Sequence[Path], model: str, reading: ReadOptions, *, no_headings: bool
) -> dict[str, list[Passage]] | None:
    """The passages of what was named for one search, by their files.

    None for what is read at once, without the names of files: one file of rows, one data set,
    standard input. Arguments and errors as of :func:`sources_of_paths`; several files of texts are
    documents here, unless ``reading`` names a column.
    """
    from sentune.data.files.lines import STDIN
    from sentune.documents.known import are_documents, is_data_set
    from sentune.index.sources import sources_of

    alone = STDIN in map(str, data) or any(map(is_data_set, data))
    # Who names a column says that files of texts are rows.
    documents = not alone and are_documents(data, texts_too=not reading.settings())
    cut = [path for path in data if not _is_of_rows(path)] if documents else []
    require_headings_of_documents(no_headings=no_headings, documents=bool(cut))
    require_no_columns(reading, documents=bool(cut), fix="leave it out, or search that file alone")
    if alone:
        require_not_beside_documents(data)
        return None
    if not documents and len(data) == 1 and not data[0].is_dir():
        return None
    # Rows first: an error in them is found before the long work begins.
    several = (each for path in data if path not in cut for each in sources_of(path, reading).each)
    rows = {source.name: list(source.passages()) for source in several}
    read = read_documents(cut, model, headings=not no_headings).by_source() if cut else {}
    return read | rows


def _rows_among(data: Sequence[str], before: AsBefore) -> list[str]:
    """The files that are rows: those that nothing else reads, and those that were rows before."""
    folders = [Path(path).resolve() for path in data if Path(path).is_dir()]
    files = {str(Path(path).resolve()) for path in data}
    known = (
        name
        for name in sorted(before.rows)
        if name in files or any(map(Path(name).is_relative_to, folders))
    )
    there = [name for name in known if Path(name).is_absolute() and Path(name).exists()]
    return list(dict.fromkeys([*filter(_is_of_rows, data), *there]))


def _to_cut(named: Sequence[str], rows: Collection[str]) -> list[Found]:
    from sentune.documents import find

    taken = {str(Path(path).resolve()) for path in rows}
    several = [path for path in named if str(Path(path).resolve()) not in taken]
    files = find(several) if several else []
    return [file for file in files if str(file.path) not in taken]


def _cut_before(named: Sequence[str], before: AsBefore, told: ReadOptions) -> list[Found]:
    """The files that the index has as documents; none if this command names columns of rows."""
    from sentune.documents import find

    if told.settings() or not before.documents:
        return []
    several = [path for path in named if _may_be(Path(path), before.documents)]
    files = find(several) if several else []
    return [file for file in files if str(file.path) in before.documents]


def _may_be(path: Path, documents: Collection[str]) -> bool:
    where = path.resolve()
    if path.is_dir():
        return any(Path(name).is_relative_to(where) for name in documents)
    return str(where) in documents


def _say_rows(rows: Sequence[str], before: AsBefore) -> None:
    known = [Path(name).name for name in rows if name in before.rows]
    if known:
        rest = f" and {len(known) - _SHOWN:,} more" if known[_SHOWN:] else ""
        names = f"{', '.join(known[:_SHOWN])}{rest}"
        them = "it" if len(known) == 1 else "them"
        say(f"read {counted(len(known), 'file')} row by row, as the index has {them}: {names}")


def _together(
    data: Sequence[str], read: ReadDocuments | None, rows: Sequence[str], reading: ReadOptions
) -> Sources:
    from sentune.index.sources import Sources, sources_of

    alone = Path(data[0]).resolve() if len(data) == 1 and Path(data[0]).is_dir() else None
    cut = Sources((), alone) if read is None else read.sources(alone)
    taken = {source.name for source in cut.each} | cut.kept
    found = [sources_of(path, reading) for path in rows]
    each: dict[str, Source] = {source.name: source for source in cut.each}
    each |= {one.name: one for several in found for one in several.each if one.name not in taken}
    skipped = sum(several.skipped for several in found)
    if skipped:
        files = counted(sum(len(several.each) for several in found), "file")
        say(f"{files} with passages in {', '.join(rows)}; {counted(skipped, 'other')} skipped")
    folder = found[0].folder if len(data) == 1 and list(data) == list(rows) else cut.folder
    return Sources(tuple(each.values()), folder, cut.skipped + skipped, cut.kept)
