"""MPNet (Song et al. 2020): BERT with a learned bias for the distance of two tokens."""

from __future__ import annotations

from dataclasses import replace

from sentune.network.architectures.bert import BERT

__all__ = ["MPNET"]

MPNET = replace(
    BERT,
    model_type="mpnet",
    model_class="MPNetModel",
    names={
        **{name: BERT.names[name] for name in BERT.names if "token_type" not in name},
        "layers.{}.qkv": (
            "encoder.layer.{}.attention.attn.q",
            "encoder.layer.{}.attention.attn.k",
            "encoder.layer.{}.attention.attn.v",
        ),
        "layers.{}.attention_output": "encoder.layer.{}.attention.attn.o",
        "layers.{}.attention_norm": "encoder.layer.{}.attention.LayerNorm",
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
