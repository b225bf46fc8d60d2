"""The file that a reader reads: its bytes and text within the caps, and what was odd about it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path

from sentune.documents.limits import Limits, SkippedError
from sentune.wording import counted

__all__ = ["Source"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(slots=True)
class Source:
    """One file to read.

    Attributes:
        path: of the file.
        limits: what it may cost.
        notes: filled by the reader: what was doubtful or left out, a sentence each.
    """

    path: Path
    limits: Limits
    notes: list[str] = field(default_factory=list)

    def content(self) -> bytes:
        """All bytes of the file. Raises SkippedError if it is empty or over the cap."""
        size = self.path.stat().st_size
        if size > self.limits.file_bytes:
            raise SkippedError(
                f"has {size:,} bytes, more than the cap of {self.limits.file_bytes:,}"
            )
        if not size:
            raise SkippedError("is empty")
        return self.path.read_bytes()

    def text(self) -> str:
        """The file as text: UTF-8, or UTF-16 and UTF-32 with a mark. Raises SkippedError."""
        text = decoded(self.content())
        if "\0" in text:
            raise SkippedError("holds NUL bytes: it is no text file")
        longest = max(map(len, text.splitlines()), default=0)
        if longest > self.limits.line:
            raise SkippedError(
                f"has a line of {counted(longest, 'character')}, more than the cap of "
                f"{self.limits.line:,}"
            )
        if not text.strip():
            raise SkippedError("has no text")
        return text


def decoded(content: bytes) -> str:
    """Text from bytes. Raises SkippedError unless they are UTF-8, or begin with a mark."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SkippedError(
            f"is not UTF-8 (byte {error.start + 1:,} is 0x{content[error.start]:02x}): save it as "
            "UTF-8"
        ) from error
