"""Rotary positions of one kind for all layers, as a ``config.json`` names them."""

from __future__ import annotations

import math
from typing import Any

from sentune.network.config import AttentionKind, ConfigReader

__all__ = ["positive", "require_whole_heads", "rotary_kind"]

_KEYS = {"rope_type", "type", "rope_theta", "factor", "mixed_b", "partial_rotary_factor"}
_KINDS = ("default", "linear", "ntk")


def rotary_kind(given: ConfigReader, usual_theta: float) -> AttentionKind:
    """Full attention with the angles that ``rope_parameters`` and its older names describe.

    ``linear`` divides all angles by a factor (Chen et al. 2023, arXiv:2306.15595). ``ntk``
    multiplies the base by it, and divides the angles by the factor to the power of two by the
    width of a head, so that the last pair is slowed by the whole factor and the first by little
    (kexue.fm/archives/9706).

    Raises:
        ModelError: a value that makes no sense.
        UnsupportedModelError: another kind of scaling.
    """
    named = "rope_scaling" if given.get("rope_scaling") else "rope_parameters"
    rope = given.get(named) or {}
    if not isinstance(rope, dict):
        raise given.wrong(named, "an object, or null")
    kind = rope.get("rope_type", rope.get("type", "default"))
    whole = rope.get("mixed_b") is None and rope.get("partial_rotary_factor", 1) == 1
    if kind not in list(_KINDS) or not whole or not rope.keys() <= _KEYS:
        raise given.unsupported(named, f"a rope_type of {', '.join(_KINDS)} over whole heads")
    inside = "rope_theta" in rope
    theta = rope.get("rope_theta", given.get("rope_theta", usual_theta))
    if not positive(theta):
        raise given.wrong(named if inside else "rope_theta", "a base of the angles above 0")
    factor: Any = 1.0 if kind == "default" else rope.get("factor")
    if not positive(factor):
        raise given.wrong(named, "a factor above 0")
    if kind != "ntk":
        return AttentionKind(rotary_theta=float(theta), rotary_scale=float(factor))
    size = max(1, given.size("hidden_size") // given.size("num_attention_heads"))
    return AttentionKind(
        rotary_theta=float(theta) * float(factor), rotary_scale=float(factor) ** (2 / size)
    )


def require_whole_heads(given: ConfigReader) -> None:
    """Refuse heads of another width than their part of the vectors. Raises ModelError."""
    hidden, heads = given.size("hidden_size"), given.size("num_attention_heads")
    if given.get("head_dim") not in (None, hidden // heads):
        raise given.unsupported("head_dim", f"{hidden // heads}, hidden_size {hidden} / {heads}")


def positive(value: Any) -> bool:
    """Whether a value is a number above 0."""
    return type(value) in (int, float) and 0 < value < math.inf
