"""Models that compute the same texts once, for tests of what is done with the vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def remember(model: Any, patch: pytest.MonkeyPatch) -> None:
    """Let ``model.encode`` answer the same arguments with a copy of its first answer."""
    encode, made = model.encode, dict[Any, Any]()

    def once(inputs: Any = None, *given: Any, **options: Any) -> Any:
        key = (isinstance(inputs, str), tuple(inputs), repr(given), repr(sorted(options.items())))
        if key not in made:
            made[key] = encode(inputs, *given, **options)
        return np.copy(made[key])

    patch.setattr(model, "encode", once)
