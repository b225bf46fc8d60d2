"""The encoder without PyTorch's Python modules, for a few texts in a fresh process.

Importing PyTorch takes a second and 200 MB, encoding a short text only 20 ms. So the most common
architectures are written once more over :mod:`sentune.network.kernels`, without packs and
gradients: post-norm layers with learned positions (BERT, RoBERTa, XLM-RoBERTa, CamemBERT,
DistilBERT) and float32 weights. Everything else, and every error, is left to
:class:`sentune.network.encoder.Encoder`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from sentune.errors import ModelError
from sentune.network.architectures import ARCHITECTURES
from sentune.network.config import GROUPED_FROM, AttentionKind, EncoderConfig
from sentune.network.kernels import KernelError, Kernels, Tensor
from sentune.network.names import FUSED_ACTIVATIONS
from sentune.network.weight_names import WeightNames, find_weights

__all__ = ["LightEncoder"]

Array = NDArray[np.float32]
_Weights = tuple[Tensor, Tensor]  # weight and bias
_LENGTH = 8  # bytes of the header's length, in a safetensors file
_PIECE = 1 << 20


class LightEncoder:
    """Token ids → token vectors, each text by itself; use :meth:`open`.

    Attributes:
        left_out: tensors of the file that are not the encoder's, such as those of a head.

    Memory: PyTorch's library (90 MB), one layer, and the pages of the file that were read.
    """

    def __init__(
        self,
        path: Path,
        version: tuple[int, int],
        file: Any,
        found: WeightNames,
        config: EncoderConfig,
        bfloat16: bool,
    ) -> None:
        self._kernels = kernels = Kernels.load()
        self._path, self._version, self._file = path, version, file
        self._stored, self._config = found.stored, config
        self.left_out = found.left_out
        self._dtype = kernels.bfloat16 if bfloat16 else kernels.float32
        self._most_tokens = GROUPED_FROM - 1 if bfloat16 else config.max_position_embeddings
        self._names = ARCHITECTURES[config.model_type].names

    @classmethod
    def open(cls, path: Path, config: EncoderConfig, *, bfloat16: bool) -> LightEncoder | None:
        """Open the weights of a model; None where Encoder has to compute.

        That is for an architecture or activation that is not computed here, for weights in
        another number format, for a file that is damaged or does not fit the configuration, and
        where PyTorch's library cannot be used.
        """
        if not _computes(config):
            return None
        try:
            version, file = _version(path), _opened(path)
            names: list[str] = list(file.keys())
            if config.num_hidden_layers > len(names):  # before a list of so many is made
                return None
            shapes = _shapes(config)
            found = find_weights(names, shapes, ARCHITECTURES[config.model_type], str(path))
            if any(_differs(file, found.stored[name], shapes[name]) for name in shapes):
                return None
            if any("F" not in file.get_slice(name).get_dtype() for name in found.kept.values()):
                return None
            return cls(path, version, file, found, config, bfloat16)
        except (OSError, SafetensorError, KernelError, ModelError):
            return None

    def multiplications(self, tokens: int) -> int:
        """About how many a text of so many tokens takes."""
        config = self._config
        linear = 4 * config.hidden_size + 2 * config.intermediate_size
        return config.num_hidden_layers * config.hidden_size * tokens * (linear + 2 * tokens)

    def weights(self) -> Iterator[tuple[str, tuple[int, ...], Iterator[bytes]]]:
        """Every weight by the name that Encoder has for it, in the order of these names.

        With each come its shape and the bytes of its values, which are read and not mapped.
        """
        parts = {
            f"{module.format(number)}.{kind}": [f"{part}.{kind}" for part in _parts(names, number)]
            for module, names in self._names.items()
            for number in range(self._config.num_hidden_layers if "{}" in module else 1)
            for kind in ("weight", "bias")
        }
        with self._path.open("rb") as stream:
            start = _LENGTH + int.from_bytes(stream.read(_LENGTH), "little")
            entries = json.loads(stream.read(start - _LENGTH))
            for ours in sorted(parts):
                theirs = [self._stored[name] for name in parts[ours] if name in self._stored]
                if theirs:
                    shapes = [entries[name]["shape"] for name in theirs]
                    shape = (sum(each[0] for each in shapes), *shapes[0][1:])
                    ranges = [entries[name]["data_offsets"] for name in theirs]
                    yield ours, shape, _read(stream, start, ranges)

    def __call__(self, texts: Sequence[Sequence[int]]) -> list[Array] | None:
        """Token ids of each text → (tokens, hidden) of each, with the same bits in any batch.

        None where Encoder has to compute: for long texts in bfloat16, for which it has another
        attention, and where a kernel is missing.
        """
        if any(len(token_ids) > self._most_tokens for token_ids in texts):
            return None
        try:
            return self._computed(texts)
        except (KernelError, OSError, SafetensorError):
            return None

    def _computed(self, texts: Sequence[Sequence[int]]) -> list[Array]:
        states = [self._embedded(token_ids) for token_ids in texts]
        for number in range(self._config.num_hidden_layers):
            self._file = _opened(self._path)  # what was read stays mapped while it is open
            if _version(self._path) != self._version:
                raise KernelError("another model has taken the folder")
            layer = {
                module: self._weights(module, number)
                for module in self._names
                if module.startswith("layers.")
            }
            states = [self._through(layer, x) for x in states]
        kernels = self._kernels
        return [kernels.array(kernels.cast(x, kernels.float32)) for x in states]

    def _embedded(self, token_ids: Sequence[int]) -> Tensor:
        table = self._table("embeddings.word")
        x: Array = np.concatenate([table[token : token + 1] for token in token_ids])
        positions = self._positions(np.asarray(token_ids))
        x += self._table("embeddings.position")[: int(positions.max()) + 1][positions]
        if self._config.type_vocab_size:
            x += self._table("embeddings.token_type")[:1]
        normed = self._normed(self._kernels.tensor(x), self._weights("embeddings.norm"))
        return self._kernels.cast(normed, self._dtype)

    def _positions(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        padding = self._config.padding_id
        if padding is None:
            return np.arange(len(token_ids))
        # A text can contain the padding token: its position is its id, and it is not counted.
        counted = token_ids != padding
        positions: NDArray[np.int64] = np.cumsum(counted) * counted + padding
        return positions

    def _through(self, layer: dict[str, _Weights], x: Tensor) -> Tensor:
        add = self._kernels.add
        qkv = self._linear(x, layer["layers.{}.qkv"])
        mixed = self._kernels.attention(qkv, self._config.num_attention_heads)
        mixed = self._linear(mixed, layer["layers.{}.attention_output"])
        x = self._normed(add(x, mixed), layer["layers.{}.attention_norm"])
        inner = self._linear(x, layer["layers.{}.up"], self._config.hidden_act)
        changed = self._linear(inner, layer["layers.{}.down"])
        return self._normed(add(x, changed), layer["layers.{}.output_norm"])

    def _linear(self, x: Tensor, weights: _Weights, activation: str | None = None) -> Tensor:
        return self._kernels.linear(x, *weights, FUSED_ACTIVATIONS[activation])

    def _normed(self, x: Tensor, weights: _Weights) -> Tensor:
        return self._kernels.layer_norm(x, *weights, self._config.layer_norm_eps)

    def _table(self, module: str) -> Any:
        """Rows of embeddings, which are read when they are asked for."""
        return self._file.get_slice(self._stored[f"{self._names[module]}.weight"])

    def _weights(self, module: str, number: int = 0) -> _Weights:
        """In float32 for a normalization, as in Encoder, otherwise in the format computed in."""
        kernels, parts = self._kernels, _parts(self._names[module], number)
        dtype = kernels.float32 if module.endswith("norm") else self._dtype
        read = [
            [self._file.get_tensor(self._stored[f"{part}.{kind}"]) for part in parts]
            for kind in ("weight", "bias")
        ]
        weight, bias = (kernels.tensor(np.concatenate(each)) for each in read)
        return kernels.cast(weight, dtype), kernels.cast(bias, dtype)


def _read(stream: BinaryIO, start: int, ranges: list[list[int]]) -> Iterator[bytes]:
    for first, end in ranges:
        stream.seek(start + first)
        for place in range(first, end, _PIECE):
            yield stream.read(min(_PIECE, end - place))


def _opened(path: Path) -> Any:
    return safe_open(path, framework="numpy")


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _computes(config: EncoderConfig) -> bool:
    biases = config.attention_bias and config.up_bias and config.down_bias and config.norm_bias
    others = config.norm_first or config.gated or config.relative_buckets
    others = others or config.embedding_size or config.layer_groups
    plain = config.attention_kinds == (AttentionKind(),) and config.hidden_act in FUSED_ACTIVATIONS
    return plain and biases and not others


def _shapes(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    """Of the weights that are computed with, by their names in files."""
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
        if kind == "project":  # ELECTRA's, which models as wide as their tables do not have
            continue
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
