"""Which paths are documents, for verbs that take other files as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sentune.data.files.reading import TEXT_SUFFIXES
from sentune.data.pair_files.beir import is_beir
from sentune.documents.formats import SUFFIXES

__all__ = ["are_documents"]

_ONLY = frozenset(SUFFIXES) - frozenset(TEXT_SUFFIXES)
_TABLES = frozenset(TEXT_SUFFIXES) - frozenset(SUFFIXES)
_NO_DOCUMENTS = frozenset({"readme", "license"})  # beside data, they describe it


def are_documents(paths: Sequence[str | Path], *, texts_too: bool = False) -> bool:
    """Whether these paths are documents to cut, not files with a text in each line or row.

    A file is a document if only documents have its suffix: PDF, DOCX, Markdown and so on. A folder
    is one of documents if it has such a file and no table. Several paths are documents if one of
    them is.

    Args:
        paths: files and folders; one that does not exist is no document.
        texts_too: a folder without tables, and several paths, count even if text files and JSONL
            are all there is.
    """
    several = [Path(path) for path in paths]
    if texts_too and len(several) > 1:
        return True
    return any(_is_document(path, texts_too=texts_too) for path in several)


def _is_document(path: Path, *, texts_too: bool) -> bool:
    if not path.is_dir():
        return path.suffix.lower() in _ONLY
    if is_beir(path):
        return False
    found = {file.suffix.lower() for file in _files(path)}
    wanted = frozenset(SUFFIXES) if texts_too else _ONLY
    return bool(found & wanted) and not found & _TABLES


def _files(folder: Path) -> Iterable[Path]:
    return (
        file
        for file in folder.rglob("*")
        if file.stem.lower() not in _NO_DOCUMENTS
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
