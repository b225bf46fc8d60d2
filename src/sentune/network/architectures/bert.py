"""BERT (Devlin et al. 2018), and architectures with other training and tokens only."""

from __future__ import annotations

from dataclasses import replace

from sentune.network.architectures.architecture import Architecture

__all__ = ["BERT", "CAMEMBERT", "ROBERTA", "XLM_ROBERTA"]

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
