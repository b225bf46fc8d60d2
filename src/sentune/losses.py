"""What the reference has in ``losses``, for scripts that import it from there."""

from __future__ import annotations

from sentune.old_paths import install
from sentune.training.losses import *  # noqa: F403
from sentune.training.losses import __all__ as __all__

install()
