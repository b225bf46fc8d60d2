"""The BERT encoder (Devlin et al. 2018) over packs: one definition for training and inference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sentune.errors import ModelError, UnsupportedModelError
from sentune.model.attention import attend
from sentune.model.dropout import dropout
from sentune.model.pack import Pack

__all__ = ["Bert", "BertConfig"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


@dataclass(frozen=True, slots=True)
class BertConfig:
    """The part of a Hugging Face BERT ``config.json`` that the encoder computes with."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str) -> BertConfig:
        """Read the content of a ``config.json``.

        Raises:
            UnsupportedModelError: another architecture, activation or kind of position.
            ModelError: a size is missing, or a value is out of its range.
        """
        _require_bert(values, source)
        optional = {name for name in (*_FRACTIONS, "type_vocab_size") if name in values}
        given: dict[str, Any] = {
            **{name: _size(values, name, source) for name in (*_SIZES, *optional - _FRACTIONS)},
            **{name: _fraction(values, name, source) for name in optional & _FRACTIONS},
        }
        config = cls(**given, hidden_act=values.get("hidden_act", "gelu"))
        if config.hidden_size % config.num_attention_heads:
            raise ModelError(
                f"{source}: hidden_size {config.hidden_size}",
                expected=f"a multiple of num_attention_heads {config.num_attention_heads}",
                fix="copy config.json again from where the model came from",
            )
        return config


_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_FRACTIONS = {"layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob"}
_GREATEST_SIZE = 10**8  # the product of two is still a number of bytes


def _require_bert(values: dict[str, Any], source: str) -> None:
    named = values.get("architectures")
    architecture = values.get("model_type") or (named or "unnamed")
    if architecture != "bert" or values.get("is_decoder"):
        raise UnsupportedModelError(
            f"{source} describes the architecture {architecture!r}",
            expected="model_type 'bert', as in MiniLM, bge, e5, gte and arctic-embed (English)",
            fix="choose a BERT-type base model",
        )
    position = values.get("position_embedding_type", "absolute")
    activation = values.get("hidden_act", "gelu")
    if position != "absolute" or activation not in list(_ACTIVATIONS):
        raise UnsupportedModelError(
            f"{source} has position_embedding_type {position!r} and hidden_act {activation!r}",
            expected=f"'absolute' positions and an activation of {', '.join(_ACTIVATIONS)}",
            fix="choose another base model",
        )


def _size(values: dict[str, Any], name: str, source: str) -> int:
    value = values.get(name)
    if type(value) is not int or not 1 <= value <= _GREATEST_SIZE:
        raise _out_of_range(name, value, source, "a positive whole number")
    return value


def _fraction(values: dict[str, Any], name: str, source: str) -> float:
    value = values[name]
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise _out_of_range(name, value, source, "a number from 0 to below 1")
    return float(value)


def _out_of_range(name: str, value: object, source: str, expected: str) -> ModelError:
    return ModelError(
        f"{source}: {name} is {value!r}",
        expected=expected,
        fix="copy config.json again from where the model came from",
    )


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
    """Word, position and segment vectors, added and normalized. Every text is segment 0."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.hidden_dropout = config.hidden_dropout_prob
        self.noise_alpha = 0.0

    def forward(self, pack: Pack) -> Tensor:
        """Pack → (tokens, hidden) in the format of the weights."""
        words = self.word(pack.token_ids)
        if self.training and self.noise_alpha:
            words = words + self._noise(pack, words)
        x = words + self.position(pack.positions) + self.token_type.weight[0]
        normed: Tensor = self.norm(x)
        return _drop(normed, self.hidden_dropout, self.training)

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

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.heads = config.num_attention_heads
        self.hidden_dropout = config.hidden_dropout_prob
        self.attention_dropout = config.attention_probs_dropout_prob
        self.activation = _ACTIVATIONS[config.hidden_act]
        self.qkv = Linear(hidden, 3 * hidden)
        self.attention_output = Linear(hidden, hidden)
        self.attention_norm = LayerNorm(hidden, config.layer_norm_eps)
        self.up = Linear(hidden, config.intermediate_size)
        self.down = Linear(config.intermediate_size, hidden)
        self.output_norm = LayerNorm(hidden, config.layer_norm_eps)

    def forward(self, x: Tensor, pack: Pack) -> Tensor:
        """(tokens, hidden) → (tokens, hidden)."""
        dropout = self.attention_dropout if self.training else 0.0
        mixed = self.attention_output(attend(self.qkv(x), pack, self.heads, dropout))
        x = self.attention_norm(x + _drop(mixed, self.hidden_dropout, self.training))
        changed = self.down(self.activation(self.up(x)))
        normed: Tensor = self.output_norm(x + _drop(changed, self.hidden_dropout, self.training))
        return normed


class Bert(nn.Module):
    """The encoder.

    Attributes:
        config: its sizes.
        unused: weights of the model file that the encoder does not compute with (BERT's pooler),
            kept so that a saved folder has everything that the loaded one had.
        recompute_every: in training, forget the activations of every n-th layer and compute them
            again for the gradient: less memory, up to a third more time; never when 0.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.unused: dict[str, Tensor] = {}
        self.recompute_every = 0

    def forward(self, pack: Pack, dtype: torch.dtype | None = None) -> Tensor:
        """Pack → token vectors (tokens, hidden) in ``dtype`` (default: that of the weights)."""
        x: Tensor = self.embeddings(pack)
        if dtype is not None:
            x = x.to(dtype)
        for number, layer in enumerate(self.layers):
            if self.recompute_every and self.training and number % self.recompute_every == 0:
                changed: Tensor = checkpoint(layer, x, pack, use_reentrant=False)
            else:
                changed = layer(x, pack)
            x = changed
        return x

    def set_dropout(self, probability: float) -> None:
        """Use one dropout probability throughout instead of the configuration's."""
        for module in self.modules():
            if isinstance(module, Embeddings | Layer):
                module.hidden_dropout = probability
            if isinstance(module, Layer):
                module.attention_dropout = probability


def _drop(x: Tensor, probability: float, training: bool) -> Tensor:
    return dropout(x, probability) if training and probability else x
