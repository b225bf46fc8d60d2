"""JSON files with an id for every text: questions, passages, and which answers which.

Two layouts are in use; they differ only in their keys (``_LAYOUTS``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path

from sentune.data.assembly import pairs_of_ids
from sentune.data.files.records import checked_text, kind_of, quoted
from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["has_ids", "pairs_of_mapping"]

_CORPUS = "corpus"
_LAYOUTS = (("questions", "relevant_contexts"), ("queries", "relevant_docs"))


def has_ids(document: object) -> bool:
    """Whether a JSON document has the three keys of one of the layouts; it may have others."""
    return _keys(document) is not None


def pairs_of_mapping(document: object, path: Path) -> Pairs | None:
    """Build pairs from a JSON document that ``has_ids``; return ``None`` for any other.

    Raises DataError if a part is not an object, a text is not a text, the relevant ids are neither
    a list of ids nor an object of scores, or an id has no question or passage.
    """
    keys = _keys(document)
    if keys is None or not isinstance(document, dict):
        return None
    questions = _texts(document, keys[0], path)
    passages = _texts(document, _CORPUS, path)
    location = f"{path}, {keys[1]}"
    relevant = {
        key: _relevant_ids(value, f"{location}[{quoted([key])}]")
        for key, value in _object(document, keys[1], path).items()
    }
    _check_ids(relevant, questions, location, f"keys of {keys[0]}")
    named = dict.fromkeys(name for names in relevant.values() for name in names)
    _check_ids(named, passages, location, f"keys of {_CORPUS}")
    return pairs_of_ids(questions, passages, relevant, source=str(path))


def _keys(document: object) -> tuple[str, str] | None:
    if not isinstance(document, dict):
        return None
    return next((keys for keys in _LAYOUTS if {*keys, _CORPUS} <= document.keys()), None)


def _object(document: Mapping[str, object], part: str, path: Path) -> dict[str, object]:
    value = document[part]
    if isinstance(value, dict):
        return value
    raise DataError(
        f"{path}, {part} holds {kind_of(value)}",
        expected="an object whose keys are ids",
        fix=f"write {part} as {{id: …}}",
    )


def _texts(document: Mapping[str, object], part: str, path: Path) -> dict[str, str]:
    return {
        key: checked_text(value, f"{path}, {part}[{quoted([key])}]")
        for key, value in _object(document, part, path).items()
    }


def _relevant_ids(value: object, location: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(key for key, score in value.items() if _checked_score(score, location) > 0)
    if isinstance(value, list):
        return tuple(checked_text(item, location) for item in value)
    raise DataError(
        f"{location} holds {kind_of(value)}",
        expected="a list of passage ids, or an object from passage id to score",
        fix="write [id] even if there is only one",
    )


def _checked_score(score: object, location: str) -> float:
    if isinstance(score, float) and not math.isfinite(score):
        problem = str(score)
    elif isinstance(score, int | float) and not isinstance(score, bool):
        return score
    else:
        problem = kind_of(score)
    raise DataError(
        f"{location} has {problem} for a score",
        expected="a finite number, above 0 for a relevant passage",
        fix="write 1 for relevant and 0 for not relevant",
    )


def _check_ids(ids: Collection[str], known: Collection[str], location: str, expected: str) -> None:
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise DataError(
            f"{location} names {counted(len(unknown), 'id')} without a text "
            f"({quoted(unknown, limit=3)})",
            expected=f"only {expected}",
            fix="add the missing texts, or remove the ids",
        )
