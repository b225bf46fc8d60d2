"""Which files are documents: their suffixes, their readers, and what their first bytes must be."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sentune.documents.limits import SkippedError
from sentune.documents.parts import Part
from sentune.documents.readers.source import Source
from sentune.errors import MissingExtraError

__all__ = ["SUFFIXES", "reader_of", "require_content"]

Reader = Callable[[Source], Iterator[Part]]
_PDF, _ZIP, _OLD_OFFICE = b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NAMES = {_PDF: "a PDF", _ZIP: "a ZIP archive", _OLD_OFFICE: "an old Office file"}
_HEAD = 1024  # bytes: a PDF may start with other ones


class _Format(NamedTuple):
    module: str
    function: str
    start: bytes  # of its files; empty for text
    imports: tuple[str, ...] = ()  # that it needs, of the extra


_TEXT = _Format("text", "read_text", b"")
_MARKDOWN = _Format("markdown", "read_markdown", b"", ("markdown_it", "selectolax"))
_HTML = _Format("html", "read_html", b"", ("selectolax",))
_ROWS = _Format("rows", "read_rows", b"")
_FORMATS = {
    ".pdf": _Format("pdf", "read_pdf", _PDF, ("pypdfium2", "pdf_inspector")),
    ".docx": _Format("docx", "read_docx", _ZIP, ("docx", "lxml")),
    ".pptx": _Format("pptx", "read_pptx", _ZIP, ("pptx", "lxml")),
    ".xlsx": _Format("xlsx", "read_xlsx", _ZIP, ("python_calamine",)),
    ".xlsm": _Format("xlsx", "read_xlsx", _ZIP, ("python_calamine",)),
    ".epub": _Format("epub", "read_epub", _ZIP, ("selectolax", "lxml")),
    ".txt": _TEXT,
    ".text": _TEXT,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".jsonl": _ROWS,
    ".ndjson": _ROWS,
    ".csv": _ROWS,
    ".tsv": _ROWS,
}
SUFFIXES = tuple(_FORMATS)


def reader_of(path: Path) -> Reader:
    """The reader of a file, by its suffix. Raises SkippedError or MissingExtraError."""
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise SkippedError(f"is none of {', '.join(SUFFIXES)}")
    for name in found.imports:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(name, "documents")
    module = importlib.import_module(f"sentune.documents.readers.{found.module}")
    reader: Reader = getattr(module, found.function)
    return reader


def require_content(path: Path) -> None:
    """Raise SkippedError if a file is empty, or its first bytes belong to another format."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise SkippedError("is empty")
    wanted = _FORMATS[path.suffix.lower()].start
    actual = next((mark for mark in _NAMES if head.startswith(mark)), b"")
    if wanted and (wanted == actual or (wanted == _PDF and _PDF in head)):
        return
    if actual and actual != wanted:
        raise SkippedError(_wrong(path, wanted, actual))
    if wanted:
        raise SkippedError(f"is not what {path.suffix.lower()} says: its first bytes are others")


def _wrong(path: Path, wanted: bytes, actual: bytes) -> str:
    if wanted == _ZIP and actual == _OLD_OFFICE:
        return "is encrypted, or in the format of Office before 2007: save it again as new format"
    return f"is {_NAMES[actual]}, but its name ends in {path.suffix.lower()}"
