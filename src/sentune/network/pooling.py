"""Token vectors → one vector per text.

Each mode reduces a run of equally long texts over its token axis in one call. So the order of the
additions in a text depends on its length alone, not on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.checks import require_whole
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
        embedding_dimension: width of a token vector.
        pooling_mode: a name from ``POOLING_MODES``, or several in the order of their results.
        include_prompt: whether the tokens of a prompt are pooled too.
        word_embedding_dimension: the older name of ``embedding_dimension``.
        flags: the older way to name modes, ``pooling_mode_cls_token=True``; they count where no
            ``pooling_mode`` is given.

    Raises:
        ArgumentError: no width, no mode, or an unknown one.
    """

    def __init__(
        self,
        embedding_dimension: int | None = None,
        pooling_mode: str | Sequence[str] | None = None,
        include_prompt: bool = True,
        *,
        word_embedding_dimension: int | None = None,
        **flags: bool,
    ) -> None:
        super().__init__()
        width = word_embedding_dimension if embedding_dimension is None else embedding_dimension
        self.hidden_size = require_whole("embedding_dimension", width)
        self.modes = _modes(pooling_mode, flags)
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

    # ── what scripts read ─────────────────────────────────────────────────────────────────────

    @property
    def pooling_mode(self) -> str | tuple[str, ...]:
        """The mode, or the modes where there are several."""
        return self.modes if len(self.modes) > 1 else self.modes[0]

    @property
    def embedding_dimension(self) -> int:
        """Width of a token vector."""
        return self.hidden_size

    word_embedding_dimension = embedding_dimension

    def get_embedding_dimension(self) -> int:
        """Width of the pooled vector."""
        return self.output_dimension

    get_sentence_embedding_dimension = get_embedding_dimension

    @property
    def pooling_output_dimension(self) -> int:
        """Width of the pooled vector."""
        return self.output_dimension

    def get_pooling_mode_str(self) -> str:
        """The modes, joined by ``+``."""
        return "+".join(self.modes)

    def get_config_dict(self) -> dict[str, Any]:
        """``describe`` under the reference's name."""
        return self.describe()

    def __getattr__(self, name: str) -> Any:
        """``pooling_mode_mean_tokens`` and the like: whether the mode is used."""
        mode = next((mode for mode, flag in POOLING_FLAGS.items() if flag == name), None)
        return super().__getattr__(name) if mode is None else mode in self.modes

    def __repr__(self) -> str:
        return f"Pooling({self.describe()})"


def _modes(given: str | Sequence[str] | None, flags: Mapping[str, bool]) -> tuple[str, ...]:
    unknown = sorted(flags.keys() - POOLING_FLAGS.values())
    flagged = [mode for mode in POOLING_MODES if flags.get(POOLING_FLAGS[mode])]
    modes = [given] if isinstance(given, str) else given
    modes = (flagged or ["mean"]) if modes is None else modes
    if unknown or not modes or any(mode not in _MODES for mode in modes):
        raise ArgumentError(
            f"pooling modes {[*modes, *unknown]}",
            expected=f"some of {', '.join(POOLING_MODES)}",
            fix="correct the pooling configuration",
        )
    return tuple(modes)
