"""JSON documents in which texts have ids: mappings, and SQuAD.

Two mappings are in use; they differ only in their keys (``_MAPPINGS``). SQuAD has articles with
paragraphs, and every paragraph has questions.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sentune.data.files.records import checked_text, kind_of, quoted
from sentune.data.pair_files.assembly import pairs_of_ids
from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["has_ids", "pairs_of_document", "require_known"]

_CORPUS = "corpus"
_MAPPINGS = (("questions", "relevant_contexts"), ("queries", "relevant_docs"))


def has_ids(document: object) -> bool:
    """Whether a JSON document has one of the layouts; it may have other keys as well."""
    return _keys(document) is not None or _is_squad(document)


def pairs_of_document(document: object, path: Path) -> Pairs | None:
    """Build pairs from a JSON document that ``has_ids``; return ``None`` for any other.

    Raises DataError if a part has another type than its layout, a text is not a text, or an id has
    no question or passage.
    """
    if not isinstance(document, dict):
        return None
    if _is_squad(document):
        return _pairs_of_squad(document, path)
    keys = _keys(document)
    return None if keys is None else _pairs_of_mapping(document, keys, path)


def _pairs_of_mapping(document: Mapping[str, object], keys: tuple[str, str], path: Path) -> Pairs:
    questions = _texts(document, keys[0], path)
    passages = _texts(document, _CORPUS, path)
    location = f"{path}, {keys[1]}"
    relevant = {
        key: _relevant_ids(value, f"{location}[{quoted([key])}]")
        for key, value in _object(document, keys[1], path).items()
    }
    require_known(relevant, questions, location, f"keys of {keys[0]}")
    answers = dict.fromkeys(name for names in relevant.values() for name in names)
    require_known(answers, passages, location, f"keys of {_CORPUS}")
    return pairs_of_ids(questions, passages, relevant, source=str(path))


def _keys(document: object) -> tuple[str, str] | None:
    if not isinstance(document, dict):
        return None
    return next((keys for keys in _MAPPINGS if {*keys, _CORPUS} <= document.keys()), None)


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


def require_known(
    ids: Collection[str], known: Collection[str], location: str, expected: str
) -> None:
    """Raise DataError if an id has no text; ``expected`` says which have one."""
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise DataError(
            f"{location} names {counted(len(unknown), 'id')} without a text "
            f"({quoted(unknown, limit=3)})",
            expected=f"only {expected}",
            fix="add the missing texts, or remove the ids",
        )


def _is_squad(document: object) -> bool:
    """Whether there are articles, the first of which has paragraphs."""
    articles = document.get("data") if isinstance(document, dict) else None
    if not isinstance(articles, list) or not articles:
        return False
    return isinstance(articles[0], dict) and "paragraphs" in articles[0]


def _pairs_of_squad(document: Mapping[str, object], path: Path) -> Pairs:
    """Passages are the paragraphs; a question that is impossible has no relevant passage."""
    questions: dict[str, str] = {}
    passages: dict[str, str] = {}
    relevant: dict[str, tuple[str, ...]] = {}
    for where, paragraph in _paragraphs(document, path):
        passage = f"p{len(passages) + 1}"
        passages[passage] = _text_of(paragraph, "context", where)
        for number, asked in enumerate(_list(paragraph, "qas", where), start=1):
            place = f"{where}, question {number}"
            if not isinstance(asked, dict):
                raise _misshapen(place, asked, "an object with a question")
            key = str(asked.get("id", f"q{len(questions) + 1}"))
            if key in questions:
                raise DataError(
                    f"{place} has the id {quoted([key])} of another question",
                    expected="a different id for every question",
                    fix="correct the ids or remove them",
                )
            questions[key] = _text_of(asked, "question", place)
            relevant[key] = () if _is_impossible(asked) else (passage,)
    return pairs_of_ids(questions, passages, relevant, source=str(path))


def _is_impossible(asked: Mapping[str, object]) -> bool:
    return bool(asked.get("is_impossible")) or asked.get("answers") == []


def _paragraphs(
    document: Mapping[str, object], path: Path
) -> Iterator[tuple[str, Mapping[str, object]]]:
    for number, article in enumerate(_list(document, "data", str(path)), start=1):
        where = f"{path}, article {number}"
        if not isinstance(article, dict):
            raise _misshapen(where, article, "an object with paragraphs")
        for place, paragraph in enumerate(_list(article, "paragraphs", where), start=1):
            here = f"{where}, paragraph {place}"
            if not isinstance(paragraph, dict):
                raise _misshapen(here, paragraph, "an object with a context and qas")
            yield here, paragraph


def _list(parent: Mapping[str, object], key: str, where: str) -> list[object]:
    value = parent.get(key)
    if not isinstance(value, list):
        raise _misshapen(f"{where}, {key}", value, "a list, as in SQuAD")
    return value


def _text_of(parent: Mapping[str, object], key: str, where: str) -> str:
    return checked_text(parent.get(key), where, key)


def _misshapen(where: str, value: object, expected: str) -> DataError:
    return DataError(
        f"{where} holds {kind_of(value)}", expected=expected, fix="write it as SQuAD does"
    )
