"""ZIP archives (DOCX, PPTX, XLSX, EPUB) within the caps, and XML without entities or network."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sentune.documents.limits import SkippedError
from sentune.documents.readers.source import Source
from sentune.wording import counted

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["children", "local", "opened", "xml"]


@contextmanager
def opened(source: Source) -> Iterator[zipfile.ZipFile]:
    """Open an archive. Raises SkippedError: damaged, encrypted, or too large when unpacked."""
    try:
        archive = zipfile.ZipFile(source.path)
    except zipfile.BadZipFile as error:
        raise SkippedError("is damaged: its archive cannot be opened") from error
    with archive:
        entries = archive.infolist()
        size, most = sum(entry.file_size for entry in entries), source.limits.expanded_bytes
        if size > most:
            raise SkippedError(f"unpacks to {counted(size, 'byte')}, more than the cap of {most:,}")
        if any(entry.flag_bits & 1 for entry in entries):
            raise SkippedError("is encrypted: save it without a password")
        try:
            yield archive
        except (zipfile.BadZipFile, EOFError) as error:
            raise SkippedError("is damaged: its archive cannot be unpacked") from error
        except KeyError as error:
            raise SkippedError(f"is damaged: {error.args[0]}") from error


def xml(content: bytes) -> _Element:
    """The root of an XML text. Entities stay unread. Raises SkippedError."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise SkippedError(f"is damaged: {error}") from error


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Any, name: str) -> list[Any]:
    """The children of a name, in any namespace."""
    return [child for child in element if local(child) == name]
