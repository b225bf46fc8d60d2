"""What evaluators ask of a model: vectors of texts, and similarities of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.errors import DataError
from sentune.network.names import SIMILARITY_FUNCTIONS
from sentune.vectors import require_finite

__all__ = [
    "checked_functions",
    "encode",
    "encode_options",
    "function_name",
    "functions_of",
    "pair_scores",
    "require_equal_lengths",
]

Vectors = NDArray[Any]


def encode_options(batch_size: int, show_progress_bar: bool, **further: Any) -> dict[str, Any]:
    """The options of ``encode``; of the further ones those that are not None."""
    given = {name: value for name, value in further.items() if value is not None}
    return {"batch_size": batch_size, "show_progress_bar": show_progress_bar, **given}


def encode(model: Any, texts: Sequence[str], kind: str = "encode", **options: Any) -> Vectors:
    """(n, dim) vectors from ``encode``, ``encode_query`` or ``encode_document`` of a model.

    A model without the last two is asked for ``encode``. Tensors become arrays.
    """
    method = getattr(model, kind, None) or model.encode
    vectors = method(list(texts), **options)
    if hasattr(vectors, "detach"):
        vectors = vectors.detach().float().cpu().numpy()
    return np.asarray(vectors)


def function_name(argument: str, given: Any) -> str | None:
    """The name of a similarity function given as a text or a member of ``SimilarityFunction``.

    None stays None. Raises ArgumentError for an unknown one.
    """
    if given is None:
        return None
    return require_choice(argument, getattr(given, "value", given), SIMILARITY_FUNCTIONS)


def checked_functions(names: Sequence[Any] | None) -> list[str] | None:
    """The names in ``similarity_fn_names``. Raises ArgumentError for an unknown one."""
    if not names:
        return None
    return [str(function_name("similarity_fn_names", name)) for name in names]


def functions_of(model: Any, names: Sequence[str] | None, main: str | None) -> list[str]:
    """The functions to measure by: the named ones, else the main one, else that of the model."""
    if names:
        return list(names)
    return [main or str(function_name("similarity_fn_name", model.similarity_fn_name))]


def pair_scores(model: Any, left: Vectors, right: Vectors, function: str) -> NDArray[Any]:
    """Similarity of the i-th vectors of both sides, (n,). Raises ModelError if not finite."""
    if function == getattr(model, "similarity_fn_name", None) and left.dtype == np.float32:
        found = np.asarray(model.similarity_pairwise(left, right))
    else:
        from sentune.encoding.similarity import similarity_pairwise

        found = similarity_pairwise(left, right, function).numpy()
    require_finite(found, "the similarities")
    return found


def require_equal_lengths(fix: str, **sides: Sequence[object]) -> None:
    """Raise DataError unless all sides are equally long."""
    if len({len(side) for side in sides.values()}) > 1:
        counts = " and ".join(f"{len(side)} {name}" for name, side in sides.items())
        raise DataError(counts, expected="the same number of each", fix=fix)
