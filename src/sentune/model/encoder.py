"""The encoder over packs: one definition for all architectures, for training and inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sentune.model.attention import Biases, attend
from sentune.model.config import ACTIVATIONS, EncoderConfig
from sentune.model.dropout import dropout
from sentune.model.pack import Pack
from sentune.model.positions import RelativeBias

__all__ = ["Encoder"]


class Linear(nn.Linear):
    """A linear layer whose float32 weights are cast to the format of its input.

    In training the cast is part of the graph, so that gradients arrive in float32. Otherwise the
    cast copy is kept until the weights change. A version counter shows most changes, but a fused
    optimizer steps without touching it; so a pass with gradients drops the copy, and none is kept
    while a gradient waits to be applied. (Writing through ``weight.data`` is not seen.)
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self._cast: tuple[tuple[int, ...], Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) → (…, outputs)."""
        if x.dtype == self.weight.dtype:
            return F.linear(x, self.weight, self.bias)
        if torch.is_grad_enabled() or self._may_change_unseen():
            self._cast = None
            return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))
        return F.linear(x, *self._cast_weights(x.dtype))

    def _may_change_unseen(self) -> bool:
        pending = self.weight.grad is not None or self.bias.grad is not None
        return pending or self.weight.is_inference()  # inference tensors have no version

    def _cast_weights(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        state = (
            *(self.weight._version, self.bias._version),
            *(self.weight.data_ptr(), self.bias.data_ptr()),
        )
        cached = self._cast
        if cached is None or cached[0] != state or cached[1].dtype != dtype:
            cached = (state, self.weight.to(dtype), self.bias.to(dtype))
            self._cast = cached
        return cached[1], cached[2]


class LayerNorm(nn.LayerNorm):
    """Layer normalization with float32 weights over input of any floating format."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape and format as ``x``."""
        if x.is_cpu or x.dtype == self.weight.dtype:
            return super().forward(x)
        return super().forward(x.to(self.weight.dtype)).to(x.dtype)  # mixed formats: CPU only


class Embeddings(nn.Module):
    """Word, position and segment vectors, added and normalized. Every text is segment 0.

    Attributes:
        token_type: None where the architecture has no segments.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        segments = config.type_vocab_size
        self.token_type = nn.Embedding(segments, config.hidden_size) if segments else None
        self.norm = LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropouts = _at(config, "embeddings")
        self.noise_alpha = 0.0
        self._padding_id = config.padding_id

    def forward(self, pack: Pack) -> Tensor:
        """Pack → (tokens, hidden) in the format of the weights."""
        words = self.word(pack.token_ids)
        if self.training and self.noise_alpha:
            words = words + self._noise(pack, words)
        x = words + self.position(self._positions(pack))
        if self.token_type is not None:
            x = x + self.token_type.weight[0]
        normed: Tensor = self.norm(x)
        return _drop(normed, "embeddings", self)

    def _positions(self, pack: Pack) -> Tensor:
        """Rows of the position table, (tokens,)."""
        if self._padding_id is None:
            return pack.positions
        # A text can spell the padding token. It then stands at its own number, and is not counted.
        counted = (pack.token_ids != self._padding_id).long()
        before = counted.cumsum(0) - counted
        starts = torch.arange(len(before), device=before.device) - pack.positions
        return (before - before[starts] + 1) * counted + self._padding_id

    def _noise(self, pack: Pack, words: Tensor) -> Tensor:
        """Uniform noise of magnitude α / √(tokens of the text · hidden).

        NEFTune (Jain et al. 2023, arXiv:2310.05914).
        """
        sizes = [run.length for run in pack.runs]
        counts = [run.tokens for run in pack.runs]
        lengths = torch.repeat_interleave(torch.tensor(sizes), torch.tensor(counts))
        magnitude = self.noise_alpha / (lengths.to(words) * words.shape[1]).sqrt()
        return torch.empty_like(words).uniform_(-1, 1) * magnitude.unsqueeze(1)


class Layer(nn.Module):
    """Attention and a two-layer perceptron, each followed by residual and normalization."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.heads = config.num_attention_heads
        self.dropouts = _at(config, "attention", "attention_output", "output")
        self.activation = ACTIVATIONS[config.hidden_act]
        self.qkv = Linear(hidden, 3 * hidden)
        self.attention_output = Linear(hidden, hidden)
        self.attention_norm = LayerNorm(hidden, config.layer_norm_eps)
        self.up = Linear(hidden, config.intermediate_size)
        self.down = Linear(config.intermediate_size, hidden)
        self.output_norm = LayerNorm(hidden, config.layer_norm_eps)

    def forward(self, x: Tensor, pack: Pack, biases: Biases | None = None) -> Tensor:
        """(tokens, hidden) → (tokens, hidden)."""
        x = self.attention_norm(x + self._attention(x, pack, biases))
        normed: Tensor = self.output_norm(x + self._perceptron(x))
        return normed

    def _attention(self, x: Tensor, pack: Pack, biases: Biases | None) -> Tensor:
        dropped = self.dropouts.get("attention", 0.0) if self.training else 0.0
        mixed = attend(self.qkv(x), pack, self.heads, dropped, biases)
        return _drop(self.attention_output(mixed), "attention_output", self)

    def _perceptron(self, x: Tensor) -> Tensor:
        return _drop(self.down(self.activation(self.up(x))), "output", self)


class Encoder(nn.Module):
    """The encoder.

    Attributes:
        config: its sizes.
        unused: weights of the model file that the encoder does not compute with (BERT's pooler),
            kept so that a saved folder has everything that the loaded one had.
        recompute_every: in training, forget the activations of every n-th layer and compute them
            again for the gradient: less memory, up to a third more time; never when 0.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        buckets, heads = config.relative_buckets, config.num_attention_heads
        self.relative_bias = RelativeBias(buckets, heads) if buckets else None
        self.unused: dict[str, Tensor] = {}
        self.recompute_every = 0

    def forward(self, pack: Pack, dtype: torch.dtype | None = None) -> Tensor:
        """Pack → token vectors (tokens, hidden) in ``dtype`` (default: that of the weights)."""
        x: Tensor = self.embeddings(pack)
        if dtype is not None:
            x = x.to(dtype)
        biases = None if self.relative_bias is None else self.relative_bias(pack, x.dtype)
        for number, layer in enumerate(self.layers):
            if self.recompute_every and self.training and number % self.recompute_every == 0:
                changed: Tensor = checkpoint(layer, x, pack, biases, use_reentrant=False)
            else:
                changed = layer(x, pack, biases)
            x = changed
        return x

    def set_dropout(self, probability: float) -> None:
        """Use one probability wherever the architecture has dropout, not the configuration's."""
        for module in self.modules():
            if isinstance(module, Embeddings | Layer):
                module.dropouts = dict.fromkeys(module.dropouts, probability)


def _at(config: EncoderConfig, *places: str) -> dict[str, float]:
    return {place: config.dropout[place] for place in places if place in config.dropout}


def _drop(x: Tensor, place: str, module: Embeddings | Layer) -> Tensor:
    probability = module.dropouts.get(place) if module.training else None
    return dropout(x, probability) if probability else x
