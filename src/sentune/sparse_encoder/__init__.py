"""The reference has sparse vectors here; sentune does not, and says so where a name is used."""

from __future__ import annotations

import sys

from sentune.left_out import not_there
from sentune.old_paths import install


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


# Its modules have only such names too.
for _part in ("losses", "evaluation", "models", "trainer", "training_args", "model_card"):
    globals()[_part] = sys.modules[f"{__name__}.{_part}"] = sys.modules[__name__]


install()
