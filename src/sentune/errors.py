"""Every error that sentune raises on purpose.

::

    SentuneError
    ├── DataError               a file of pairs, texts or vectors cannot be used
    │   └── TooFewPairsError        pairs that can be read, but too few
    ├── ModelError              a model folder is incomplete, damaged or inconsistent
    │   ├── UnsupportedModelError   the model needs something that sentune does not run
    │   └── ModelNotFoundError      there is no model with this name
    ├── IndexFolderError        an index is missing, unfinished, damaged or of another model
    ├── OutputError             a file or folder cannot be written, or exists already
    ├── HubError                a model cannot be sent to the hub
    ├── ArgumentError           an argument is out of range or of the wrong type
    ├── MissingExtraError       an optional package is not installed
    ├── TrainingError           a training run cannot start or continue
    └── PoolError               worker processes cannot start or continue

A message has three parts, and the constructor needs all of them: what was given, what was
expected, and how to correct it. The command line prints them on one line and exits with 2.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ArgumentError",
    "DataError",
    "HubError",
    "IndexFolderError",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "OutputError",
    "PoolError",
    "SentuneError",
    "TooFewPairsError",
    "TrainingError",
    "UnsupportedModelError",
]


class SentuneError(Exception):
    """Base of every error that sentune raises on purpose; its text is one line.

    >>> print(SentuneError("top_k is 0", expected="a whole number of at least 1", fix="use 10"))
    top_k is 0: expected a whole number of at least 1. Use 10.
    """

    def __init__(self, given: str, *, expected: str, fix: str) -> None:
        self.given = given
        self.expected = expected
        self.fix = fix
        super().__init__(" ".join(f"{given}: expected {expected}. {_sentence(fix)}".split()))

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, copying and unpickling call the class with the text alone.
        return SentuneError.from_json, (self.to_json(),), self.__dict__

    def to_json(self) -> dict[str, str]:
        """Return the error as plain values, to raise it again in another process."""
        kind = type(self).__name__
        return {"error": kind, "given": self.given, "expected": self.expected, "fix": self.fix}

    @staticmethod
    def from_json(record: dict[str, str]) -> SentuneError:
        """Return the error that ``to_json`` was called on."""
        kind: type[SentuneError] = globals().get(record["error"], SentuneError)
        error = kind.__new__(kind)
        parts = {name: record[name] for name in ("given", "expected", "fix")}
        SentuneError.__init__(error, **parts)
        return error


def _sentence(words: str) -> str:
    """Return ``words`` as a sentence; commands and names at its ends are not changed."""
    first = words.split(maxsplit=1)[0].rstrip(",:")
    begun = words[0].upper() + words[1:] if first.isalpha() and first.islower() else words
    return begun if begun.endswith((".", "?", "!", "'", '"', "`")) else f"{begun}."


class DataError(SentuneError):
    """A file of pairs, texts or vectors cannot be used as it is.

    ``pairs.csv, line 3, column 'answer' is empty: expected a text. Fill it in, or remove the row.``
    """


class TooFewPairsError(DataError):
    """A file of pairs can be read, and has too few to train on or to measure with."""


class ModelError(SentuneError):
    """A model folder is incomplete, damaged or inconsistent: no weights, say, or NaN in them."""


class UnsupportedModelError(ModelError):
    """A model has an architecture, a module or a setting that sentune does not run."""


class ModelNotFoundError(ModelError):
    """A model name is neither a folder, nor in the cache, on the hub or an installed package."""


class IndexFolderError(SentuneError):
    """An index is missing, unfinished or damaged, or was made with another model."""


class OutputError(SentuneError):
    """A file or folder cannot be written, or has content that would be lost.

    ``out exists and is not empty: expected a folder that does not exist yet, or an empty one. …``
    """


class HubError(SentuneError):
    """A model cannot be sent to the hub: the hub refuses it, or cannot be reached, say."""


class ArgumentError(SentuneError, ValueError):
    """An argument of a function or a command is out of range or of the wrong type."""


class MissingExtraError(SentuneError, ImportError):
    """A package that only some functions need is not installed; the message has the command."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed",
            expected=f"the extra {extra!r} of sentune",
            fix=f"run: pip install 'sentune[{extra}]'",
        )


class TrainingError(SentuneError):
    """A training run cannot start or continue: its loss is NaN, or a checkpoint is damaged, say."""


class PoolError(SentuneError):
    """The worker processes of a pool cannot start or continue: they died or were closed, say."""
