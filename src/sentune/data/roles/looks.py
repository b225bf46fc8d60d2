"""What a file looks like that has no column of a known name, and what to do with it."""

from __future__ import annotations

from collections.abc import Collection

from sentune.data.roles.names import plain

__all__ = ["look_of"]

_CHAT = (
    "chats",
    "write a row for each question, with the user's turn as question and the answer as positive",
)
# As LangSmith and Argilla export.
_INSIDE = (
    "rows whose texts are inside of objects",
    "write the question and the passage as columns of their own, anchor and positive",
)
# Columns that a file has, what it then looks like, and how to go on.
_LOOKS = (
    (("messages",), *_CHAT),
    (("conversations",), *_CHAT),
    (("conversation",), *_CHAT),
    (
        ("data", "annotations"),
        "an export of Label Studio with everything that people did",
        "export it as JSON-MIN or CSV, where each answer is a column",
    ),
    (
        ("chosen", "rejected"),
        "a file of preferences",
        "name the columns: --question-column prompt --passage-column chosen",
    ),
    (("inputs", "outputs"), *_INSIDE),
    (("inputs", "reference_outputs"), *_INSIDE),
    (("fields", "suggestions"), *_INSIDE),
    (("fields", "responses"), *_INSIDE),
    (("texts", "label"), "InputExamples", "write the two texts as anchor and positive"),
    (("set",), "lists of texts that mean the same", "write two of them as anchor and positive"),
)


def look_of(columns: Collection[str]) -> tuple[str, str] | None:
    """What a file with these columns looks like, and what to do; ``None`` if it is not known.

    >>> look_of(["id", "conversations"])[0]
    'chats'
    """
    known = set(map(plain, columns))
    return next(((kind, fix) for needed, kind, fix in _LOOKS if known.issuperset(needed)), None)
