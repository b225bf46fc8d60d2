"""The settings of a run: all, and those that differ from the defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentune.training.arguments import SentenceTransformerTrainingArguments

__all__ = ["Settings", "stated_settings"]

# Paths, accounts and names of the run.
_WITHHELD = frozenset(
    {
        "deepspeed",
        "hub_model_id",
        "hub_revision",
        "project",
        "push_to_hub_model_id",
        "push_to_hub_organization",
        "resume_from_checkpoint",
        "run_name",
    }
)
# transformers removes it from accelerate's configuration when it sets the device up.
_USED_UP = "use_configured_state"
_WITHHELD_ENDINGS = ("_dir", "_token")
_WITHHELD_BEGINNINGS = ("trackio_",)


@dataclass(frozen=True, slots=True)
class Settings:
    """Name → value as text, in the order of the arguments.

    Attributes:
        all: every setting, except those about the machine or its owner.
        changed: those of ``all`` that differ from the defaults.
    """

    all: dict[str, str]
    changed: dict[str, str]


def stated_settings(arguments: SentenceTransformerTrainingArguments) -> Settings:
    """What a card may say about the arguments of a run.

    The defaults are those of new arguments of the same class, because transformers sets many of
    them only in the constructor.
    """
    given, defaults = _stated(arguments), _stated(_fresh(arguments))
    changed = {name: value for name, value in given.items() if value != defaults[name]}
    return Settings(given, changed)


def _fresh(arguments: SentenceTransformerTrainingArguments) -> Any:
    kind = type(arguments)
    # Otherwise transformers sets the device up again, and resets the state of accelerate, which a
    # running trainer may need.
    unattached = type(kind.__name__, (kind,), {"_setup_devices": None})
    return unattached(output_dir="unused")


def _stated(arguments: Any) -> dict[str, str]:
    return {
        setting.name: str(_plain(getattr(arguments, setting.name)))
        for setting in fields(arguments)
        if not _is_withheld(setting.name)
    }


def _is_withheld(name: str) -> bool:
    return (
        name in _WITHHELD
        or name.endswith(_WITHHELD_ENDINGS)
        or name.startswith(_WITHHELD_BEGINNINGS)
    )


def _plain(value: Any) -> Any:
    """Enumerations by value, configurations as dictionaries, anything else by its class."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        path = PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
        return "(a path)" if path else value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != _USED_UP}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    to_dict = getattr(value, "to_dict", None)
    return _plain(to_dict()) if callable(to_dict) else type(value).__name__
