"""Pairs with scores that people gave: does the similarity agree with them?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.errors import DataError
from sentune.evaluation.correlation import pearson, require_different, spearman
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import (
    checked_functions,
    encode,
    encode_options,
    function_name,
    functions_of,
    pair_scores,
)
from sentune.ranking.retrieval_model import PairModel

__all__ = ["EmbeddingSimilarityEvaluator"]

_PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


class EmbeddingSimilarityEvaluator(SentenceEvaluator):
    """How well a model's similarity agrees with the scores that people gave to sentence pairs.

    Example::

        >>> from sentune import EmbeddingSimilarityEvaluator, SentenceTransformer
        >>> left, right = ["a cat sleeps", "a cat sleeps"], ["the cat is sleeping", "tax law"]
        >>> evaluator = EmbeddingSimilarityEvaluator(left, right, scores=[5.0, 0.0])
        >>> round(evaluator(SentenceTransformer("all-MiniLM-L6-v2"))["spearman_cosine"], 6)
        1.0

    Args:
        sentences1: n sentences.
        sentences2: the other sentence of each pair.
        scores: how similar people found them, on any scale; Spearman uses their order only.
        batch_size, show_progress_bar, truncate_dim: passed to the model.
        main_similarity: the function to measure by, and the one of ``primary_metric``. That of
            the model when None.
        similarity_fn_names: the functions to measure by.
        name: in front of every key.
        write_csv: append a row to ``similarity_evaluation_{name}_results.csv`` when called with
            an ``output_path``; with a precision its name is before ``results``.
        precision: measure vectors that are scaled to unit length and quantized: ``float32``,
            ``int8``, ``uint8``, ``binary`` or ``ubinary``. Ranges are those of all the sentences.

    Attributes:
        primary_metric: ``{name}_spearman_{function}``, or ``{name}_spearman_max`` with several
            functions and no main one; the function is that of the last model.

    Raises:
        DataError: Lengths that differ, or scores without two different finite values.
        ArgumentError: An unknown function or precision.
    """

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        scores: Sequence[float],
        batch_size: int = 16,
        main_similarity: Any = None,
        similarity_fn_names: Sequence[str] | None = None,
        name: str = "",
        show_progress_bar: bool = False,
        write_csv: bool = True,
        precision: str | None = None,
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.sentences1 = list(sentences1)
        self.sentences2 = list(sentences2)
        self.scores = np.asarray(scores, dtype=np.float64)
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.main_similarity = function_name("main_similarity", main_similarity)
        self.similarity_fn_names = checked_functions(similarity_fn_names)
        self.name, self.write_csv, self.truncate_dim = name, write_csv, truncate_dim
        self.precision = precision
        if precision is not None:
            require_choice("precision", precision, _PRECISIONS)
        parts = ["similarity_evaluation", name, precision or "", "results.csv"]
        self.csv_file = "_".join(filter(None, parts))
        self._decide(self.similarity_fn_names or ["cosine"])
        sizes = (len(self.sentences1), len(self.sentences2), self.scores.size)
        if len(set(sizes)) != 1:
            raise DataError(
                f"{sizes[0]} first sentences, {sizes[1]} second ones and {sizes[2]} scores",
                expected="the same number of each",
                fix="give each pair a score",
            )
        require_different("scores", self.scores, fix="check the column of the scores")

    @classmethod
    def from_input_examples(
        cls, examples: Sequence[Any], **options: Any
    ) -> EmbeddingSimilarityEvaluator:
        """The evaluator of objects with two ``.texts`` and a ``.label``."""
        left, right = ([one.texts[side] for one in examples] for side in range(2))
        return cls(left, right, [one.label for one in examples], **options)

    def _decide(self, functions: Sequence[str]) -> None:
        several = "max" if len(functions) > 1 else functions[0]
        self.primary_metric = named(self.name, f"spearman_{self.main_similarity or several}")

    def __call__(
        self,
        model: PairModel,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode both sides and correlate.

        Returns:
            ``{name}_pearson_{function}`` and ``{name}_spearman_{function}`` for each function, and
            with several the highest as ``…_max``; NaN, as in the reference, if all similarities
            are equal.

        Raises:
            ModelError: A similarity is not finite.
            OutputError: The CSV file cannot be written.
        """
        functions = functions_of(model, self.similarity_fn_names, self.main_similarity)
        self._decide(functions)
        found = {}
        for function, similarities in self._similarities(model, functions).items():
            found[f"pearson_{function}"] = pearson(self.scores, similarities)
            found[f"spearman_{function}"] = spearman(self.scores, similarities)
        if output_path is not None and self.write_csv:
            row = {"_".join(reversed(key.split("_"))): value for key, value in found.items()}
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **row})
        if len(functions) > 1:
            for kind in ("pearson", "spearman"):
                of_kind = [found[f"{kind}_{function}"] for function in functions]
                found[f"{kind}_max"] = max(of_kind)
        return self._finished(model, found, epoch, steps)

    def similarities(self, model: PairModel) -> NDArray[np.floating[Any]]:
        """The similarity of each pair by the first function, (n,). Raises ModelError."""
        functions = functions_of(model, self.similarity_fn_names, self.main_similarity)[:1]
        return self._similarities(model, functions)[functions[0]]

    def _similarities(
        self, model: PairModel, functions: Sequence[str]
    ) -> dict[str, NDArray[np.floating[Any]]]:
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        if self.precision is not None:
            options |= {"precision": self.precision, "normalize_embeddings": True}
        count = len(self.sentences1)
        if self.precision in ("int8", "uint8"):  # in one call, so that both have the same ranges
            both = encode(model, [*self.sentences1, *self.sentences2], **options)
            sides = [both[:count], both[count:]]
        else:
            sides = [encode(model, one, **options) for one in (self.sentences1, self.sentences2)]
        left, right = (_as_numbers(side, self.precision) for side in sides)
        return {function: pair_scores(model, left, right, function) for function in functions}

    @property
    def description(self) -> str:
        """As the base class."""
        return "Semantic Similarity"

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        given = {"truncate_dim": self.truncate_dim, "precision": self.precision}
        return {name: value for name, value in given.items() if value is not None}


def _as_numbers(vectors: NDArray[Any], precision: str | None) -> NDArray[Any]:
    """Quantized vectors as float32; of bits, each bit is a dimension."""
    if precision == "binary":
        vectors = (vectors.astype(np.int16) + 128).astype(np.uint8)
    if precision in ("binary", "ubinary"):
        vectors = np.unpackbits(vectors, axis=1)
    return vectors if vectors.dtype.kind == "f" else vectors.astype(np.float32)
