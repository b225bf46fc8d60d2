"""What follows pooling: modules that take vectors (texts, n) and give vectors (texts, m).

Their arguments, defaults and weights have the names of sentence-transformers, because model folders
have them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_number, require_whole
from sentune.errors import ArgumentError
from sentune.network.dropout import dropout
from sentune.network.names import DENSE_ACTIVATIONS, VECTORS
from sentune.wording import named_kind

__all__ = ["MODULES", "Dense", "Dropout", "LayerNorm", "Normalize", "activation", "vector_width"]

_OVER_COMPONENTS = ("LogSoftmax", "Softmax", "Softmin")  # they ask for the dimension


def activation(name: str) -> nn.Module:
    """The activation of a name in ``DENSE_ACTIVATIONS``, with the settings it has by default."""
    made: nn.Module = getattr(nn, name)(**({"dim": -1} if name in _OVER_COMPONENTS else {}))
    return made


class Dense(nn.Module):
    """A linear layer with an activation, in the number format of its input.

    Args:
        in_features, out_features: widths of a vector before and after.
        bias: whether there is one.
        activation_function: an activation of torch.nn with its default settings, since a folder
            keeps its name only. None is the identity.
        init_weight, init_bias: the weights; random when None.
        module_input_name, module_output_name: what is read and written; only the vectors are.
        use_residual: only False, since folders for sentence-transformers 3.1 cannot say True.

    Raises:
        ArgumentError: a value outside its range.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation_function: nn.Module | None = nn.Tanh(),  # noqa: B008 — it has no state
        init_weight: Tensor | None = None,
        init_bias: Tensor | None = None,
        module_input_name: str = VECTORS,
        module_output_name: str | None = None,
        use_residual: bool = False,
    ) -> None:
        super().__init__()
        _require_vectors(module_input_name, module_output_name)
        if use_residual:
            raise ArgumentError(
                f"use_residual is {use_residual!r}",
                expected="false: a Dense module without a residual connection",
                fix="choose a model without it",
            )
        self.in_features = require_whole("in_features", in_features)
        self.out_features = require_whole("out_features", out_features)
        self.bias = bool(bias)
        chosen = nn.Identity() if activation_function is None else activation_function
        self.activation_name = _name_of(chosen)
        self.activation_function = chosen
        self.linear = nn.Linear(in_features, out_features, bias=self.bias)
        if init_weight is not None:
            self.linear.weight = nn.Parameter(init_weight)
        if init_bias is not None and bias:
            self.linear.bias = nn.Parameter(init_bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """(texts, in_features) → (texts, out_features)."""
        # Vectors are in float32 at least, whatever the format of the weights.
        projected = self.linear(vectors.to(self.linear.weight.dtype))
        changed: Tensor = self.activation_function(projected)
        return changed.to(vectors.dtype)

    def get_embedding_dimension(self) -> int:
        """``out_features``."""
        return self.out_features

    get_sentence_embedding_dimension = get_embedding_dimension

    def get_config_dict(self) -> dict[str, Any]:
        """The configuration in the keys of the 3.1 layout."""
        place = "linear" if self.activation_name == "Identity" else "activation"
        return {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": self.bias,
            "activation_function": f"torch.nn.modules.{place}.{self.activation_name}",
        }


class LayerNorm(nn.Module):
    """Layer normalization of each vector.

    Args:
        dimension: width of a vector.

    Raises:
        ArgumentError: a dimension below 1.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = require_whole("dimension", dimension)
        self.norm = nn.LayerNorm(dimension)

    def forward(self, vectors: Tensor) -> Tensor:
        """(texts, dimension) → the same shape."""
        normed: Tensor = self.norm(vectors.to(self.norm.weight.dtype))
        return normed.to(vectors.dtype)

    def get_embedding_dimension(self) -> int:
        """``dimension``."""
        return self.dimension

    get_sentence_embedding_dimension = get_embedding_dimension

    def get_config_dict(self) -> dict[str, Any]:
        """The configuration in the keys of the 3.1 layout."""
        return {"dimension": self.dimension}


class Dropout(nn.Module):
    """Zero components at random in training; nothing otherwise.

    Args:
        dropout: the probability.

    Raises:
        ArgumentError: a probability outside 0 to 1.
    """

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = require_number("dropout", dropout, least=0, most=1)

    def forward(self, vectors: Tensor) -> Tensor:
        """Same shape."""
        drops = self.training and self.dropout > 0
        return dropout(vectors, self.dropout) if drops else vectors

    def get_config_dict(self) -> dict[str, Any]:
        """The configuration in the keys of the 3.1 layout."""
        return {"dropout": self.dropout}


class Normalize(nn.Module):
    """Scale each vector to unit length.

    Args:
        module_input_name, module_output_name: what is read and written; only the vectors are.

    Raises:
        ArgumentError: another name.
    """

    def __init__(
        self, module_input_name: str = VECTORS, module_output_name: str | None = None
    ) -> None:
        super().__init__()
        _require_vectors(module_input_name, module_output_name)

    def forward(self, vectors: Tensor) -> Tensor:
        """Same shape; zeros stay zeros."""
        return F.normalize(vectors, dim=-1)

    def get_config_dict(self) -> dict[str, Any]:
        """Nothing: the 3.1 layout has no file for it."""
        return {}


MODULES: Mapping[str, type[nn.Module]] = {
    module.__name__: module for module in (Dense, LayerNorm, Dropout, Normalize)
}


def vector_width(width: int, modules: Iterable[nn.Module]) -> int:
    """The width of vectors after ``modules``, when it is ``width`` before them.

    Raises ArgumentError for a module that takes another width than it gets, or that is none of
    ``MODULES``.
    """
    for module in modules:
        if type(module) not in MODULES.values():
            raise ArgumentError(
                f"the module {type(module).__name__} after pooling",
                expected=f"one of {', '.join(MODULES)}",
                fix="leave it out",
            )
        taken = getattr(module, "in_features", getattr(module, "dimension", width))
        if taken != width:
            raise ArgumentError(
                f"{named_kind(module)} for vectors of {taken} components after {width}",
                expected="modules in which each takes the width that the one before gives",
                fix="correct its in_features or dimension",
            )
        width = getattr(module, "out_features", width)
    return width


def _require_vectors(read: str, written: str | None) -> None:
    for name, value in (("module_input_name", read), ("module_output_name", written or read)):
        if value != VECTORS:
            raise ArgumentError(
                f"{name} is {value!r}",
                expected=f"{VECTORS}: modules after pooling change the vectors of texts",
                fix="choose a model without modules for other values",
            )


def _name_of(chosen: nn.Module) -> str:
    name = type(chosen).__name__
    if name not in DENSE_ACTIVATIONS or type(chosen) is not getattr(nn, name, None):
        raise ArgumentError(
            f"activation_function is {chosen!r}",
            expected=f"a module of torch.nn: {', '.join(DENSE_ACTIVATIONS)}",
            fix="pass one of them, for example torch.nn.Tanh()",
        )
    shown = repr(activation(name)) if name not in _OVER_COMPONENTS else repr(chosen)
    if repr(chosen) != shown:
        raise ArgumentError(
            f"activation_function is {chosen!r}",
            expected=f"{shown}, because a model folder keeps the name of an activation only",
            fix=f"pass torch.nn.{name}()",
        )
    return name
