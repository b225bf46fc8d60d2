"""Every name that can be chosen is computed, in the order in which they are listed."""

from __future__ import annotations

from sentune.encoding import similarity
from sentune.network import linear, names, numpy_encoder, pooling


def test_every_name_is_computed() -> None:
    assert tuple(linear.ACTIVATIONS) == names.ACTIVATION_NAMES
    assert tuple(pooling._MODES) == names.POOLING_MODES
    assert tuple(similarity._ALL_PAIRS) == names.SIMILARITY_FUNCTIONS
    assert tuple(similarity._ROW_BY_ROW) == names.SIMILARITY_FUNCTIONS


def test_numpy_computes_some_of_them() -> None:
    assert set(numpy_encoder._ACTIVATIONS) == set(names.ACTIVATION_NAMES) - {"silu"}
