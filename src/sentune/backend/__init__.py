"""The reference has other runtimes here; sentune does not, and says so where a name is used."""

from __future__ import annotations

from sentune.left_out import not_there
from sentune.old_paths import install


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
