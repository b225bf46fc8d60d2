"""What people pass to ``encode`` → texts and a prompt, or an error that names the place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from sentune.errors import ArgumentError

__all__ = [
    "Inputs",
    "choose_prompt",
    "require_choice",
    "require_dimension",
    "require_positive",
    "require_text",
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


def require_text(place: str, text: object) -> None:
    """Raise ArgumentError, which names ``place``, unless it is a text.

    Half of a surrogate pair is none: it is what is left of a character in badly decoded text.
    """
    if not isinstance(text, str):
        raise _no_text(place, text)
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{place} is no valid Unicode text ({error.reason}, at character {error.start})",
            expected="text that can be written in UTF-8",
            fix="decode its source again, or use text.encode('utf-8', 'replace').decode()",
        ) from error


def _no_text(place: str, value: object) -> ArgumentError:
    return ArgumentError(
        f"{place} is {value if value is None else type(value).__name__}",
        expected="a text, or texts in a list, tuple, array or iterator",
        fix="convert it to str, or leave it out",
    )


def choose_prompt(
    prompts: Mapping[str, str], default: str | None, prompt_name: str | None, prompt: str | None
) -> str:
    """``prompt`` beats ``prompt_name`` beats the model's default; "" when there is none.

    Raises:
        ArgumentError: a name that the model has no prompt for, or a prompt that is no text.
    """
    if prompt is not None:
        return _prompt_text("prompt", prompt)
    name = prompt_name if prompt_name is not None else default
    if name is None:
        return ""
    if not isinstance(name, str) or name not in prompts:
        raise ArgumentError(
            f"prompt_name {name!r}",
            expected=f"one of the model's prompts ({', '.join(prompts) or 'it has none'})",
            fix="give the prompt itself as prompt=, or add it to model.prompts",
        )
    return _prompt_text(f"prompts[{name!r}]", prompts[name])


def _prompt_text(place: str, prompt: str) -> str:
    require_text(place, prompt)
    return prompt


def require_dimension(truncate_dim: int | None) -> None:
    """Raise ArgumentError unless None or a positive whole number."""
    if truncate_dim is not None and (not isinstance(truncate_dim, int) or truncate_dim < 1):
        raise ArgumentError(
            f"truncate_dim {truncate_dim!r}",
            expected="a positive number of dimensions",
            fix="leave it out to keep them all",
        )


def require_positive(name: str, value: int | None, *, fix: str) -> None:
    """Raise ArgumentError unless None or a positive whole number."""
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ArgumentError(f"{name} {value!r}", expected="a positive number of texts", fix=fix)


def require_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ArgumentError unless ``value`` is one of ``choices``, of which the first is usual."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(
            f"{name} {value!r}",
            expected=f"one of {', '.join(choices)}",
            fix=f"leave it out for {choices[0]}",
        )
