"""GTE v1.5 (Zhang et al. 2024, arXiv:2407.19669): BERT with angles and a gated perceptron.

The models on the hub name it ``new`` and bring code of their own, which is never run. transformers
has had the same computation as ``gte`` since version 5, and what is saved has this name.
"""

from __future__ import annotations

from dataclasses import replace

from sentune.network.architectures.architecture import Architecture, Options
from sentune.network.architectures.rotary import require_whole_heads, rotary_kind
from sentune.network.config import ConfigReader, EncoderConfig

__all__ = ["GTE", "NEW"]


def _options(given: ConfigReader, theta: float, segments: int) -> Options:
    require_whole_heads(given)
    return {
        "model_type": "gte",
        "layer_norm_eps": given.fraction("layer_norm_eps", 1e-12),
        "type_vocab_size": given.size("type_vocab_size", segments, least=0),
        "attention_kinds": (rotary_kind(given, theta),),
        "gated": True,
        "activated_last": True,
        "up_bias": False,
    }


def _other_versions(config: EncoderConfig) -> Options:
    """transformers 5 does not know the kind ``ntk``, which a base and a factor express."""
    kind = config.attention_kind(0)
    rope: Options = {"rope_type": "default", "rope_theta": kind.rotary_theta}
    if kind.rotary_scale != 1:
        rope |= {"rope_type": "linear", "factor": kind.rotary_scale}
    return {
        "model_type": "gte",
        "type_vocab_size": config.type_vocab_size,
        "rope_parameters": rope,
        "rope_scaling": None,
        "rope_theta": kind.rotary_theta,
    }


GTE = Architecture(
    model_type="gte",
    model_class="GteModel",
    names={
        "embeddings.word": "embeddings.word_embeddings",
        "embeddings.token_type": "embeddings.token_type_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{}.qkv": "encoder.layer.{}.attention.qkv_proj",
        "layers.{}.attention_output": "encoder.layer.{}.attention.o_proj",
        "layers.{}.attention_norm": "encoder.layer.{}.attn_ln",
        "layers.{}.up": "encoder.layer.{}.mlp.up_gate_proj",
        "layers.{}.down": "encoder.layer.{}.mlp.down_proj",
        "layers.{}.output_norm": "encoder.layer.{}.mlp_ln",
    },
    prefix="gte.",
    older_prefix="new.",
    heads=("lm_head.", "classifier."),
    kept=("pooler.",),
    dropout={
        "embeddings": "hidden_dropout_prob",
        "attention": "attention_probs_dropout_prob",
        "attention_output": "hidden_dropout_prob",
        "inner": "hidden_dropout_prob",
        "output": "hidden_dropout_prob",
    },
    fixed={
        "position_embedding_type": "rope",
        "layer_norm_type": "layer_norm",
        "logn_attention_scale": False,
        "pack_qkv": True,
        "rotary_emb_dim": None,
    },
    options=lambda given: _options(given, 160_000.0, 1),
    ignored=("logn_attention_clip1", "unpad_inputs", "use_memory_efficient_attention"),
    other_versions=_other_versions,
)

NEW = replace(GTE, model_type="new", options=lambda given: _options(given, 10_000.0, 1))
