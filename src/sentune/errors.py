"""Every error that sentune raises on purpose.

::

    SentuneError
    ├── DataError               a file of pairs, texts or vectors that cannot be used as given
    ├── ModelError              a model folder that is incomplete, damaged or inconsistent
    │   ├── UnsupportedModelError   an architecture or module that sentune does not run
    │   └── ModelNotFoundError      a name that resolves to no folder, cache entry or package
    ├── IndexFolderError        an index that is missing, unfinished, damaged or of another model
    ├── OutputError             a destination that exists, or that cannot be written
    ├── ArgumentError           an argument outside its range or of the wrong type
    ├── MissingExtraError       an optional dependency that is not installed
    ├── TrainingError           a run that cannot go on: the loss is not finite, say
    └── PoolError               worker processes that cannot go on

A message has three parts, and the constructor asks for all of them: what was given, what was
expected, and what to do next. The command line prints them on one line and exits with 2.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ArgumentError",
    "DataError",
    "IndexFolderError",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "OutputError",
    "PoolError",
    "SentuneError",
    "TrainingError",
    "UnsupportedModelError",
]


class SentuneError(Exception):
    """Base of every error raised on purpose; its text is always one line."""

    def __init__(self, given: str, *, expected: str, fix: str) -> None:
        self.given = given
        self.expected = expected
        self.fix = fix
        super().__init__(" ".join(f"{given}: expected {expected}. {_sentence(fix)}".split()))

    def __reduce__(self) -> tuple[Any, ...]:
        # By default a copy, or the parent of a worker process, calls the class with the text alone.
        return _again, (type(self), self.args, self.__dict__)

    def to_json(self) -> dict[str, str]:
        """The error as plain values, to be raised again in another process."""
        kind = type(self).__name__
        return {"error": kind, "given": self.given, "expected": self.expected, "fix": self.fix}

    @staticmethod
    def from_json(record: dict[str, str]) -> SentuneError:
        """The inverse of ``to_json``."""
        kind: type[SentuneError] = globals()[record["error"]]
        error = kind.__new__(kind)
        SentuneError.__init__(
            error, record["given"], expected=record["expected"], fix=record["fix"]
        )
        return error


def _sentence(words: str) -> str:
    """``words`` as a sentence; a command or a name at an end is left as it is typed."""
    first = words.split(maxsplit=1)[0].rstrip(",:")
    begun = words[0].upper() + words[1:] if first.isalpha() and first.islower() else words
    return begun if begun.endswith((".", "?", "!", "'", '"', "`")) else f"{begun}."


def _again(
    kind: type[SentuneError], arguments: tuple[Any, ...], state: dict[str, Any]
) -> SentuneError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class DataError(SentuneError):
    """A file of pairs, texts or vectors cannot be used as given."""


class ModelError(SentuneError):
    """A model folder is incomplete, damaged or inconsistent."""


class UnsupportedModelError(ModelError):
    """The folder holds an architecture or a module that sentune does not run."""


class ModelNotFoundError(ModelError):
    """A model name resolves to no folder, no cache entry and no installed package."""


class IndexFolderError(SentuneError):
    """An index is missing, unfinished, damaged, or was made with another model."""


class OutputError(SentuneError):
    """A destination holds something else, or cannot be written."""


class ArgumentError(SentuneError, ValueError):
    """An argument is outside its range or of the wrong type."""


class MissingExtraError(SentuneError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed",
            expected=f"the extra {extra!r} of sentune",
            fix=f"run: pip install 'sentune[{extra}]'",
        )


class TrainingError(SentuneError):
    """A training run cannot go on."""


class PoolError(SentuneError):
    """The worker processes of a pool cannot go on."""
