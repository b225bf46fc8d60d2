"""The encoder on padded batches, for runtimes without packs.

A padded batch is a pack of one run whose texts all have the length of the longest. Attention must
then not see the padding, nor what the architecture hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.encoding.embedder import Embedder
from sentune.encoding.stages.own import OwnStages
from sentune.errors import UnsupportedModelError
from sentune.network.config import AttentionKind
from sentune.network.pack import Pack, Run
from sentune.network.positions import PositionInputs, position_inputs

__all__ = ["PaddedEncoder"]

_HIDDEN = torch.finfo(torch.float32).min  # finite: in a row of padding, all scores have it

PoolingFunction = Callable[[Tensor, Tensor], Tensor]


def _weighted_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    weights = torch.arange(1, tokens.shape[1] + 1).view(1, -1, 1) * mask
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1)


def _last(tokens: Tensor, mask: Tensor) -> Tensor:
    after_pooling = F.pad(mask[:, 1:], (0, 0, 0, 1))
    return (tokens * (mask - after_pooling)).sum(dim=1)


# Each takes (texts, length, hidden) and a mask (texts, length, 1) of ones before the padding.
_MODES: dict[str, PoolingFunction] = {
    "cls": lambda tokens, _: tokens[:, 0],
    "max": lambda tokens, mask: (tokens + (1 - mask) * _HIDDEN).amax(dim=1),
    "mean": lambda tokens, mask: (tokens * mask).sum(dim=1) / mask.sum(dim=1),
    "mean_sqrt_len_tokens": lambda tokens, mask: (
        (tokens * mask).sum(dim=1) / mask.sum(dim=1).sqrt()
    ),
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}


class PaddedEncoder(nn.Module):
    """Computes a model's vectors from padded batches, in the number format of its weights.

    Raises UnsupportedModelError if the model leaves prompts out of its pooling: a graph does not
    know where they end.
    """

    def __init__(self, model: Embedder) -> None:
        super().__init__()
        if isinstance(model.pooling, OwnStages):
            raise UnsupportedModelError(
                f"the model has {model.pooling.own_names}",
                expected="a model of stages of sentune.models",
                fix="use it with sentune in the program that has the class",
            )
        if not model.pooling.include_prompt:
            raise UnsupportedModelError(
                "the model leaves prompts out of its pooling",
                expected="a model that pools all tokens",
                fix="use it with sentune, which knows where its prompts end",
            )
        self.encoder = model.encoder
        self.after_pooling, self._dimension = model.after_pooling, model.truncate_dim
        self._pool = [_MODES[mode] for mode in model.pooling.modes]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Compute vectors from token ids and a mask: int64 (texts, length), padding last.

        Returns:
            Token vectors (texts, length, hidden), arbitrary where the mask is 0, and text vectors
            (texts, dim).
        """
        texts, length = input_ids.shape
        positions = torch.arange(length).unsqueeze(0).expand(texts, length)
        pack = Pack(
            input_ids.reshape(-1), positions.reshape(-1), (Run(texts, length),), torch.arange(texts)
        )
        tokens = self._encode(pack, attention_mask).view(texts, length, -1)
        mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
        vectors = torch.cat([pool(tokens, mask) for pool in self._pool], dim=1)
        vectors = self.after_pooling(vectors)
        return tokens, vectors[:, : self._dimension]

    def _encode(self, pack: Pack, attention_mask: Tensor) -> Tensor:
        encoder = self.encoder
        x: Tensor = encoder.embeddings(pack)
        hidden = (1 - attention_mask[:, None, None, :].to(x.dtype)) * _HIDDEN
        kinds = dict.fromkeys(encoder.config.attention_kinds)
        seen = {kind: self._positions(kind, pack, hidden) for kind in kinds}
        for number, layer in enumerate(encoder.in_order(list(encoder.layers))):
            x = layer(x, pack, seen[encoder.config.attention_kind(number)])
        return x if encoder.final_norm is None else encoder.final_norm(x)

    def _positions(self, kind: AttentionKind, pack: Pack, hidden: Tensor) -> PositionInputs:
        """For layers of a kind, whatever the length: a graph asks for none."""
        encoder = self.encoder
        size = encoder.config.hidden_size // encoder.config.num_attention_heads
        inputs = position_inputs(replace(kind, window=None), pack, size, hidden.dtype, None)
        positions = torch.arange(pack.runs[0].length)
        distances = positions - positions.unsqueeze(1)  # from row to column
        if kind.window is not None:
            far = (distances.abs() > kind.window).to(hidden.dtype)
            hidden = (hidden + far * _HIDDEN).clamp(min=_HIDDEN)
        elif encoder.relative_bias is not None:
            relative = encoder.relative_bias
            hidden = hidden + relative.weight.detach()[relative.buckets(distances)].permute(2, 0, 1)
        return replace(inputs, biases=[hidden])
