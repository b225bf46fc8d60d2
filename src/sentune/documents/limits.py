"""What one file may cost; beyond it, the file is skipped and the rest goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Limits", "SkippedError"]


class SkippedError(Exception):
    """A file, or a part of one, is not read; its text says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one file.

    Attributes:
        seconds: of reading, by the clock.
        memory: bytes that the reading process may map, its libraries included; on Linux.
        file_bytes: of the file itself.
        expanded_bytes: of everything in an archive (DOCX, PPTX, XLSX, EPUB), unpacked.
        characters: of the text that comes out.
        line: characters of one line of a text file.
        nesting: of elements of a web page or list, in one another.
    """

    seconds: float = 120.0
    memory: int = 2 << 30
    file_bytes: int = 512 << 20
    expanded_bytes: int = 512 << 20
    characters: int = 32 << 20
    line: int = 2_000_000
    nesting: int = 500

    def to_json(self) -> dict[str, Any]:
        """Plain values, to send them to another process."""
        return asdict(self)
