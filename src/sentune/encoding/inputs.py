"""What people pass to ``encode`` → texts and a prompt, or an error that names the place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from sentune.checks import require_text
from sentune.errors import ArgumentError

__all__ = [
    "Inputs",
]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The texts that were given.

    Attributes:
        texts: in their order, each checked at the latest when its turn comes.
        count: how many there are; None where only the end of the iterator tells.
        single: whether one text was given instead of several.
    """

    texts: Iterable[str]
    count: int | None
    single: bool

    @classmethod
    def of(cls, inputs: Iterable[str] | str) -> Inputs:
        """Look at what was given; lists, tuples and arrays are checked at once.

        Raises:
            ArgumentError: something is no text; the message names its position. For an iterator
                it is raised while the texts are taken.
        """
        if isinstance(inputs, str):
            require_text("the input", inputs)
            return cls([inputs], 1, single=True)
        if isinstance(inputs, bytes | Mapping) or not isinstance(inputs, Iterable):
            raise _no_text("the input", inputs)
        if getattr(inputs, "ndim", 1) != 1:  # an array, whose rows are no texts
            raise _no_text("the input", inputs)
        count = len(inputs) if isinstance(inputs, Sized) else None
        if not isinstance(inputs, Sequence | np.ndarray):
            return cls(_checked(inputs), count, single=False)
        for _ in _checked(inputs):
            pass
        return cls(inputs, count, single=False)


def _checked(inputs: Iterable[str]) -> Iterator[str]:
    for position, text in enumerate(inputs):
        require_text(f"inputs[{position}]", text)
        yield text


def _no_text(place: str, value: object) -> ArgumentError:
    return ArgumentError(
        f"{place} is {value if value is None else type(value).__name__}",
        expected="a text, or texts in a list, tuple, array or iterator",
        fix="convert it to str, or leave it out",
    )
