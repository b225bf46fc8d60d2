"""A digest of pairs: the same pairs have the same one in any file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sentune.data.pairs import Pairs

__all__ = ["pairs_digest"]


def pairs_digest(pairs: Pairs) -> str:
    """SHA-256 of the texts of pairs and of which passage answers which question."""
    digest = hashlib.sha256()
    asked = (text for row in pairs.rows() for text in row[:2])
    for text in _marked((*asked, "\0", *pairs.passages.values())):
        digest.update(text)
    return digest.hexdigest()


def _marked(texts: Iterable[str]) -> Iterable[bytes]:
    """Each text with its length, so that two texts do not look like one."""
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        yield f"{len(content)}:".encode()
        yield content
