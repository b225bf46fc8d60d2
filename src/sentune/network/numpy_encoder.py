"""The encoder in NumPy, for a few texts in a fresh process.

Loading PyTorch takes a second and 200 MB, a short text 20 ms. So what is most common is written
once more, without packs, gradients and number formats: post-norm layers with learned positions
(BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT) and float32 weights. All else, and every
error, is left to :class:`sentune.network.encoder.Encoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from sentune.network.architectures import ARCHITECTURES
from sentune.network.config import EncoderConfig, LayerKind

__all__ = ["NumpyEncoder"]

Array = NDArray[np.float32]
_Weights = tuple[Array, Array]  # weight and bias


class NumpyEncoder:
    """Token ids → token vectors, each text by itself; use :meth:`open`.

    Memory: one layer, and the pages of the file that were read.
    """

    def __init__(self, file: Any, stored: dict[str, str], config: EncoderConfig) -> None:
        self._file = file
        self._stored = stored
        self._config = config
        self._names = ARCHITECTURES[config.model_type].names
        self._activation = _ACTIVATIONS[config.hidden_act]

    @classmethod
    def open(cls, path: Path, config: EncoderConfig) -> NumpyEncoder | None:
        """Open the weights of a model; None where Encoder is to be asked.

        That is for an architecture or activation that is not computed here, for weights in
        another number format, and for a file that is damaged or does not fit the configuration.
        """
        if not _computes(config):
            return None
        architecture = ARCHITECTURES[config.model_type]
        try:
            file: Any = safe_open(path, framework="numpy")
            names: list[str] = list(file.keys())
            if config.num_hidden_layers > len(names):  # of which no list is made
                return None
            stored = {architecture.current_name(name): name for name in names}
            left_out = (*architecture.ignored, *architecture.kept)
            used = {ours for ours in stored if not ours.startswith(left_out)}
            shapes = _shapes(config)
            same = used == shapes.keys() and len(stored) == len(names)
            if not same or any(_differs(file, stored[name], shapes[name]) for name in shapes):
                return None
            kept = (name for ours, name in stored.items() if ours.startswith(architecture.kept))
            if any("F" not in file.get_slice(name).get_dtype() for name in kept):
                return None
        except (OSError, SafetensorError):
            return None
        return cls(file, stored, config)

    def multiplications(self, tokens: int) -> int:
        """How many, about, for a text of so many tokens."""
        config = self._config
        linear = 4 * config.hidden_size + 2 * config.intermediate_size
        return config.num_hidden_layers * config.hidden_size * tokens * (linear + 2 * tokens)

    def __call__(self, texts: Sequence[Sequence[int]]) -> list[Array]:
        """Token ids of each text → (tokens, hidden) of each, with the same bits in any company."""
        states = [self._embedded(token_ids) for token_ids in texts]
        for number in range(self._config.num_hidden_layers):
            layer = {
                module: self._weights(module, number)
                for module in self._names
                if module.startswith("layers.")
            }
            states = [self._through(layer, x) for x in states]
        return states

    def _embedded(self, token_ids: Sequence[int]) -> Array:
        table = self._file.get_slice(self._stored[f"{self._names['embeddings.word']}.weight"])
        x: Array = np.concatenate([table[token : token + 1] for token in token_ids])
        positions = self._positions(np.asarray(token_ids))
        x += self._first_rows("embeddings.position", positions.max() + 1)[positions]
        if self._config.type_vocab_size:
            x += self._first_rows("embeddings.token_type", 1)
        return self._normed(x, self._weights("embeddings.norm"))

    def _positions(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        padding = self._config.padding_id
        if padding is None:
            return np.arange(len(token_ids))
        # A text can spell the padding token, which stands at its own number and is not counted.
        counted = token_ids != padding
        positions: NDArray[np.int64] = np.cumsum(counted) * counted + padding
        return positions

    def _through(self, layer: dict[str, _Weights], x: Array) -> Array:
        mixed = _linear(
            self._attention(x, layer["layers.{}.qkv"]), layer["layers.{}.attention_output"]
        )
        x = self._normed(x + mixed, layer["layers.{}.attention_norm"])
        inner = self._activation(_linear(x, layer["layers.{}.up"]))
        return self._normed(
            x + _linear(inner, layer["layers.{}.down"]), layer["layers.{}.output_norm"]
        )

    def _attention(self, x: Array, qkv: _Weights) -> Array:
        heads = self._config.num_attention_heads
        length, size = len(x), x.shape[1] // heads
        split = _linear(x, qkv).reshape(length, 3, heads, size).transpose(1, 2, 0, 3)
        query, key, value = split
        scores = query @ key.transpose(0, 2, 1) * np.float32(size**-0.5)
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        mixed: Array = (weights @ value).transpose(1, 0, 2).reshape(length, -1)
        return mixed

    def _normed(self, x: Array, weights: _Weights) -> Array:
        x = x - x.mean(axis=1, keepdims=True)
        variance = np.square(x).mean(axis=1, keepdims=True)
        weight, bias = weights
        eps = np.float32(self._config.layer_norm_eps)
        normed: Array = x / np.sqrt(variance + eps) * weight + bias
        return normed

    def _first_rows(self, module: str, count: int) -> Array:
        table = self._file.get_slice(self._stored[f"{self._names[module]}.weight"])
        rows: Array = table[: int(count)]
        return rows

    def _weights(self, module: str, number: int = 0) -> _Weights:
        parts = _parts(self._names[module], number)
        weight, bias = (
            np.concatenate(
                [self._file.get_tensor(self._stored[f"{part}.{kind}"]) for part in parts]
            )
            for kind in ("weight", "bias")
        )
        return weight, bias


def _computes(config: EncoderConfig) -> bool:
    biases = config.attention_bias and config.mlp_bias and config.norm_bias
    others = config.norm_first or config.gated or config.relative_buckets
    plain = config.layer_kinds == (LayerKind(),) and config.hidden_act in _ACTIVATIONS
    return plain and biases and not others


def _shapes(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    """The weights that are computed with, by their names in files."""
    hidden, inner = config.hidden_size, config.intermediate_size
    tables = {
        "word": config.vocab_size,
        "position": config.max_position_embeddings,
        "token_type": config.type_vocab_size,
    }
    layers = {"up": (inner, hidden), "down": (hidden, inner)}
    shapes: dict[str, tuple[int, ...]] = {}
    for module, names in ARCHITECTURES[config.model_type].names.items():
        kind = module.rpartition(".")[2]
        of_layer = (hidden,) if kind.endswith("norm") else layers.get(kind, (hidden, hidden))
        for number in range(config.num_hidden_layers if "{}" in module else 1):
            for part in _parts(names, number):
                if kind in tables:
                    shapes[f"{part}.weight"] = (tables[kind], hidden)
                else:
                    shapes |= {f"{part}.weight": of_layer, f"{part}.bias": of_layer[:1]}
    return shapes


def _parts(names: str | tuple[str, ...], number: int) -> list[str]:
    return [name.format(number) for name in ((names,) if isinstance(names, str) else names)]


def _differs(file: Any, name: str, shape: tuple[int, ...]) -> bool:
    found = file.get_slice(name)
    return tuple(found.get_shape()) != shape or found.get_dtype() != "F32"


def _linear(x: Array, weights: _Weights) -> Array:
    weight, bias = weights
    y: Array = x @ weight.T + bias
    return y


def _gelu(x: Array) -> Array:
    """x Φ(x), with the error function to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26)."""
    size = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(x)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(factor)
        series *= t
    beyond = series * np.exp(-size * size) / 2  # Φ(−|x|)
    activated: Array = np.where(x < 0, beyond, 1 - beyond) * x
    return activated


def _gelu_tanh(x: Array) -> Array:
    """x Φ(x) about, by tanh (Hendrycks and Gimpel 2016)."""
    inner = np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3)
    activated: Array = np.float32(0.5) * x * (1 + np.tanh(inner))
    return activated


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": _gelu,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "relu": lambda x: np.maximum(x, 0),
}
