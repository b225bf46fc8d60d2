"""NanoBEIR, which lies on a hub and is not fetched."""

from __future__ import annotations

from typing import Any, NoReturn

from sentune.errors import ArgumentError

__all__ = ["NanoBEIREvaluator"]


class NanoBEIREvaluator:
    """Not supported: constructing it raises ArgumentError.

    Its data sets lie on the Hugging Face hub, and sentune fetches models only.
    """

    def __new__(cls, *_: Any, **__: Any) -> NoReturn:
        """Raises ArgumentError."""
        raise ArgumentError(
            "NanoBEIREvaluator, whose data sets lie on a hub that sentune does not fetch data from",
            expected="queries, passages and relevant passages from your files",
            fix="download a data set and use InformationRetrievalEvaluator",
        )
