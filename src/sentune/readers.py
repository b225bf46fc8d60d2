"""What the reference has in ``readers``, for scripts that import it from there."""

from __future__ import annotations

from sentune.data.input_example import InputExample

__all__ = ["InputExample"]
