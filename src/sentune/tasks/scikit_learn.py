"""scikit-learn and SciPy: imported only when they are used, and without their warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from sentune.errors import MissingExtraError

__all__ = ["import_extra", "quiet"]


def import_extra(module: str) -> Any:
    """A module of the extra ``tasks``, such as ``sklearn.cluster``. Raises MissingExtraError."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A package that is installed but broken keeps its error.
        if (error.name or "").partition(".")[0] not in ("sklearn", "scipy"):
            raise
        raise MissingExtraError("scikit-learn", "tasks") from None


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings in the block: they are about settings that the user did not choose."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
