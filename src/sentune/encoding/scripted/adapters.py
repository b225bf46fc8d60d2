"""Methods of the reference for adapters of peft, which sentune merges into the weights."""

from __future__ import annotations

from typing import Any, NoReturn

from sentune.errors import ArgumentError

__all__ = ["WithoutAdapters"]


def _refused(name: str) -> ArgumentError:
    return ArgumentError(
        f"{name} of a model of sentune",
        expected="a model without adapters, because the LoRA of a folder is merged into its "
        "weights when it is loaded",
        fix="train an adapter with peft and sentence-transformers, save the folder, and load that",
    )


class WithoutAdapters:
    """Each method raises ArgumentError, so that none is taken to have had an effect."""

    @property
    def has_peft_compatible_model(self) -> bool:
        """False."""
        return False

    def check_peft_compatible_model(self) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("check_peft_compatible_model()")

    def add_adapter(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("add_adapter()")

    def load_adapter(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("load_adapter()")

    def set_adapter(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("set_adapter()")

    def delete_adapter(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("delete_adapter()")

    def enable_adapters(self) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("enable_adapters()")

    def disable_adapters(self) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("disable_adapters()")

    def active_adapters(self) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("active_adapters()")

    def active_adapter(self) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("active_adapter()")

    def get_adapter_state_dict(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises ArgumentError."""
        raise _refused("get_adapter_state_dict()")
