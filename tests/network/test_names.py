"""Every name that can be chosen is computed, in the order in which they are listed."""

from __future__ import annotations

from sentune.encoding import similarity
from sentune.network import linear, names, pooling


def test_every_name_is_computed() -> None:
    assert tuple(linear.ACTIVATIONS) == names.ACTIVATION_NAMES
    assert tuple(pooling._MODES) == names.POOLING_MODES
    assert tuple(similarity._ALL_PAIRS) == names.SIMILARITY_FUNCTIONS
    assert tuple(similarity._ROW_BY_ROW) == names.SIMILARITY_FUNCTIONS


def test_some_are_computed_in_one_pass() -> None:
    apart = {"silu", "swish", "quick_gelu"}
    assert set(names.FUSED_ACTIVATIONS) == {None, *names.ACTIVATION_NAMES} - apart
