"""What evaluators return → one flat mapping of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sentune.errors import ArgumentError
from sentune.wording import named_kind

__all__ = ["Evaluator", "as_evaluator", "metrics_of"]

Evaluator = Callable[..., Mapping[str, float] | float]
"""Called with the model, and ``output_path``, ``epoch`` and ``steps`` by name."""


def as_evaluator(given: Evaluator | Sequence[Evaluator] | None) -> Evaluator | None:
    """One evaluator of one or several. Raises ArgumentError for anything else."""
    several: list[Any] = [*given] if isinstance(given, list | tuple) else [given]
    for one in several:
        if one is not None and not callable(one):
            raise ArgumentError(
                f"evaluator holds {named_kind(one)}",
                expected="evaluators, which are called with the model",
                fix="pass an evaluator of sentune.evaluation, or a list of them",
            )
    if isinstance(given, list | tuple):
        return _InTurn(several) if several else None
    one_or_none: Evaluator | None = several[0]
    return one_or_none


def metrics_of(
    evaluator: Evaluator, model: Any, name: str = "evaluator", **options: Any
) -> dict[str, float]:
    """Ask an evaluator; a single number that it returns is called ``name``.

    A function gets those of ``options`` that it has parameters for, so that one which takes the
    model alone will do.
    """
    try:
        takes = inspect.signature(evaluator).parameters
    except (TypeError, ValueError):  # written in C
        takes = inspect.signature(metrics_of).parameters
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values()):
        options = {key: value for key, value in options.items() if key in takes}
    found = evaluator(model, **options)
    return {**found} if isinstance(found, Mapping) else {name: found}


class _InTurn:
    """Several evaluators as one; the score is that of the last, as in the reference."""

    primary_metric = "sequential_score"

    def __init__(self, evaluators: Sequence[Evaluator]) -> None:
        self.evaluators = evaluators

    def __call__(self, model: Any, **options: Any) -> dict[str, float]:
        """The metrics of all, and ``sequential_score``."""
        together: dict[str, float] = {}
        score = 0.0
        for number, evaluator in enumerate(self.evaluators):
            given = metrics_of(evaluator, model, f"evaluator_{number}", **options)
            name = getattr(evaluator, "primary_metric", None)
            score = given[name] if name in given else next(iter(given.values()))
            together |= given
        return {**together, self.primary_metric: score}
