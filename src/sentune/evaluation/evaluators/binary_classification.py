"""Pairs that belong together or not, told apart by their similarity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import (
    checked_functions,
    encode,
    encode_options,
    functions_of,
    pair_scores,
    require_equal_lengths,
)
from sentune.evaluation.thresholds import (
    average_precision,
    best_accuracy,
    best_f1,
    matthews_correlation,
)

__all__ = ["BinaryClassificationEvaluator"]

_DISTANCES = ("euclidean", "manhattan")
_CSV = (
    *("accuracy", "accuracy_threshold", "f1", "precision", "recall", "f1_threshold", "ap", "mcc"),
)


class BinaryClassificationEvaluator(SentenceEvaluator):
    """How well a threshold on the similarity tells pairs that belong together from all others.

    Example::

        >>> from sentune import SentenceTransformer
        >>> from sentune.evaluation import BinaryClassificationEvaluator
        >>> left, right = ["a cat sleeps", "a cat sleeps"], ["the cat is sleeping", "tax law"]
        >>> evaluator = BinaryClassificationEvaluator(left, right, labels=[1, 0])
        >>> evaluator(SentenceTransformer("all-MiniLM-L6-v2"))["cosine_ap"]
        1.0

    Args:
        sentences1: n texts.
        sentences2: the other text of each pair.
        labels: 1 for pairs that belong together, 0 for all others.
        name: in front of every key.
        batch_size, show_progress_bar, truncate_dim: passed to the model.
        write_csv: append a row to ``binary_classification_evaluation_{name}_results.csv`` when
            called with an ``output_path``.
        similarity_fn_names: the functions to measure by; that of the model when None.

    Attributes:
        primary_metric: ``{name}_{function}_ap``, or ``{name}_max_ap`` with several functions.

    Raises:
        DataError: no pair, lengths that differ, or labels other than 0 and 1.
        ArgumentError: an unknown function.
    """

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        labels: Sequence[int],
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.sentences1, self.sentences2 = list(sentences1), list(sentences2)
        self.labels = list(labels)
        require_equal_lengths(
            "give each pair a label",
            sentences1=self.sentences1,
            sentences2=self.sentences2,
            labels=self.labels,
        )
        wrong = [label for label in self.labels if label not in (0, 1)]
        if wrong or not self.labels:
            raise DataError(
                f"the label {wrong[0]!r}" if wrong else "no pair",
                expected="pairs with the label 1 (they belong together) or 0",
                fix="turn scores into 0 and 1 first, or use EmbeddingSimilarityEvaluator",
            )
        self.name = name
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.write_csv, self.truncate_dim = write_csv, truncate_dim
        self.similarity_fn_names = checked_functions(similarity_fn_names)
        self.csv_file = f"binary_classification_evaluation_{named(name, 'results')}.csv"
        self._decide(self.similarity_fn_names or ["cosine"])

    @classmethod
    def from_input_examples(
        cls, examples: Sequence[Any], **options: Any
    ) -> BinaryClassificationEvaluator:
        """The evaluator of objects with two ``.texts`` and a ``.label`` of 0 or 1."""
        left, right = ([one.texts[side] for one in examples] for side in range(2))
        return cls(left, right, [one.label for one in examples], **options)

    def _decide(self, functions: Sequence[str]) -> None:
        self.primary_metric = named(
            self.name, f"{'max' if len(functions) > 1 else functions[0]}_ap"
        )

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode both sides and measure.

        Returns:
            For each function, under ``{name}_{function}_…``: ``accuracy`` and ``f1`` at their
            best thresholds, ``accuracy_threshold`` and ``f1_threshold``, the ``precision``,
            ``recall`` and Matthews correlation ``mcc`` at the latter, and the average precision
            ``ap``. With several functions also the highest of each, as ``{name}_max_…``.
            Thresholds of euclidean and manhattan are distances.

        Raises:
            ModelError: a similarity is not finite.
            OutputError: the CSV file cannot be written.
        """
        functions = functions_of(model, self.similarity_fn_names, None)
        self._decide(functions)
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        left, right = (
            encode(model, texts, **options) for texts in (self.sentences1, self.sentences2)
        )
        labels = np.asarray(self.labels).astype(bool)
        found = {
            function: _figures(pair_scores(model, left, right, function), labels, function)
            for function in functions
        }
        if output_path is not None and self.write_csv:
            row = {f"{name}_{key}": found[name][key] for name in functions for key in _CSV}
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **row})
        metrics = {f"{name}_{key}": n for name in functions for key, n in found[name].items()}
        if len(functions) > 1:
            for key in found[functions[0]]:
                metrics[f"max_{key}"] = max(found[name][key] for name in functions)
        return self._finished(model, metrics, epoch, steps)

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        return {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}


def _figures(scores: NDArray[Any], labels: NDArray[np.bool_], function: str) -> dict[str, float]:
    sign = -1.0 if function in _DISTANCES else 1.0  # scores of distances are negated
    accuracy, accuracy_threshold = best_accuracy(scores, labels)
    best = best_f1(scores, labels)
    return {
        "accuracy": accuracy,
        "accuracy_threshold": sign * accuracy_threshold,
        "f1": best.f1,
        "f1_threshold": sign * best.threshold,
        "precision": best.precision,
        "recall": best.recall,
        "ap": average_precision(scores, labels),
        "mcc": matthews_correlation(scores >= best.threshold, labels),
    }
