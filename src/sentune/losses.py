"""What the reference has in ``losses``, for scripts that import it from there."""

from __future__ import annotations

from sentune.left_out import not_there
from sentune.old_paths import install
from sentune.training.losses import *  # noqa: F403
from sentune.training.losses import __all__ as __all__


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
