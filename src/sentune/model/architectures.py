"""The architectures that the encoder computes, one table each.

A table says what a ``config.json`` and a weight file of that architecture call the parts of
:class:`~sentune.model.encoder.Encoder`, and which of its options are on. To add one, add its
table; where it computes something that no option covers, the encoder needs an option more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sentune.errors import UnsupportedModelError
from sentune.model.config import ACTIVATIONS, ConfigReader, EncoderConfig

__all__ = ["ARCHITECTURES", "Architecture", "read_config"]

Options = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What an architecture's files call things, and what it computes.

    Attributes:
        model_type: its name in ``config.json``.
        model_class: the class of the bare encoder in transformers.
        names: module of our encoder → modules in weight files, ``{}`` for the number of the layer.
            Several are stacked, in this order, along the first axis.
        prefix: what a model with a head puts before the names of its encoder.
        heads: beginnings of the names of weights that serve a head, which is left out.
        kept: beginnings of the names of weights that are not computed with but written again.
        spelling: name in :class:`EncoderConfig` → name in ``config.json``, where they differ.
        dropout: place of dropout → its name in ``config.json``.
        fixed: name in ``config.json`` → the only value that is computed.
        options: the rest of :class:`EncoderConfig`, from the file or the same for all.
    """

    model_type: str
    model_class: str
    names: Mapping[str, str | tuple[str, ...]]
    prefix: str
    heads: tuple[str, ...]
    kept: tuple[str, ...] = ()
    spelling: Mapping[str, str] = field(default_factory=dict)
    dropout: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    options: Callable[[ConfigReader], Options]


BERT = Architecture(
    model_type="bert",
    model_class="BertModel",
    names={
        "embeddings.word": "embeddings.word_embeddings",
        "embeddings.position": "embeddings.position_embeddings",
        "embeddings.token_type": "embeddings.token_type_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{}.qkv": (
            "encoder.layer.{}.attention.self.query",
            "encoder.layer.{}.attention.self.key",
            "encoder.layer.{}.attention.self.value",
        ),
        "layers.{}.attention_output": "encoder.layer.{}.attention.output.dense",
        "layers.{}.attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
        "layers.{}.up": "encoder.layer.{}.intermediate.dense",
        "layers.{}.down": "encoder.layer.{}.output.dense",
        "layers.{}.output_norm": "encoder.layer.{}.output.LayerNorm",
    },
    prefix="bert.",
    heads=("cls.",),
    kept=("pooler.",),
    dropout={
        "embeddings": "hidden_dropout_prob",
        "attention": "attention_probs_dropout_prob",
        "attention_output": "hidden_dropout_prob",
        "output": "hidden_dropout_prob",
    },
    fixed={"position_embedding_type": "absolute", "is_decoder": False},
    options=lambda given: {
        "layer_norm_eps": given.fraction("layer_norm_eps", 1e-12),
        "type_vocab_size": given.size("type_vocab_size", 2),
    },
)

ROBERTA = replace(
    BERT,
    model_type="roberta",
    model_class="RobertaModel",
    prefix="roberta.",
    heads=("lm_head.",),
    options=lambda given: {
        **BERT.options(given),
        "padding_id": given.size("pad_token_id", 1, least=0),
    },
)

XLM_ROBERTA = replace(ROBERTA, model_type="xlm-roberta", model_class="XLMRobertaModel")

CAMEMBERT = replace(ROBERTA, model_type="camembert", model_class="CamembertModel")

