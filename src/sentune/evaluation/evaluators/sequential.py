"""Several evaluators as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError
from sentune.evaluation.evaluators.base import SentenceEvaluator

__all__ = ["SequentialEvaluator"]

Evaluator = Callable[..., Mapping[str, float] | float]


def _last(scores: Sequence[float]) -> float:
    return scores[-1]


class SequentialEvaluator(SentenceEvaluator):
    """Calls evaluators one after another, and makes one score of theirs.

    Args:
        evaluators: in this order. Of one that returns several figures the score is that of its
            ``primary_metric``, or the first.
        main_score_function: the scores, in this order → one number; the last when left out.

    Attributes:
        primary_metric: ``sequential_score``.

    Raises:
        ArgumentError: no evaluator.
    """

    primary_metric = "sequential_score"

    def __init__(
        self,
        evaluators: Iterable[Evaluator],
        main_score_function: Callable[[Sequence[float]], float] = _last,
    ) -> None:
        super().__init__()
        self.evaluators = list(evaluators)
        self.main_score_function = main_score_function
        if not self.evaluators or not all(map(callable, self.evaluators)):
            raise ArgumentError(
                "evaluators without one to call"
                if not self.evaluators
                else "evaluators of which one cannot be called",
                expected="at least one evaluator",
                fix="pass a list of evaluators",
            )

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Call all of them.

        Returns:
            All their figures (of equal keys the last), those without a key as ``evaluator_{i}``,
            and the one score as ``sequential_score``.
        """
        scores: list[float] = []
        metrics: dict[str, float] = {}
        for number, evaluator in enumerate(self.evaluators):
            found = evaluator(model, output_path, epoch, steps)
            if isinstance(found, Mapping):
                key = getattr(evaluator, "primary_metric", None)
                scores.append(found.get(str(key), next(iter(found.values()))))
                metrics |= found
            else:
                scores.append(found)
                metrics[f"evaluator_{number}"] = found
        return {**metrics, "sequential_score": self.main_score_function(scores)}
