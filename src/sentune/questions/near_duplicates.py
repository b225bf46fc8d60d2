"""Texts that are nearly the same, exactly, by an inverted index of their runs of words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["near_duplicates", "shingles"]

_RUN = 5  # words
_JACCARD = 0.5
_CONTAINED, _LEAST = 0.8, 20  # a share of the shorter text, which has so many runs at least
_DENSE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without spaces: each a word here
_WORD = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]+")


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of five words of a text, without case and punctuation; a shorter text is one run."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if len(words) <= _RUN:
        return frozenset([tuple(words)])
    return frozenset(tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1))


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """All pairs of texts that are nearly the same: ``(later, earlier)``, as places in ``texts``.

    Two texts are nearly the same if they share half of all their runs of five words (Jaccard, after
    Broder 1997), or if four fifths of the shorter one's are in the other, where the shorter has at
    least 20. Nothing is sampled: every such pair is found.

    Cost: for every text, the texts that share a run with it; memory for the runs that repeat.
    """
    sets = [shingles(text) for text in texts]
    known: dict[tuple[str, ...], list[int]] = {}
    for place, runs in enumerate(sets):
        for run in runs:
            known.setdefault(run, []).append(place)
    shared = {run: np.array(places) for run, places in known.items() if len(places) > 1}
    sizes = np.array([len(runs) for runs in sets])
    return [
        (place, earlier)
        for place, runs in enumerate(sets)
        for earlier in _alike(place, [shared[run] for run in runs if run in shared], sizes)
    ]


def _alike(place: int, found: list[NDArray[np.int64]], sizes: NDArray[np.int64]) -> list[int]:
    """The earlier texts that are nearly the same as one, given where each of its runs is."""
    if not found:
        return []
    others = np.concatenate(found)
    common = np.bincount(others[others < place], minlength=place)
    earlier = np.flatnonzero(common)
    both, before, own = common[earlier], sizes[earlier], sizes[place]
    shorter = np.minimum(before, own)
    alike = both >= _JACCARD * (before + own - both)
    alike |= (shorter >= _LEAST) & (both >= _CONTAINED * shorter)
    same: list[int] = earlier[alike].tolist()
    return same
