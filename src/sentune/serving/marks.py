"""Which words of found passages BM25 matches with the question."""

from __future__ import annotations

from typing import Any

from sentune.report.page.words import Matcher

__all__ = ["mark"]


def mark(query: str, found: dict[str, list[dict[str, Any]]]) -> None:
    """Give every hit ``marks``: (start, end) of words in its text, in characters.

    Cost: one pass over the texts, each of them once.
    """
    texts = {hit["text"] for hits in found.values() for hit in hits}
    matcher = Matcher([query, *texts])
    spans = {text: matcher.spans(query, text) for text in texts}
    for hits in found.values():
        for hit in hits:
            hit["marks"] = spans[hit["text"]]
