"""Token vectors → scores: the heads that transformers gives each architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from sentune.errors import UnsupportedModelError
from sentune.network.config import ConfigReader, EncoderConfig
from sentune.network.dropout import dropout
from sentune.network.linear import ACTIVATIONS
from sentune.network.names import ACTIVATION_NAMES
from sentune.network.pack import Pack
from sentune.network.pooling import Pooling

__all__ = ["HEADS", "Head", "HeadKind", "head_kind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKind:
    """What the head of an architecture computes, and its names in files.

    Attributes:
        model_class: the class of encoder and head together in transformers.
        dense, out: its two linear layers in weight files.
        activation: between them; the name of a key of ``config.json`` where it begins with ``=``.
        in_encoder: whether ``dense`` is a part of the encoder in weight files, with its prefix.
        dropout: keys of ``config.json``; the first that has a value is the probability.
        dropped: also before ``dense``, not only before ``out``.
        norm: a normalization after the activation; "" without one.
        dense_bias: key of ``config.json`` that says whether ``dense`` has a bias; always when "".
        pooling: key of ``config.json`` that names the pooling, ``cls`` when "".
    """

    model_class: str
    dense: str = "classifier.dense"
    out: str = "classifier.out_proj"
    activation: str = "tanh"
    in_encoder: bool = False
    dropout: tuple[str, ...] = ("classifier_dropout", "hidden_dropout_prob")
    dropped: bool = True
    norm: str = ""
    dense_bias: str = ""
    pooling: str = ""


_BERT = HeadKind(
    model_class="BertForSequenceClassification",
    dense="pooler.dense",
    out="classifier",
    in_encoder=True,
    dropped=False,
)
_ROBERTA = HeadKind(model_class="RobertaForSequenceClassification")

HEADS: Mapping[str, HeadKind] = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": replace(_ROBERTA, model_class="XLMRobertaForSequenceClassification"),
    "camembert": replace(_ROBERTA, model_class="CamembertForSequenceClassification"),
    "electra": replace(_ROBERTA, model_class="ElectraForSequenceClassification", activation="gelu"),
    "mpnet": replace(
        _ROBERTA, model_class="MPNetForSequenceClassification", dropout=("hidden_dropout_prob",)
    ),
    "albert": replace(
        _BERT,
        model_class="AlbertForSequenceClassification",
        dense="pooler",
        dropout=("classifier_dropout_prob",),
    ),
    "nomic_bert": replace(_BERT, model_class="NomicBertForSequenceClassification"),
    "gte": replace(_BERT, model_class="GteForSequenceClassification"),
    "distilbert": HeadKind(
        model_class="DistilBertForSequenceClassification",
        dense="pre_classifier",
        out="classifier",
        activation="relu",
        dropout=("seq_classif_dropout",),
        dropped=False,
    ),
    "modernbert": HeadKind(
        model_class="ModernBertForSequenceClassification",
        dense="head.dense",
        out="classifier",
        activation="=classifier_activation",
        dropout=("classifier_dropout",),
        dropped=False,
        norm="head.norm",
        dense_bias="classifier_bias",
        pooling="classifier_pooling",
    ),
}
_USUAL_DROPOUT = {"seq_classif_dropout": 0.2, "classifier_dropout_prob": 0.1}
_POOLINGS = ("cls", "mean")


def head_kind(model_type: str, source: str) -> HeadKind:
    """The head of an architecture. Raises UnsupportedModelError, which names ``source``."""
    if model_type not in HEADS:
        raise UnsupportedModelError(
            f"{source} describes the architecture {model_type!r}, for which no head is known",
            expected=f"a model_type of {', '.join(HEADS)}",
            fix="choose another model for scoring pairs; docs/rerank.md lists those that run",
        )
    return HEADS[model_type]


class Head(nn.Module):
    """One vector of each text, a linear layer, an activation, and a linear layer to the labels.

    Computes in float32, whatever the encoder computes in (float64 for weights in float64).

    Args:
        kind: the architecture's.
        config: of the encoder.
        given: ``config.json``.
        num_labels: scores of each pair.

    Raises:
        ModelError: a value of ``config.json`` is wrong.
        UnsupportedModelError: an activation or a pooling that is not computed.
    """

    norm: nn.LayerNorm | None

    def __init__(
        self, kind: HeadKind, config: EncoderConfig, given: Mapping[str, Any], num_labels: int
    ) -> None:
        super().__init__()
        hidden, reader = config.hidden_size, ConfigReader(given, "config.json", {})
        self.kind, self.num_labels = kind, num_labels
        biased = reader.flag(kind.dense_bias, False) if kind.dense_bias else True
        self.dense = nn.Linear(hidden, hidden, bias=biased)
        self.norm = None
        if kind.norm:
            self.norm = nn.LayerNorm(hidden, config.layer_norm_eps, bias=config.norm_bias)
        self.out = nn.Linear(hidden, num_labels)
        self.activation = _activation(kind, reader)
        self.dropout = _dropout(kind, reader)
        mode = reader.choice(kind.pooling, "cls", _POOLINGS) if kind.pooling else "cls"
        self.pooling = Pooling(hidden, (mode,))
        for layer in (self.dense, self.out):
            _initialize(layer, reader)

    def forward(self, tokens: Tensor, pack: Pack) -> Tensor:
        """(tokens, hidden) → (texts, num_labels), in the order in which texts were given."""
        return self.of_pooled(self.pooling(tokens, pack))

    @property
    def reads_first(self) -> bool:
        """Whether only the first token of each text is used."""
        return self.pooling.modes == ("cls",)

    def of_pooled(self, x: Tensor) -> Tensor:
        """One vector of each text, (texts, hidden) → (texts, num_labels)."""
        x = x.to(self.out.weight.dtype)
        x = self._dropped(x) if self.kind.dropped else x
        x = self.activation(self.dense(x))
        x = x if self.norm is None else self.norm(x)
        scores: Tensor = self.out(self._dropped(x))
        return scores

    def _dropped(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout) if self.training and self.dropout else x

    def names(self, prefix: str) -> dict[str, str]:
        """Each parameter's name in a weight file; ``prefix`` is that of the encoder."""
        within = prefix if self.kind.in_encoder else ""
        modules = {"dense": within + self.kind.dense, "norm": self.kind.norm, "out": self.kind.out}
        found = {}
        for name, _ in self.named_parameters():
            module, kind = name.split(".")
            found[name] = f"{modules[module]}.{kind}"
        return found


def _activation(kind: HeadKind, reader: ConfigReader) -> Any:
    if kind.activation == "tanh":
        return torch.tanh
    if not kind.activation.startswith("="):
        return ACTIVATIONS[kind.activation]
    return ACTIVATIONS[reader.choice(kind.activation[1:], "gelu", ACTIVATION_NAMES)]


def _dropout(kind: HeadKind, reader: ConfigReader) -> float:
    named = next((name for name in kind.dropout if reader.get(name) is not None), kind.dropout[-1])
    usual = 0.0 if named == "classifier_dropout" else 0.1
    return reader.fraction(named, _USUAL_DROPOUT.get(named, usual))


def _initialize(layer: nn.Linear, reader: ConfigReader) -> None:
    """As transformers begins a new head: normal weights, and no bias."""
    nn.init.normal_(layer.weight, std=reader.fraction("initializer_range", 0.02))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
