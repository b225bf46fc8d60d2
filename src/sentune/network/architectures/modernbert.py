"""ModernBERT (Warner et al. 2024): rotary positions, and a window in most layers."""

from __future__ import annotations

import math

from sentune.network.architectures.architecture import Architecture, Options
from sentune.network.config import AttentionKind, ConfigReader, EncoderConfig

__all__ = ["MODERNBERT"]

_GLOBAL, _LOCAL = "full_attention", "sliding_attention"


def _attention_kinds(given: ConfigReader) -> tuple[AttentionKind, ...]:
    """transformers 5 lists the layers; in version 4 every n-th is global."""
    kinds = {
        _GLOBAL: AttentionKind(None, _theta(given, _GLOBAL, "global_rope_theta", 160_000.0)),
        _LOCAL: AttentionKind(
            given.size("local_attention", 128) // 2,
            _theta(given, _LOCAL, "local_rope_theta", 10_000.0),
        ),
    }
    listed = given.get("layer_types")
    if listed is None:
        every = given.size("global_attn_every_n_layers", 3, most=1000)
        return (kinds[_GLOBAL], *[kinds[_LOCAL]] * (every - 1))
    layers = given.size("num_hidden_layers")
    if not isinstance(listed, list) or len(listed) != layers:
        raise given.wrong("layer_types", f"a list of {layers} kinds, one a layer")
    if any(kind not in list(kinds) for kind in listed):
        raise given.unsupported("layer_types", f"{_GLOBAL} and {_LOCAL} only")
    return tuple(kinds[kind] for kind in listed)


def _theta(given: ConfigReader, kind: str, older_name: str, usual: float) -> float:
    rope = given.get("rope_parameters") or {}
    rope = rope.get(kind) or {} if isinstance(rope, dict) else rope
    if not isinstance(rope, dict):
        raise given.wrong("rope_parameters", "an object with an object for each kind of layer")
    if rope.get("rope_type", "default") != "default":
        raise given.unsupported("rope_parameters", "the rope_type 'default'")
    theta = rope.get("rope_theta", given.get(older_name, usual))
    if type(theta) not in (int, float) or not 0 < theta < math.inf:
        named = "rope_parameters" if "rope_theta" in rope else older_name
        raise given.wrong(named, "a number above 0")
    return float(theta)


def _other_versions(config: EncoderConfig) -> Options:
    """The names in transformers 4, which would use its defaults instead of today's names."""
    kinds = [config.attention_kind(number) for number in range(config.num_hidden_layers)]
    everywhere = [number for number, kind in enumerate(kinds) if kind.window is None]
    every = everywhere[1] if len(everywhere) > 1 else config.num_hidden_layers
    if everywhere != list(range(0, config.num_hidden_layers, every)):
        return {}  # version 4 cannot express these layers
    thetas = {
        f"{name}_rope_theta": kind.rotary_theta
        for kind in kinds
        for name in ("global" if kind.window is None else "local",)
    }
    return {"global_attn_every_n_layers": every, **thetas}


MODERNBERT = Architecture(
    model_type="modernbert",
    model_class="ModernBertModel",
    names={
        "embeddings.word": "embeddings.tok_embeddings",
        "embeddings.norm": "embeddings.norm",
        "layers.{}.qkv": "layers.{}.attn.Wqkv",
        "layers.{}.attention_output": "layers.{}.attn.Wo",
        "layers.{}.attention_norm": "layers.{}.attn_norm",
        "layers.{}.up": "layers.{}.mlp.Wi",
        "layers.{}.down": "layers.{}.mlp.Wo",
        "layers.{}.output_norm": "layers.{}.mlp_norm",
        "final_norm": "final_norm",
    },
    prefix="model.",
    heads=("head.", "decoder."),
    spelling={"hidden_act": "hidden_activation", "layer_norm_eps": "norm_eps"},
    dropout={
        "embeddings": "embedding_dropout",
        "attention": "attention_dropout",
        "attention_output": "attention_dropout",
        "inner": "mlp_dropout",
    },
    usual_dropout=0.0,
    fixed={"rope_scaling": None},
    other_versions=_other_versions,
    options=lambda given: {
        "layer_norm_eps": given.fraction("layer_norm_eps", 1e-5),
        "attention_kinds": _attention_kinds(given),
        "norm_first": True,
        "gated": True,
        "attention_bias": given.flag("attention_bias", False),
        "up_bias": given.flag("mlp_bias", False),
        "down_bias": given.flag("mlp_bias", False),
        "norm_bias": given.flag("norm_bias", False),
    },
)
