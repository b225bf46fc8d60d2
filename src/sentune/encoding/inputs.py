"""What people pass to ``encode`` → texts, or an error that names the position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from sentune.checks import require_text

__all__ = ["Inputs"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The texts that were given.

    Attributes:
        texts: in their order; those of an iterator are checked as they are taken.
        count: how many there are; None for an iterator, whose length is not known.
        single: whether one text was given instead of several.
    """

    texts: Iterable[str]
    count: int | None
    single: bool

    @classmethod
    def of(cls, inputs: Iterable[str] | str) -> Inputs:
        """Check what was given; lists, tuples and arrays at once.

        Raises:
            ArgumentError: an element is not a text; the message names its position. For an
                iterator it is raised while the texts are taken.
        """
        several = isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes | Mapping)
        if not several or getattr(inputs, "ndim", 1) != 1:  # the rows of a matrix are not texts
            return cls([require_text("the input", inputs)], 1, single=True)
        count = len(inputs) if isinstance(inputs, Sized) else None
        if not isinstance(inputs, Sequence | np.ndarray):
            return cls(_checked(inputs), count, single=False)
        for _ in _checked(inputs):
            pass
        return cls(inputs, count, single=False)


def _checked(inputs: Iterable[str]) -> Iterator[str]:
    for position, text in enumerate(inputs):
        yield require_text(f"inputs[{position}]", text)
