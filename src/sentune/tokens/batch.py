"""What a tokenizer that is called as those of transformers are returns: named lists or tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers

from sentune.checks import require_choice
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    import torch

__all__ = ["TokenBatch"]

_TENSORS = ("pt", "np")


class TokenBatch(dict[str, Any]):
    """``input_ids``, ``attention_mask`` and so on, as items and as attributes.

    Attributes:
        encodings: what the ``tokenizers`` library returned for each text.
    """

    encodings: list[tokenizers.Encoding]

    @classmethod
    def of(
        cls,
        parts: Mapping[str, list[Any]],
        encodings: Sequence[tokenizers.Encoding],
        return_tensors: str | None,
        *,
        single: bool,
    ) -> TokenBatch:
        """Rows of each part as lists, or as the tensors asked for. Raises ArgumentError."""
        if return_tensors is None:
            whole = ("length",)
            rows = {n: p[0] if single and n not in whole else p for n, p in parts.items()}
            batch = cls(rows)
        else:
            kind = getattr(return_tensors, "value", return_tensors)
            kind = require_choice("return_tensors", kind, _TENSORS)
            batch = cls({name: _tensor(part, kind) for name, part in parts.items()})
        batch.encodings = list(encodings)
        return batch

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to(self, device: str | torch.device, **options: Any) -> TokenBatch:
        """Move the tensors, in place."""
        for name, value in self.items():
            if hasattr(value, "to"):
                self[name] = value.to(device, **options)
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of a text."""
        return list(self.encodings[batch_index].tokens)

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """The word that each token of a text belongs to; None for special tokens."""
        return list(self.encodings[batch_index].word_ids)


def _tensor(rows: list[Any], kind: str) -> Any:
    if len({len(row) for row in rows if isinstance(row, list)}) > 1:
        raise ArgumentError(
            "texts of different lengths for one tensor",
            expected="rows of equal length",
            fix="pass padding=True, and truncation=True for long texts",
        )
    array = np.asarray(rows, dtype=np.int64)
    if kind == "np":
        return array
    import torch  # most who read a tokenizer need no PyTorch

    return torch.from_numpy(array)
