"""Conditions as people write them: the name of the file in them, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sentune.errors import ArgumentError
from sentune.index.rows.arrow_rows import SOURCE

__all__ = ["bad_filter", "fails_on_rows", "why", "with_source", "without_literals"]

_LITERAL = re.compile(r"('[^']*'|`[^`]*`)")  # texts, and names of other letters
_NAME = "source"
_SOURCE_NAME = re.compile(rf"\b{_NAME}\b", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_REASONS = (
    (re.compile(r'No field named [`"]?(?P<what>.+?)[`"]?\. Valid fields'), "no field is named {}"),
    (
        re.compile(r"Received literal \w+\((?P<what>.*?)\) and could not convert"),
        "{} is compared with a field of another type",
    ),
    (re.compile(r"Invalid function '(?P<what>.+?)'"), "there is no function {}"),
    (re.compile(r"does not return a (?P<what>boolean)"), "it is neither true nor false"),
    (re.compile(r"(?P<what>Unterminated) string literal"), "a quote is not closed"),
    (re.compile(r"Cannot cast (?:string )?(?P<what>.+?) to value of"), "{} cannot be converted"),
    (re.compile(r"(?P<what>Divide by zero)"), "it divides by zero"),
    (re.compile(r"Expression '(?P<what>.+?)' is not supported"), "{} is not supported"),
    (re.compile(r"(?P<what>coerc|common argument type)"), "its types do not go together"),
    (re.compile(r"(?P<what>sql parser error|SQL predicate)"), "it is not written as SQL"),
)
_APPLYING = "Error applying filter expression"
_SHOWN = 40  # characters of a value


def without_literals(where: str) -> str:
    """A condition without what stands in single quotes or backticks."""
    return _LITERAL.sub("", where)


def with_source(where: str, fields: Mapping[str, str]) -> str:
    """The condition with the column of the file in place of ``source``, the name that hits show.

    A field of that name keeps it.
    """
    if _NAME in map(str.casefold, fields):
        return where
    parts = _LITERAL.split(where)  # every second one is a literal
    parts[::2] = [_SOURCE_NAME.sub(SOURCE, part) for part in parts[::2]]
    parts[1::2] = [SOURCE if part == f"`{_NAME}`" else part for part in parts[1::2]]
    return "".join(parts)


def why(error: Exception) -> str:
    """What is wrong with a condition, in our words; the library's name its own columns."""
    text = " ".join(str(error).split())
    for pattern, words in _REASONS:
        if found := pattern.search(text):
            what = found["what"]
            return words.format(what if len(what) <= _SHOWN else f"{what[:_SHOWN]} …")
    return "LanceDB cannot apply it"


def fails_on_rows(error: Exception) -> bool:
    """Whether a condition that could be planned failed on the values of a row."""
    return _APPLYING in str(error)


def bad_filter(where: str, what: str, fields: Mapping[str, str]) -> ArgumentError:
    """The error for a condition, with the names that it may have and an example of one of them."""
    names = dict.fromkeys(["id", "text", _NAME, *fields])
    return ArgumentError(
        f"the filter {where!r} cannot be used ({what})",
        expected=f"a condition on {', '.join(names)}",
        fix=f"write it like {_example(fields)}",
    )


def _example(fields: Mapping[str, str]) -> str:
    shown = {name if _PLAIN_NAME.fullmatch(name) else f"`{name}`": fields[name] for name in fields}
    number = next((name for name, kind in shown.items() if kind in ("int64", "double")), None)
    if number is not None:
        return f"{number} > 3"
    text = next((name for name, kind in shown.items() if kind == "string"), None)
    return f"{_NAME} LIKE '%.pdf'" if text is None else f"{text} LIKE '%Methods%'"
