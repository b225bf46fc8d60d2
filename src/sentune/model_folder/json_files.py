"""Reading the JSON files of a model folder, and the errors for wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentune.errors import ModelError

__all__ = ["damaged", "flag", "read_json", "read_object", "unexpected"]


def read_object(path: Path, *, required: bool = False) -> dict[str, Any]:
    """A JSON object; empty if the file is missing and not ``required``. Raises ModelError."""
    if not required and not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise damaged(path, "it is not a JSON object")
    return value


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises ModelError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _unusable(f"{path} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error


def flag(values: dict[str, Any], name: str, default: bool, path: Path) -> bool:
    """The value of a flag of the file ``path``. Raises ModelError."""
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise unexpected(path, name, value, "true or false")
    return value


def unexpected(path: Path, name: str, value: object, expected: str) -> ModelError:
    """The error for a value that is not as expected."""
    return ModelError(
        f"{path}, {name} is {value!r}",
        expected=expected,
        fix="correct the value, or copy the file again from the source of the model",
    )


def damaged(path: Path, reason: str) -> ModelError:
    """The error for a file that cannot be read."""
    return _unusable(f"{path} cannot be read ({reason})")


def _unusable(what: str) -> ModelError:
    return ModelError(
        what,
        expected="the configuration of a sentence-embedding model",
        fix="name the folder of a model, or copy the file again from its source",
    )
