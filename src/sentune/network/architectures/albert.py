"""ALBERT (Lan et al. 2019): layers that share their weights, and narrow embeddings."""

from __future__ import annotations

from dataclasses import replace

from sentune.network.architectures.architecture import Options
from sentune.network.architectures.bert import BERT
from sentune.network.config import ConfigReader

__all__ = ["ALBERT"]

_LAYER = "encoder.albert_layer_groups.{}.albert_layers.0"
_MOST_LAYERS = 1000  # they cost no weights, so no file shows how many there can be


def _options(given: ConfigReader) -> Options:
    layers = given.size("num_hidden_layers", most=_MOST_LAYERS)
    return {
        **BERT.options(given),
        "embedding_size": given.size("embedding_size", 128),
        "layer_groups": given.size("num_hidden_groups", 1, most=layers),
    }


ALBERT = replace(
    BERT,
    model_type="albert",
    model_class="AlbertModel",
    names={
        **{name: BERT.names[name] for name in BERT.names if name.startswith("embeddings.")},
        "embeddings.project": "encoder.embedding_hidden_mapping_in",
        "layers.{}.qkv": tuple(f"{_LAYER}.attention.{part}" for part in ("query", "key", "value")),
        "layers.{}.attention_output": f"{_LAYER}.attention.dense",
        "layers.{}.attention_norm": f"{_LAYER}.attention.LayerNorm",
        "layers.{}.up": f"{_LAYER}.ffn",
        "layers.{}.down": f"{_LAYER}.ffn_output",
        "layers.{}.output_norm": f"{_LAYER}.full_layer_layer_norm",
    },
    prefix="albert.",
    heads=("predictions.", "sop_classifier."),
    dropout={
        "embeddings": "hidden_dropout_prob",
        "attention": "attention_probs_dropout_prob",
        "attention_output": "hidden_dropout_prob",
    },
    usual_dropout=0.0,
    fixed={**BERT.fixed, "inner_group_num": 1},
    ignored=("down_scale_factor", "gap_size", "net_structure_type", "num_memory_blocks"),
    options=_options,
)
