"""Loading a model for a verb, and saying what was loaded and what was cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentune.cli.output import say
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["loaded_model", "models_by_name", "telling_truncation"]

_LABEL = 32  # characters of a name in a table


def loaded_model(name: str, **options: Any) -> SentenceTransformer:
    """Load a model and say which one it is. Raises ModelError."""
    from sentune.encoding.sentence_transformer import SentenceTransformer

    model = SentenceTransformer(name, **options)
    say(f"model {model.base.name} from {model.base.origin}")
    return model


def models_by_name(names: Sequence[str]) -> dict[str, str]:
    """How each model is called in a table → its name or folder, in the order given.

    This is the name that was given, or the last part of a long path. The last model may be one of
    the others, to see that equal models have equal figures.

    Raises:
        ArgumentError: a base is given twice.
    """
    bases = names[:-1]
    for name in bases:
        if bases.count(name) > 1:
            raise ArgumentError(
                f"--base {name} is given {bases.count(name)} times",
                expected="every model once",
                fix="leave the others out",
            )
    found: dict[str, str] = {}
    for name in names:
        short = name if len(name) <= _LABEL else Path(name).name or name
        label = next(each for each in _numbered(short) if each not in found)
        found[label] = name
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


@contextmanager
def telling_truncation(model: SentenceTransformer) -> Iterator[None]:
    """Say after the block how many texts the model's length limit cut, if there are any."""
    from sentune.tokens.truncation import count_truncation

    with count_truncation() as truncation:
        yield
    if truncation.noteworthy:
        say(truncation.describe(model.max_seq_length))
