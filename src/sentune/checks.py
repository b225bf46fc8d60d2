"""Checks of arguments: each returns the value as a plain Python value, or raises ArgumentError.

NumPy's numbers are accepted. ``True`` is not a number here, although it is an ``int`` in Python.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

from sentune.errors import ArgumentError

__all__ = ["require_choice", "require_number", "require_text", "require_whole"]


def require_whole(
    name: str, value: object, *, least: int = 1, most: int | None = None, fix: str | None = None
) -> int:
    """Check a whole number from ``least`` to ``most``. Raises ArgumentError.

    >>> require_whole("top_k", 0)
    Traceback (most recent call last):
    sentune.errors.ArgumentError: top_k is 0: expected a whole number of at least 1. Correct top_k.
    """
    number = None if _is_flag(value) else _whole(value)
    if number is None or number < least or (most is not None and number > most):
        expected = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ArgumentError(
            f"{name} is {value!r}",
            expected=f"a whole number {expected}",
            fix=fix or f"correct {name}",
        )
    return number


def require_number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    expected: str | None = None,
    fix: str | None = None,
) -> float:
    """Check a finite number from ``least`` to ``most``. Raises ArgumentError."""
    try:
        number = math.nan if _is_flag(value) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, str) or not math.isfinite(number) or not least <= number <= most:
        lowest = "a finite number" + (f" of at least {least:g}" if least > -math.inf else "")
        raise ArgumentError(
            f"{name} is {value!r}",
            expected=expected
            or (lowest if most == math.inf else f"a number from {least:g} to {most:g}"),
            fix=fix or f"correct {name}",
        )
    return number


def require_choice(
    name: str, value: object, choices: Sequence[str], *, fix: str | None = None
) -> str:
    """Check that a value is one of ``choices``. Raises ArgumentError."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(
            f"{name} is {value!r}",
            expected=f"one of {', '.join(choices)}",
            fix=fix or "choose one of these",
        )
    return value


def require_text(name: str, value: object) -> str:
    """Check a text that can be written in UTF-8. Raises ArgumentError.

    Half of a surrogate pair cannot be written: it remains of a character in badly decoded text.
    """
    if not isinstance(value, str):
        raise ArgumentError(
            f"{name} is {value if value is None else type(value).__name__}",
            expected="a text, or texts in a list, tuple, array or iterator",
            fix="convert it to str, or leave it out",
        )
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"{name} is not valid Unicode text ({error.reason}, at character {error.start})",
                expected="text that can be written in UTF-8",
                fix="decode its source again, or use text.encode('utf-8', 'replace').decode()",
            ) from error
    return value


def _is_flag(value: object) -> bool:
    # NumPy's bool is not a subclass of Python's.
    return type(value).__name__ in ("bool", "bool_")


def _whole(value: object) -> int | None:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
