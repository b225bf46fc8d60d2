"""nomic-embed-text (Nussbaum et al. 2024, arXiv:2402.01613): BERT with angles and SwiGLU.

The first models have the names of GPT-2 in ``config.json``. transformers has had the architecture
since version 5, with the names of BERT. Some files have both.
"""

from __future__ import annotations

import logging

from sentune.network.architectures.architecture import Architecture, Options
from sentune.network.architectures.rotary import positive, require_whole_heads, rotary_kind
from sentune.network.config import ConfigReader, EncoderConfig

__all__ = ["NOMIC_BERT"]

logger = logging.getLogger(__name__)

_OLD_NAMES = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "intermediate_size": "n_inner",
    "layer_norm_eps": "layer_norm_epsilon",
    "hidden_dropout_prob": "resid_pdrop",
    "attention_probs_dropout_prob": "attn_pdrop",
}
_THETA = 1000.0
_GATES = {"swiglu": "silu", "geglu": "gelu"}
# What the older files must say: their defaults are otherwise.
_SAID = {
    "rotary_emb_fraction": 1.0,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
}


def _options(given: ConfigReader) -> Options:
    require_whole_heads(given)
    _require_agreement(given)
    old = "n_embd" in given.values and "hidden_size" not in given.values
    for name, only in _SAID.items():
        if given.get(name, None if old else only) != only:
            raise given.unsupported(name, f"{only!r} for the architecture nomic_bert")
    vocabulary, rows = given.size("vocab_size"), given.size("pad_vocab_size_multiple", 1)
    options: Options = {
        "vocab_size": -(-vocabulary // rows) * rows,
        "layer_norm_eps": given.fraction("layer_norm_eps", 1e-12),
        "type_vocab_size": given.size("type_vocab_size", 2, least=0),
        "attention_kinds": (rotary_kind(given, _theta(given)),),
        "gated": True,
        "attention_bias": False,
        "up_bias": False,
        "down_bias": False,
    }
    named = given.values.get("hidden_act")
    if given.get("activation_function") is not None or named is None:
        activation = _GATES[given.choice("activation_function", "swiglu", tuple(_GATES))]
        if named not in (None, activation):
            raise given.wrong("activation_function", f"one with the hidden_act {named!r}")
        options["hidden_act"] = activation
    _tell_of_scaling(given)
    return options


def _require_agreement(given: ConfigReader) -> None:
    """Refuse a value under two names that differs. Raises ModelError."""
    values = given.values
    for today, old in _OLD_NAMES.items():
        if today in values and old in values and values[today] != values[old]:
            raise given.wrong(old, f"the same as {today}, {values[today]!r}")


def _theta(given: ConfigReader) -> float:
    theta = given.get("rotary_emb_base", _THETA)
    if not positive(theta):
        raise given.wrong("rotary_emb_base", "a base of the angles above 0")
    rope = given.get("rope_parameters")
    stated = rope.get("rope_theta", theta) if isinstance(rope, dict) else theta
    if "rotary_emb_base" in given.values and stated != theta:
        raise given.wrong("rotary_emb_base", f"the rope_theta of rope_parameters, {stated!r}")
    return float(theta)


def _tell_of_scaling(given: ConfigReader) -> None:
    """sentence-transformers 6 ignores it; the code on the hub scales by the longest of a batch."""
    factor, trained = given.get("rotary_scaling_factor"), given.get("max_trained_positions", 2048)
    if factor is not None:
        logger.warning(
            "%s: rotary_scaling_factor %s is not used, as in sentence-transformers 6: it would "
            "change the vectors of texts with more than %s tokens",
            *(given.source, factor, trained),
        )


def _other_versions(config: EncoderConfig) -> Options:
    """Today's names; older ones stay in the file for the code on the hub."""
    kind = config.attention_kind(0)
    rope: Options = {"rope_type": "default", "rope_theta": kind.rotary_theta}
    if kind.rotary_scale != 1:
        rope |= {"rope_type": "linear", "factor": kind.rotary_scale}
    return {
        **{name: getattr(config, name) for name in _OLD_NAMES if "dropout" not in name},
        "max_position_embeddings": config.max_position_embeddings,
        "hidden_dropout_prob": config.dropout["output"],
        "attention_probs_dropout_prob": config.dropout["attention"],
        "hidden_act": config.hidden_act,
        "type_vocab_size": config.type_vocab_size,
        "vocab_size": config.vocab_size,
        "rope_parameters": rope,
    }


NOMIC_BERT = Architecture(
    model_type="nomic_bert",
    model_class="NomicBertModel",
    names={
        "embeddings.word": "embeddings.word_embeddings",
        "embeddings.token_type": "embeddings.token_type_embeddings",
        "embeddings.norm": "emb_ln",
        "layers.{}.qkv": "encoder.layers.{}.attn.Wqkv",
        "layers.{}.attention_output": "encoder.layers.{}.attn.out_proj",
        "layers.{}.attention_norm": "encoder.layers.{}.norm1",
        # The first half is the one with the activation.
        "layers.{}.up": ("encoder.layers.{}.mlp.fc12", "encoder.layers.{}.mlp.fc11"),
        "layers.{}.down": "encoder.layers.{}.mlp.fc2",
        "layers.{}.output_norm": "encoder.layers.{}.norm2",
    },
    prefix="nomic_bert.",
    older_prefix="bert.",
    heads=("cls.", "classifier."),
    kept=("pooler.",),
    spelling={
        **{today: (today, old) for today, old in _OLD_NAMES.items()},
        "max_position_embeddings": ("n_positions", "max_position_embeddings"),
        "embedding_dropout": ("embd_pdrop", "hidden_dropout_prob"),
    },
    dropout={
        "embeddings": "embedding_dropout",
        "attention": "attention_probs_dropout_prob",
        "attention_output": "hidden_dropout_prob",
        "output": "hidden_dropout_prob",
    },
    usual_dropout=0.0,
    fixed={
        "causal": False,
        "num_experts": 0,
        "moe_every_n_layers": 0,
        "parallel_block": False,
        "prenorm": False,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "scale_attn_by_inverse_layer_idx": False,
        "scale_attn_weights": True,
        "use_rms_norm": False,
    },
    options=_options,
    ignored=(
        *("dense_seq_output", "expert_choice_router", "ffn_div", "fused_bias_fc"),
        *(
            "fused_dropout_add_ln",
            "max_trained_positions",
            "moe_impl",
            "moe_normalize_expert_weights",
        ),
        *("moe_resid_pdrop", "moe_top_k", "num_shared_experts"),
        *("parallel_block_tied_norm", "reorder_and_upcast_attn", "summary_activation"),
        *("summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj"),
        *("use_flash_attn", "use_xentropy"),
    ),
    other_versions=_other_versions,
)
