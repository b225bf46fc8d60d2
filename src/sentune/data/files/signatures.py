"""Files that are not what their suffix says, known by their first bytes."""

from __future__ import annotations

from pathlib import Path

from sentune.errors import DataError

__all__ = ["require_text"]

_DOCUMENT = "correct the suffix to {0} and read it as a document: sentune read FILE{0}"
# First bytes, what the file is, and what to do with it.
_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", _DOCUMENT.format(".pdf")),
    (
        b"PK\x03\x04",
        "a ZIP archive, as XLSX and DOCX files are",
        "correct the suffix (.xlsx, .docx) and read it as a document with sentune read, or save a "
        "sheet of pairs as CSV",
    ),
    (b"PAR1", "a Parquet file", "correct the suffix to .parquet, which is read as well"),
    (b"\x1f\x8b", "a file packed by gzip", "unpack it first: gunzip FILE.gz"),
    (b"BZh", "a file packed by bzip2", "unpack it first: bunzip2 FILE.bz2"),
    (b"\xfd7zXZ\0", "a file packed by xz", "unpack it first: unxz FILE.xz"),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd", "unpack it first: unzstd FILE.zst"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a document of an old office program (XLS, DOC)",
        "open it there, and save it as CSV, or as XLSX or DOCX for sentune read",
    ),
    (b"SQLite format 3\0", "a database of SQLite", "export the table as CSV"),
    (b"ARROW1\0\0", "a file of Arrow", "write it as Parquet"),
)
_PRINTABLE_TOO = (b"PAR1", b"BZh")  # a text may begin so: then printable characters follow


def require_text(path: Path | str, first: bytes) -> None:
    """Check that a file does not begin as a known kind of binary file. Raises DataError."""
    for start, kind, fix in _KNOWN:
        if not first.startswith(start):
            continue
        if start in _PRINTABLE_TOO and not _is_binary(first):
            continue
        raise DataError(f"{path} is {kind}", expected="a text file, as its suffix says", fix=fix)


def _is_binary(line: bytes) -> bool:
    try:
        return not line.decode("utf-8").rstrip("\r\n").isprintable()
    except UnicodeDecodeError:
        return True
