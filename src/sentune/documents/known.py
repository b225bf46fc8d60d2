"""Which paths are documents, for verbs that take other files as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sentune.data import holds_texts_only
from sentune.data.files.dataset_folders import dataset_folder
from sentune.data.files.own_folders import refuse_not_data
from sentune.data.files.reading import TEXT_SUFFIXES
from sentune.data.pair_files.beir import is_beir
from sentune.documents.formats import SUFFIXES
from sentune.documents.found import below
from sentune.errors import DataError

__all__ = ["are_documents", "is_data_set"]

_ONLY = frozenset(SUFFIXES) - frozenset(TEXT_SUFFIXES)
_NO_DOCUMENTS = frozenset({"readme", "license"})  # beside data, they describe it


def are_documents(paths: Sequence[str | Path], *, texts_too: bool = False) -> bool:
    """Whether these paths are documents to cut, not files with a text in each line or row.

    A file is a document if only documents have its suffix: PDF, DOCX, Markdown and so on. A folder
    is one of documents if it has such a file, whatever else it has. Several paths are documents if
    one of them is. A folder in BEIR's layout or of ``datasets`` is none, and several paths of which
    one is such a folder are none.

    Args:
        paths: files and folders; one that does not exist is no document.
        texts_too: a folder with a file of texts (text, JSONL, CSV, TSV), and several paths, count
            even if they have nothing else.

    Raises DataError for the folder of a model or of an index.

    Cost: with ``texts_too``, the first rows of files are read.
    """
    several = [Path(path) for path in paths]
    for path in several:
        refuse_not_data(path)
    if any(is_data_set(path) for path in several):
        return False
    if texts_too and len(several) > 1:
        return True
    return any(_is_document(path, texts_too=texts_too) for path in several)


def is_data_set(path: Path) -> bool:
    """Whether a folder is one data set: in BEIR's layout, or of ``datasets``."""
    try:
        return path.is_dir() and (is_beir(path) or dataset_folder(path) is not None)
    except DataError:
        return True  # its reader says what is wrong with it


def _is_document(path: Path, *, texts_too: bool) -> bool:
    if not path.is_dir():
        return path.suffix.lower() in _ONLY
    found = [file for file in _files(path) if file.suffix.lower() in SUFFIXES]
    if any(file.suffix.lower() in _ONLY for file in found):
        return True
    return texts_too and any(map(holds_texts_only, found))


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in below(folder) if file.stem.lower() not in _NO_DOCUMENTS)
