"""What is new, changed and removed: passages as they are now, compared with an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sentune.data.passages import Passage
from sentune.errors import DataError
from sentune.index.rows.arrow_rows import Kinds, fields_digest, text_digest

__all__ = ["Changes", "Digests", "Plan", "plan"]

Digests = Mapping[str, tuple[str, str]]
"""Passage id → digest of the text, digest of the fields."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an addition did.

    Attributes:
        added: passages that the index did not have.
        changed: passages with another text or other fields than before.
        removed: passages that their file no longer has.
        unchanged: passages left as they are.
        encoded: texts that the model encoded; the vectors of the others were known.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    encoded: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an addition has to do.

    Attributes:
        wanted: ids to write.
        gone: ids that only the index has.
        added, changed, unchanged: counts.
        kinds: field → the types of its values.
    """

    wanted: frozenset[str]
    gone: frozenset[str]
    added: int
    changed: int
    unchanged: int
    kinds: Kinds


def plan(known: Digests, passages: Iterable[Passage]) -> Plan:
    """Compare all passages of a source with what is stored of it, before anything is written.

    Memory: about 200 bytes a passage, no texts.

    Raises:
        DataError: the data cannot be read, or has an id twice.
    """
    kinds: Kinds = {}
    seen: set[str] = set()
    wanted: set[str] = set()
    added = 0
    for passage in passages:
        if passage.id in seen:
            raise DataError(
                f"two passages have the id {passage.id!r}",
                expected="a different id for every passage",
                fix="correct the ids",
            )
        seen.add(passage.id)
        stored = known.get(passage.id)
        added += stored is None
        if stored != (text_digest(passage.text), fields_digest(passage.fields)):
            wanted.add(passage.id)
        for name, value in passage.fields.items():
            kinds.setdefault(name, set()).add(type(value))
    return Plan(
        wanted=frozenset(wanted),
        gone=frozenset(known.keys() - seen),
        added=added,
        changed=len(wanted) - added,
        unchanged=len(seen) - len(wanted),
        kinds=kinds,
    )