MPNET = replace(
    BERT,
    model_type="mpnet",
    model_class="MPNetModel",
    names={
        "embeddings.word": "embeddings.word_embeddings",
        "embeddings.position": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{}.qkv": (
            "encoder.layer.{}.attention.attn.q",
            "encoder.layer.{}.attention.attn.k",
            "encoder.layer.{}.attention.attn.v",
        ),
        "layers.{}.attention_output": "encoder.layer.{}.attention.attn.o",
        "layers.{}.attention_norm": "encoder.layer.{}.attention.LayerNorm",
        "layers.{}.up": "encoder.layer.{}.intermediate.dense",
        "layers.{}.down": "encoder.layer.{}.output.dense",
        "layers.{}.output_norm": "encoder.layer.{}.output.LayerNorm",
        "relative_bias": "encoder.relative_attention_bias",
    },
    prefix="mpnet.",
    heads=("lm_head.",),
    fixed={"relative_attention_num_buckets": 32},
    options=lambda given: {
        "layer_norm_eps": given.fraction("layer_norm_eps", 1e-12),
        "padding_id": 1,
        "relative_buckets": 32,
    },
)

DISTILBERT = Architecture(
    model_type="distilbert",
    model_class="DistilBertModel",
    names={
        "embeddings.word": "embeddings.word_embeddings",
        "embeddings.position": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{}.qkv": (
            "transformer.layer.{}.attention.q_lin",
            "transformer.layer.{}.attention.k_lin",
            "transformer.layer.{}.attention.v_lin",
        ),
        "layers.{}.attention_output": "transformer.layer.{}.attention.out_lin",
        "layers.{}.attention_norm": "transformer.layer.{}.sa_layer_norm",
        "layers.{}.up": "transformer.layer.{}.ffn.lin1",
        "layers.{}.down": "transformer.layer.{}.ffn.lin2",
        "layers.{}.output_norm": "transformer.layer.{}.output_layer_norm",
    },
    prefix="distilbert.",
    heads=("vocab_transform.", "vocab_layer_norm.", "vocab_projector."),
    spelling={
        "hidden_size": "dim",
        "num_hidden_layers": "n_layers",
        "num_attention_heads": "n_heads",
        "intermediate_size": "hidden_dim",
        "hidden_act": "activation",
    },
    dropout={"embeddings": "dropout", "attention": "attention_dropout", "output": "dropout"},
    options=lambda _: {"layer_norm_eps": 1e-12},
)

ARCHITECTURES = {
    architecture.model_type: architecture
    for architecture in (BERT, ROBERTA, XLM_ROBERTA, CAMEMBERT, MPNET, DISTILBERT)
}

_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_DROPOUT = 0.1  # of every architecture where config.json says nothing


def read_config(values: dict[str, Any], source: str) -> EncoderConfig:
    """Read the content of a ``config.json``.

    Raises:
        UnsupportedModelError: an architecture, or an option of one, that is not computed.
        ModelError: a size is missing, or a value is out of its range.
    """
    architecture = _architecture(values, source)
    given = ConfigReader(values, source, architecture.spelling)
    for name, only in architecture.fixed.items():
        if given.values.get(name) not in (None, only):
            expected = (
                f"{only!r}, all that sentune computes of the architecture {architecture.model_type}"
            )
            raise given.unsupported(name, expected)
    config = EncoderConfig(
        model_type=architecture.model_type,
        **{name: given.size(name) for name in _SIZES},
        hidden_act=given.choice("hidden_act", "gelu", tuple(ACTIVATIONS)),
        dropout={p: given.fraction(name, _DROPOUT) for p, name in architecture.dropout.items()},
        **architecture.options(given),
    )
    if config.hidden_size % config.num_attention_heads:
        heads = f"{given.name('num_attention_heads')} {config.num_attention_heads}"
        raise given.wrong("hidden_size", f"a multiple of {heads}")
    if config.longest_text < 1:
        padding = f"{given.name('pad_token_id')} {config.padding_id}"
        raise given.wrong("max_position_embeddings", f"more than one above {padding}")
    return config


def _architecture(values: dict[str, Any], source: str) -> Architecture:
    named = values.get("model_type") or (values.get("architectures") or "unnamed")
    known = ARCHITECTURES.get(named) if isinstance(named, str) else None
    if known is None:
        raise UnsupportedModelError(
            f"{source} describes the architecture {named!r}",
            expected=f"a model_type of {', '.join(ARCHITECTURES)}",
            fix="choose another base model; docs/models.md lists those that run",
        )
    return known
