"""Whether what a command printed is what its page shows.

Words must be equal. Figures may differ, because machines round differently:

- a number with a decimal point by .02, or by a twentieth of itself if that is more;
- a whole number by a hundredth of itself: counts up to 100 must be equal;
- numbers before a unit of time or memory, or before "a second", by anything;
- ``…`` stands for any text within a line, and alone in a line for any lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["difference"]

_NUMBER = re.compile(r"(?<![\w.])[+\-−]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w])")
_MEASURED = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?"
    r"(?= ?(?:s|ms|min|h|[KMG]i?B|seconds?|minutes?|a second)\b)"
)
_WIDE, _SHARE, _OF_COUNTS = 0.02, 0.05, 0.01
_ANY = "…"


def difference(shown: Sequence[str], printed: Sequence[str]) -> str | None:
    """The first line that differs, in words; None if the output is what the page shows."""
    wanted = [line.rstrip() for line in shown]
    found = [line.rstrip() for line in printed]
    while found and not found[-1]:
        found.pop()
    while wanted and not wanted[-1]:
        wanted.pop()
    return _compare(wanted, found)


def _compare(wanted: Sequence[str], found: Sequence[str]) -> str | None:
    at = 0
    for number, line in enumerate(wanted):
        if line.strip() == _ANY:
            rest = wanted[number + 1 :]
            starts = range(at, len(found) + 1)
            if any(_compare(rest, found[start:]) is None for start in starts):
                return None
            return f"after …, the page shows {rest[0]!r}, which was not printed"
        if at == len(found):
            return f"the page shows {line!r}, and nothing more was printed"
        if not _alike(line, found[at]):
            return f"the page shows {line!r}, and {found[at]!r} was printed"
        at += 1
    return None if at == len(found) else f"{found[at]!r} was printed, which the page does not show"


def _alike(shown: str, printed: str) -> bool:
    shown, printed = (_MEASURED.sub("#", " ".join(line.split())) for line in (shown, printed))
    words, figures = _NUMBER.split(shown), _NUMBER.findall(shown)
    pattern = r"([^\s]*?)".join(_literal(part) for part in words)
    match = re.fullmatch(pattern, printed)
    if match is None:
        return False
    return all(_near(a, b) for a, b in zip(figures, match.groups(), strict=True))


def _literal(text: str) -> str:
    return ".*?".join(map(re.escape, text.split(_ANY)))


def _near(shown: str, printed: str) -> bool:
    try:
        a, b = (float(text.replace(",", "").replace("−", "-")) for text in (shown, printed))
    except ValueError:
        return False
    if "." in shown or "e" in shown.lower():
        return abs(a - b) <= max(_WIDE, _SHARE * abs(a))
    return abs(a - b) <= _OF_COUNTS * abs(a)
