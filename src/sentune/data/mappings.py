"""JSON files that name every text by an id: questions, passages, and which answers which.

Two layouts are in use, and differ in their keys only (``LAYOUTS``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentune.data.assembly import pairs_of_ids
from sentune.data.files.records import checked_text, kind_of, quoted
from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["Layout", "layout_of", "pairs_of_mapping"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The three keys of an id-based file."""

    questions: str
    relevant: str
    corpus: str = "corpus"


LAYOUTS = (
    Layout(questions="questions", relevant="relevant_contexts"),
    Layout(questions="queries", relevant="relevant_docs"),
)


def layout_of(document: object) -> Layout | None:
    """Return the layout whose three keys the document has; other keys don't matter."""
    if not isinstance(document, dict):
        return None
    for layout in LAYOUTS:
        if {layout.questions, layout.relevant, layout.corpus} <= document.keys():
            return layout
    return None


def pairs_of_mapping(document: Mapping[str, object], layout: Layout, path: Path) -> Pairs:
    """Build pairs from an id-based document, under its own ids.

    Raises:
        DataError: a part is not an object, a text is no text, a list of relevant ids is neither
            a list of ids nor an object of scores, or an id names no question or passage.
    """
    questions = _texts(document, layout.questions, path)
    passages = _texts(document, layout.corpus, path)
    relevant = {
        key: _relevant_ids(value, f"{path}, {layout.relevant}[{quoted([key])}]")
        for key, value in _object(document, layout.relevant, path).items()
    }
    _check_ids(relevant, questions, f"{path}, {layout.relevant}", f"keys of {layout.questions}")
    named = dict.fromkeys(name for names in relevant.values() for name in names)
    _check_ids(named, passages, f"{path}, {layout.relevant}", f"keys of {layout.corpus}")
    return pairs_of_ids(questions, passages, relevant, source=str(path))


def _object(document: Mapping[str, object], part: str, path: Path) -> dict[str, object]:
    value = document[part]
    if isinstance(value, dict):
        return value
    raise DataError(
        f"{path}, {part} holds {kind_of(value)}",
        expected="an object with an id for every key",
        fix=f"write {part} as {{id: …}}",
    )


def _texts(document: Mapping[str, object], part: str, path: Path) -> dict[str, str]:
    return {
        key: checked_text(value, f"{path}, {part}[{quoted([key])}]")
        for key, value in _object(document, part, path).items()
    }


def _relevant_ids(value: object, place: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(key for key, score in value.items() if _checked_score(score, place) > 0)
    if isinstance(value, list):
        return tuple(checked_text(item, place) for item in value)
    raise DataError(
        f"{place} holds {kind_of(value)}",
        expected="a list of passage ids, or an object from passage id to score",
        fix="write [id] even where there is only one",
    )


def _checked_score(score: object, place: str) -> float:
    if isinstance(score, float) and not math.isfinite(score):
        problem = str(score)
    elif isinstance(score, int | float) and not isinstance(score, bool):
        return score
    else:
        problem = kind_of(score)
    raise DataError(
        f"{place} has {problem} for a score",
        expected="a finite number: above 0 for a relevant passage",
        fix="write 1 for relevant and 0 for not relevant",
    )


def _check_ids(ids: Collection[str], known: Collection[str], place: str, expected: str) -> None:
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise DataError(
            f"{place} names {counted(len(unknown), 'id')} that nothing stands for: "
            f"{quoted(unknown, limit=3)}",
            expected=f"{expected} only",
            fix="add the missing texts, or remove the ids",
        )
