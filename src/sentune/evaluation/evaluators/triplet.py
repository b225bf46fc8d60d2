"""Triplets: the positive should be nearer to the anchor than the negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentune.checks import require_number
from sentune.errors import ArgumentError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import (
    checked_functions,
    encode,
    encode_options,
    function_name,
    functions_of,
    pair_scores,
    require_equal_lengths,
)
from sentune.network.names import SIMILARITY_FUNCTIONS

__all__ = ["TripletEvaluator"]

_OLD_NAME = "deprecated"


class TripletEvaluator(SentenceEvaluator):
    """The share of triplets whose positive is more alike to the anchor than the negative.

    Example::

        >>> from sentune import SentenceTransformer
        >>> from sentune.evaluation import TripletEvaluator
        >>> evaluator = TripletEvaluator(["a cat"], ["a kitten"], ["tax law"])
        >>> evaluator(SentenceTransformer("all-MiniLM-L6-v2"))
        {'cosine_accuracy': 1.0}

    Args:
        anchors: n texts, encoded as questions.
        positives: a text for each anchor, encoded as a passage, as are the negatives.
        negatives: another one, which should be less alike.
        main_similarity_function: the function to measure by, and the one of ``primary_metric``.
            That of the model when None.
        margin: by how much the positive must be more alike: a number, or one for each function by
            name; 0 when None.
        name: in front of every key.
        batch_size, show_progress_bar, truncate_dim: passed to the model.
        write_csv: append a row to ``triplet_evaluation_{name}_results.csv`` when called with an
            ``output_path``.
        similarity_fn_names: the functions to measure by.
        main_distance_function: the older name of ``main_similarity_function``.

    Attributes:
        primary_metric: ``{name}_{function}_accuracy``, or ``{name}_max_accuracy`` with several
            functions and no main one.

    Raises:
        DataError: lengths that differ.
        ArgumentError: an unknown function, or margins that are not numbers.
    """

    def __init__(
        self,
        anchors: Sequence[str],
        positives: Sequence[str],
        negatives: Sequence[str],
        main_similarity_function: Any = None,
        margin: float | Mapping[str, float] | None = None,
        name: str = "",
        batch_size: int = 16,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
        main_distance_function: Any = _OLD_NAME,
    ) -> None:
        super().__init__()
        self.anchors, self.positives = list(anchors), list(positives)
        self.negatives = list(negatives)
        require_equal_lengths(
            "give each anchor a positive and a negative",
            anchors=self.anchors,
            positives=self.positives,
            negatives=self.negatives,
        )
        older = None if main_distance_function == _OLD_NAME else main_distance_function
        main = older if main_similarity_function is None else main_similarity_function
        self.main_similarity_function = function_name("main_similarity_function", main)
        self.margin = _margins(margin)
        self.name = name
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.write_csv, self.truncate_dim = write_csv, truncate_dim
        self.similarity_fn_names = checked_functions(similarity_fn_names)
        self.csv_file = f"triplet_evaluation_{named(name, 'results')}.csv"
        self._decide(self.similarity_fn_names or ["cosine"])

    @classmethod
    def from_input_examples(cls, examples: Sequence[Any], **options: Any) -> TripletEvaluator:
        """The evaluator of objects with three ``.texts``: anchor, positive, negative."""
        anchors, positives, negatives = ([one.texts[side] for one in examples] for side in range(3))
        return cls(anchors, positives, negatives, **options)

    def _decide(self, functions: Sequence[str]) -> None:
        several = "max" if len(functions) > 1 else functions[0]
        key = f"{self.main_similarity_function or several}_accuracy"
        self.primary_metric = named(self.name, key)

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode and compare.

        Returns:
            ``{name}_{function}_accuracy`` for each function, and with several the highest as
            ``{name}_max_accuracy``.

        Raises:
            ModelError: a similarity is not finite.
            OutputError: the CSV file cannot be written.
        """
        functions = functions_of(model, self.similarity_fn_names, self.main_similarity_function)
        self._decide(functions)
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        anchors = encode(model, self.anchors, "encode_query", **options)
        positives = encode(model, self.positives, "encode_document", **options)
        negatives = encode(model, self.negatives, "encode_document", **options)
        found = {}
        for function in functions:
            near = pair_scores(model, anchors, positives, function)
            far = pair_scores(model, anchors, negatives, function)
            found[function] = float((near > far + self.margin[function]).mean())
        if output_path is not None and self.write_csv:
            row = {f"accuracy_{function}": value for function, value in found.items()}
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **row})
        metrics = {f"{function}_accuracy": value for function, value in found.items()}
        if len(found) > 1:
            metrics["max_accuracy"] = max(found.values())
        return self._finished(model, metrics, epoch, steps)

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        given = {"margin": self.margin} if any(self.margin.values()) else {}
        return given | ({} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim})


def _margins(given: float | Mapping[str, float] | None) -> dict[str, float]:
    """A margin for each function, 0 where none is given. Raises ArgumentError."""
    if given is None:
        return dict.fromkeys(SIMILARITY_FUNCTIONS, 0.0)
    if not isinstance(given, Mapping):
        return dict.fromkeys(SIMILARITY_FUNCTIONS, require_number("margin", given))
    names = {function_name("margin", name): value for name, value in given.items()}
    if not names:
        raise ArgumentError(
            "margin is empty", expected="a number, or numbers by function", fix="leave it out"
        )
    return {name: require_number("margin", names.get(name, 0.0)) for name in SIMILARITY_FUNCTIONS}
