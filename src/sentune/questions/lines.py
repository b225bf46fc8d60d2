"""Rows as lines of JSON that any reader takes."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["json_line"]


def json_line(row: Any) -> bytes:
    """A row as one line. Numbers that are not finite become null; dates and the like, texts.

    >>> json_line({"page": float("nan"), "text": "é"})
    b'{"page": null, "text": "\\xc3\\xa9"}\\n'
    """
    plain = _finite(row)
    line = json.dumps(plain, ensure_ascii=False, allow_nan=False, default=str)
    try:
        return line.encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair stays escaped, as it was
        return json.dumps(plain, allow_nan=False, default=str).encode("ascii") + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
