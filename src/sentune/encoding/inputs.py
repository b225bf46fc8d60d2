"""What people pass to ``encode`` → texts, or an error that names the position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import cast

import numpy as np

from sentune.checks import require_text
from sentune.errors import ArgumentError

__all__ = ["Inputs", "given_once"]


def given_once(
    inputs: Iterable[str] | str | None, sentences: Iterable[str] | str | None
) -> Iterable[str] | str:
    """The texts of an argument that has two names. Raises ArgumentError unless one is used."""
    if (inputs is None) == (sentences is None):
        raise ArgumentError(
            "the input is None" if inputs is None else "both inputs and sentences are given",
            expected="a text, or texts in a list, tuple, array or iterator",
            fix="pass the texts as inputs",
        )
    return cast("Iterable[str] | str", sentences if inputs is None else inputs)


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
