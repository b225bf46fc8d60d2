"""The encoder over packs: one definition for all architectures, for training and inference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sentune.network.attention import attend, attend_first, first_rows
from sentune.network.config import AttentionKind, EncoderConfig
from sentune.network.dropout import dropout
from sentune.network.linear import ACTIVATIONS, Function, Linear, Product
from sentune.network.pack import Pack
from sentune.network.positions import PositionInputs, RelativeBias, position_inputs, rotate
from sentune.network.private_torch import has_global_hooks, has_hooks

__all__ = ["Encoder"]

_PREPARING = threading.Lock()


class Embedding(nn.Embedding):
    """A table of vectors, one for each id."""

    def reset_parameters(self) -> None:
        """Skipped on the meta device: initializing there makes PyTorch import its compiler."""
        if not self.weight.is_meta:
            super().reset_parameters()


class LayerNorm(nn.LayerNorm):
    """Layer normalization with float32 weights over input of any floating format."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape and format as ``x``."""
        if x.is_cpu or x.dtype == self.weight.dtype:
            return torch.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return super().forward(x.to(self.weight.dtype)).to(x.dtype)  # mixed formats: CPU only


class Embeddings(nn.Module):
    """Word, position and segment vectors, added and normalized.

    Attributes:
        position: None where positions are angles.
        token_type: None where the architecture has no segments.
        project: None where the tables have the width of the layers. It computes in float32.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.embedding_size or config.hidden_size
        self.word = Embedding(config.vocab_size, width)
        positions = 0 if config.rotary else config.max_position_embeddings
        self.position = Embedding(positions, width) if positions else None
        segments = config.type_vocab_size
        self.token_type = Embedding(segments, width) if segments else None
        self.norm = LayerNorm(width, config.layer_norm_eps, bias=config.norm_bias)
        projected = config.embedding_size > 0
        self.project = nn.Linear(width, config.hidden_size) if projected else None
        self.dropouts = _dropouts(config, "embeddings")
        self.noise_alpha = 0.0
        self._padding_id = config.padding_id

    def forward(self, pack: Pack) -> Tensor:
        """Pack → (tokens, hidden) in the format of the weights."""
        words = self.word(pack.token_ids)
        if self.training and self.noise_alpha:
            words = words + self._noise(pack, words)
        x = words if self.position is None else words + self.position(self._positions(pack))
        if self.token_type is not None:
            x = x + self._segments(pack, self.token_type)
        normed: Tensor = self.norm(x)
        dropped = _drop(normed, "embeddings", self)
        return dropped if self.project is None else self.project(dropped)

    def _segments(self, pack: Pack, table: Embedding) -> Tensor:
        """The vectors of the segments: (tokens, hidden), or (hidden,) where all are segment 0."""
        rows: Tensor = table.weight[0] if pack.segments is None else table(pack.segments)
        return rows

    def _positions(self, pack: Pack) -> Tensor:
        """Rows of the position table, (tokens,)."""
        if self._padding_id is None:
            return pack.positions
        # A text can contain the padding token: its position is its id, and it is not counted.
        counted = (pack.token_ids != self._padding_id).long()
        before = counted.cumsum(0) - counted
        starts = torch.arange(before.shape[0], device=before.device) - pack.positions
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


class _Computation:
    """The computation of a layer: attention and a two-layer perceptron, each with a residual.

    The parts are modules in a :class:`Layer`, and plain functions in a :class:`_Prepared` one.
    """

    heads: int
    norm_first: bool
    training: bool
    dropouts: dict[str, float]
    gate: Function | None
    activated_last: bool
    qkv: Function
    attention_output: Product
    attention_norm: Function
    up: Function
    down: Product
    output_norm: Function

    def forward(self, x: Tensor, pack: Pack, inputs: PositionInputs) -> Tensor:
        """(tokens, hidden) → (tokens, hidden)."""
        if self.norm_first:
            x = self._attention(self.attention_norm(x), x, pack, inputs)
            return self._perceptron(self.output_norm(x), x)
        x = self.attention_norm(self._attention(x, x, pack, inputs))
        return self.output_norm(self._perceptron(x, x))

    def first(self, x: Tensor, pack: Pack, inputs: PositionInputs) -> Tensor:
        """(tokens, hidden) → (texts, hidden): the first token of each text, in the pack's order.

        For the last layer of a model that uses no other token; without dropout.
        """
        qkv = self.qkv(self.attention_norm(x) if self.norm_first else x)
        if inputs.rotation is not None:
            qkv = rotate(qkv, self.heads, inputs.rotation)
        mixed = attend_first(qkv, pack, self.heads, inputs.biases)
        x = self._added(first_rows(x, pack), self.attention_output, mixed, "attention_output")
        if self.norm_first:
            return self._perceptron(self.output_norm(x), x)
        x = self.attention_norm(x)
        return self.output_norm(self._perceptron(x, x))

    def _attention(self, x: Tensor, residual: Tensor, pack: Pack, inputs: PositionInputs) -> Tensor:
        dropped = self.dropouts.get("attention", 0.0) if self.training else 0.0
        qkv = self.qkv(x)
        if inputs.rotation is not None:
            qkv = rotate(qkv, self.heads, inputs.rotation)
        mixed = attend(qkv, pack, self.heads, dropped, inputs.biases)
        return self._added(residual, self.attention_output, mixed, "attention_output")

    def _perceptron(self, x: Tensor, residual: Tensor) -> Tensor:
        if self.gate is None:
            inner = self.up(x)
        else:
            first, second = self.up(x).chunk(2, dim=-1)
            if self.activated_last:
                first, second = second, first
            inner = self.gate(first) * second
        return self._added(residual, self.down, _drop(inner, "inner", self), "output")

    def _added(self, residual: Tensor, linear: Product, x: Tensor, dropout: str) -> Tensor:
        return residual + _drop(linear(x), dropout, self)


class Layer(_Computation, nn.Module):
    """A layer with weights, for training and for inference.

    Inference uses :class:`_Prepared`: calling modules would take a quarter of a short text's time.
    """

    up: Linear
    down: Linear

    def __init__(self, config: EncoderConfig, number: int) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.heads, self.norm_first = config.num_attention_heads, config.norm_first
        self.dropouts = _dropouts(config, "attention", "attention_output", "inner", "output")
        self.qkv = Linear(hidden, 3 * hidden, config.attention_bias)
        self.attention_output = Linear(hidden, hidden, config.attention_bias)
        # The input of the first layer is normalized already.
        normed = config.norm_first and number == 0
        self.attention_norm = nn.Identity() if normed else _norm(config)
        self.gate = ACTIVATIONS[config.hidden_act] if config.gated else None
        self.activated_last = config.activated_last
        if config.gated:
            self.up = Linear(hidden, 2 * inner, config.up_bias)
        else:
            self.up = Linear(hidden, inner, config.up_bias, config.hidden_act)
        self.down = Linear(inner, hidden, config.down_bias)
        self.output_norm = _norm(config)

    def _perceptron(self, x: Tensor, residual: Tensor) -> Tensor:
        within = self.training and self.dropouts.get("inner")
        ours = isinstance(self.up, Linear) and isinstance(self.down, Linear)  # not wrapped
        if self.gate is not None or within or not ours or not torch.is_grad_enabled():
            return super()._perceptron(x, residual)
        return residual + _drop(self.up.then(self.down, x), "output", self)

    def linears(self) -> tuple[Linear, ...]:
        """qkv, attention_output, up and down."""
        parts = self._modules
        return parts["qkv"], parts["attention_output"], parts["up"], parts["down"]  # type: ignore[return-value]


class _Prepared(_Computation):
    """The computation of a layer for inputs of one format, with the weights of this moment."""

    __call__ = _Computation.forward

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        self.training, self.dropouts = False, {}
        self.heads, self.norm_first, self.gate = layer.heads, layer.norm_first, layer.gate
        self.activated_last = layer.activated_last
        self.attention_norm, self.output_norm = layer.attention_norm, layer.output_norm
        products = [linear.product(dtype, keep=True) for linear in layer.linears()]
        self.qkv, self.attention_output, self.up, self.down = products

    def _added(self, residual: Tensor, linear: Product, x: Tensor, dropout: str) -> Tensor:
        del dropout  # there is none without training
        summed: Tensor = linear(x, residual)
        return summed


class Encoder(nn.Module):
    """The encoder.

    Attributes:
        config: its sizes.
        layers: those with weights of their own; ``in_order`` has each as often as it is computed.
        unused: weights of the model file that the encoder does not compute with (BERT's pooler);
            a saved folder has them again.
        recompute_every: in training, compute the activations of every n-th layer again for the
            gradient: less memory, up to a third more time. Never when 0.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config, n) for n in range(config.distinct_layers))
        self.final_norm = _norm(config) if config.norm_first else None
        buckets, heads = config.relative_buckets, config.num_attention_heads
        self.relative_bias = RelativeBias(buckets, heads) if buckets else None
        self.unused: dict[str, Tensor] = {}
        self.recompute_every = 0
        self._ready: tuple[list[object], list[_Prepared], object] | None = None

    def forward(self, pack: Pack, dtype: torch.dtype | None = None) -> Tensor:
        """Pack → token vectors (tokens, hidden) in ``dtype`` (default: that of the weights)."""
        tokens = len(pack.token_ids)
        if pack.token_ids.is_cpu:
            pack = pack.rounded()
        x, layers, inputs = self._begun(pack, dtype)
        for number, layer in enumerate(layers):
            of_layer = inputs[self.config.attention_kind(number)]
            if self.recompute_every and self.training and number % self.recompute_every == 0:
                changed: Tensor = checkpoint(layer, x, pack, of_layer, use_reentrant=False)
            else:
                changed = layer(x, pack, of_layer)
            x = changed
        return (x if self.final_norm is None else self.final_norm(x))[:tokens]

    def first_tokens(self, pack: Pack, dtype: torch.dtype | None = None) -> Tensor | None:
        """Pack → the vector of each text's first token, (texts, hidden), in the order given.

        As ``forward``, but the last layer computes no other token. None where modules must be
        called (in training, with hooks): there ``forward`` is the way.
        """
        texts = len(pack.index_in_pack)
        if pack.token_ids.is_cpu:
            pack = pack.rounded()
        x, layers, inputs = self._begun(pack, dtype)
        if not layers or not isinstance(layers[-1], _Prepared):
            return None
        for number, layer in enumerate(layers[:-1]):
            x = layer(x, pack, inputs[self.config.attention_kind(number)])
        x = layers[-1].first(x, pack, inputs[self.config.attention_kind(len(layers) - 1)])
        x = x if self.final_norm is None else self.final_norm(x)
        return pack.restore(x[:texts])

    def _begun(
        self, pack: Pack, dtype: torch.dtype | None
    ) -> tuple[Tensor, Sequence[Callable[..., Tensor]], dict[AttentionKind, PositionInputs]]:
        """The embeddings in ``dtype``, the layers to call, and their positional inputs."""
        x: Tensor = self.embeddings(pack)
        if dtype is not None:
            x = x.to(dtype)
        return x, self._layers_for(x.dtype), self._inputs(pack, x.dtype)

    def _layers_for(self, dtype: torch.dtype) -> Sequence[Callable[..., Tensor]]:
        """The layers to call: prepared ones, kept as long as the weights are the same."""
        layers: list[Layer] = list(self.layers._modules.values())  # type: ignore[arg-type]
        states = None if torch.is_grad_enabled() else self._states(layers, dtype)
        if states is None:
            self._ready = None
            return self.in_order(layers)
        with _PREPARING:  # threads share the encoder, and each copy is as large as the layers
            ready = self._ready
            if ready is None or ready[0] != states:
                # Held, so that no other weights get their addresses, by which they are compared.
                held = [each.detach() for each in self.layers.parameters()]
                prepared = [_Prepared(layer, dtype) for layer in layers]
                self._ready = ready = (states, self.in_order(prepared), held)
            return ready[1]

    def in_order(self, layers: list[Any]) -> list[Any]:
        """The distinct layers → all layers, as a text passes through them."""
        if not self.config.layer_groups:
            return layers
        return [layers[self.config.weights_of(n)] for n in range(self.config.num_hidden_layers)]

    def _states(self, layers: list[Layer], dtype: torch.dtype) -> list[object] | None:
        """Equal as long as prepared layers compute the same; None where modules must be called."""
        if has_global_hooks() or torch.is_autocast_enabled("cpu"):
            return None
        states: list[object] = [dtype]
        for layer in layers:
            linears = layer.linears()
            wrapped = any(type(part) is not Linear for part in linears)
            if wrapped or layer.training or has_hooks(layer):
                return None
            states += (linear.state() for linear in linears)
            states += (layer._modules["attention_norm"], layer._modules["output_norm"])
        return None if None in states else states

    def train(self, mode: bool = True) -> Encoder:
        """As for any module; prepared layers are dropped."""
        self._ready = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, object]:
        """Without prepared layers, whose memory layout only this process can read."""
        return {**self.__dict__, "_ready": None}

    def _inputs(self, pack: Pack, dtype: torch.dtype) -> dict[AttentionKind, PositionInputs]:
        learned = None if self.relative_bias is None else self.relative_bias(pack, dtype)
        size = self.config.hidden_size // self.config.num_attention_heads
        kinds = dict.fromkeys(self.config.attention_kinds)
        return {kind: position_inputs(kind, pack, size, dtype, learned) for kind in kinds}

    def set_dropout(self, probability: float) -> None:
        """Use this probability, not the configuration's, wherever the architecture has dropout."""
        for module in self.modules():
            if isinstance(module, Embeddings | Layer):
                module.dropouts = dict.fromkeys(module.dropouts, probability)


def _norm(config: EncoderConfig) -> LayerNorm:
    return LayerNorm(config.hidden_size, config.layer_norm_eps, bias=config.norm_bias)


def _dropouts(config: EncoderConfig, *names: str) -> dict[str, float]:
    return {name: config.dropout[name] for name in names if name in config.dropout}


def _drop(x: Tensor, name: str, module: Embeddings | _Computation) -> Tensor:
    probability = module.dropouts.get(name) if module.training else None
    return dropout(x, probability) if probability else x
