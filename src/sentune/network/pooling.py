"""Token vectors → one vector per text.

Each mode reduces a run of equally long texts over its token axis in one call. So the order of the
additions in a text depends on its length alone, not on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.network.names import POOLING_FLAGS, POOLING_MODES
from sentune.network.pack import Pack, joined

__all__ = ["Pooling"]


def _weighted_mean(tokens: Tensor, first: int) -> Tensor:
    weights = torch.arange(first + 1, first + 1 + tokens.shape[1], device=tokens.device)
    weights = weights.to(tokens.dtype).view(1, -1, 1)
    return (tokens * weights).sum(dim=1) / weights.sum()


# Arguments: the tokens to pool, (texts, length, hidden), and the position of the first of them.
_MODES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "cls": lambda tokens, _: tokens[:, 0],
    "max": lambda tokens, _: tokens.amax(dim=1),
    "mean": lambda tokens, _: tokens.sum(dim=1) / tokens.shape[1],
    "mean_sqrt_len_tokens": lambda tokens, _: tokens.sum(dim=1) / tokens.shape[1] ** 0.5,
    "weightedmean": _weighted_mean,
    "lasttoken": lambda tokens, _: tokens[:, -1],
}


class Pooling(nn.Module):
    """One vector per text; the results of several modes are concatenated.

    Args:
        hidden_size: width of a token vector.
        modes: names from ``POOLING_MODES``, in the order of their results.
        include_prompt: whether the tokens of a prompt are pooled too.

    Raises:
        ArgumentError: no mode, or an unknown one.
    """

    def __init__(
        self, hidden_size: int, modes: Sequence[str] = ("mean",), *, include_prompt: bool = True
    ) -> None:
        super().__init__()
        unknown = [mode for mode in modes if mode not in _MODES]
        if unknown or not modes:
            raise ArgumentError(
                f"pooling modes {list(modes)}",
                expected=f"some of {', '.join(POOLING_MODES)}",
                fix="correct the pooling configuration",
            )
        self.hidden_size = hidden_size
        self.modes = tuple(modes)
        self.include_prompt = include_prompt

    @property
    def output_dimension(self) -> int:
        """Width of the pooled vector."""
        return self.hidden_size * len(self.modes)

    def forward(self, tokens: Tensor, pack: Pack, prompt_length: int = 0) -> Tensor:
        """(tokens, hidden) → (texts, output_dimension), in the order in which texts were given.

        Sums are in float32 (float64 for float64 input). With ``include_prompt=False`` the first
        ``prompt_length`` tokens of each text are left out; a text without others gives zeros.
        """
        first = 0 if self.include_prompt else prompt_length
        exact = torch.promote_types(tokens.dtype, torch.float32)
        pooled = []
        for block in pack.blocks(tokens):
            kept = block[:, first:].to(exact)
            if kept.shape[1]:
                pooled.append(joined([_MODES[mode](kept, first) for mode in self.modes], dim=1))
            else:
                pooled.append(kept.new_zeros(len(kept), self.output_dimension))
        return pack.restore(joined(pooled))

    def describe(self) -> dict[str, Any]:
        """The configuration in the keys of the 3.1 layout and of published model cards."""
        return {
            "word_embedding_dimension": self.hidden_size,
            **{key: mode in self.modes for mode, key in POOLING_FLAGS.items()},
            "include_prompt": self.include_prompt,
        }
