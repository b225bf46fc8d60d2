"""EPUB: the chapters in the order of the spine."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from sentune.documents.limits import SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.archive import local, opened, xml
from sentune.documents.readers.html import html_blocks
from sentune.documents.readers.source import Source, decoded
from sentune.wording import counted

__all__ = ["read_epub"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml")
# An HTML parser does not know that these end themselves, and takes all that follows into them.
_EMPTY = re.compile(
    r"<(title|script|style|textarea|iframe|a|abbr|b|blockquote|cite|code|div|em|h[1-6]|i|li|ol|p|"
    r"s|section|small|span|strong|sub|sup|td|th|u|ul)\b([^<>]*)/>"
)


def read_epub(source: Source) -> Iterator[Part]:
    """Yield the chapters of a book. Raises SkippedError: damaged, or with rights management."""
    with opened(source) as archive:
        names = set(archive.namelist())
        locked = _locked(archive) if _ENCRYPTION in names else set()
        missing = 0
        for number, name in enumerate(_spine(archive), start=1):
            if name in locked:
                raise SkippedError("is locked by rights management")
            if name not in names:
                missing += 1
                continue
            yield _chapter(archive, name, number, source)
        if missing:
            source.notes.append(f"{counted(missing, 'chapter')} missing in the file")


def _chapter(archive: zipfile.ZipFile, name: str, number: int, source: Source) -> Part:
    text = _EMPTY.sub(r"<\1\2></\1>", decoded(archive.read(name)))
    blocks = Blocks()
    html_blocks(text, blocks, source.limits)
    title = next((block.text for block in blocks.made if block.kind == "heading"), None)
    return Part("chapter", title or f"chapter {number}", tuple(blocks.made))


def _spine(archive: zipfile.ZipFile) -> Iterator[str]:
    """The names of the chapters in order, without the page of contents."""
    container = xml(archive.read(_CONTAINER))
    package = next((e.get("full-path") for e in container.iter() if local(e) == "rootfile"), None)
    if package is None:
        raise SkippedError("is damaged: it names no package")
    root = xml(archive.read(package))
    items = {e.get("id"): e for e in root.iter() if local(e) == "item"}
    references = [e.get("idref") for e in root.iter() if local(e) == "itemref"]
    for item in (items[name] for name in references if name in items):
        contents = "nav" in (item.get("properties") or "").split()
        if not contents and item.get("media-type") in _PAGES:
            yield _inside(posixpath.dirname(package), item.get("href") or "")


def _inside(folder: str, link: str) -> str:
    """The name in the archive of a link in one of its folders."""
    path = unquote(link.partition("#")[0])
    return posixpath.normpath(posixpath.join(folder, path)).lstrip("/")


def _locked(archive: zipfile.ZipFile) -> set[str]:
    root: Any = xml(archive.read(_ENCRYPTION))
    return {unquote(e.get("URI") or "") for e in root.iter() if local(e) == "CipherReference"}
