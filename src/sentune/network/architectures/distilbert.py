"""DistilBERT (Sanh et al. 2019): BERT without segments, with other names."""

from __future__ import annotations

from sentune.network.architectures.architecture import Architecture

__all__ = ["DISTILBERT"]

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
