"""The evaluations of ``fit``: when, where their files go, and which weights were best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.evaluating import Evaluator, metrics_of
from sentune.training.trainer import SentenceTransformerTrainer

__all__ = ["Score", "save_weights"]


class Score(TrainerCallback):  # type: ignore[misc]
    """Starts each evaluation, and remembers the best weights."""

    def __init__(
        self,
        trainer: SentenceTransformerTrainer,
        evaluator: Evaluator,
        epochs: int,
        every: int,
        callback: Callable[[float, float, int], None] | None,
        output_path: str | Path | None,
    ) -> None:
        self._trainer, self._evaluator = trainer, evaluator
        self._epochs, self._every, self._callback = epochs, every, callback
        self._folder = None if output_path is None else str(Path(output_path) / "eval")
        self._best: float | None = None
        self.best_weights: dict[str, torch.Tensor] | None = None
        trainer.evaluator = self._measure

    def _measure(self, model: SentenceTransformer, epoch: float, steps: int) -> dict[str, float]:
        return metrics_of(
            self._evaluator, model, output_path=self._folder, epoch=epoch, steps=steps
        )

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> None:
        """Ask for an evaluation if it is time."""
        del args
        epoch = max(1, state.max_steps // self._epochs)
        if state.global_step % epoch == 0 or (self._every and not state.global_step % self._every):
            control.should_evaluate = True

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **_: Any
    ) -> None:
        """Keep the weights if they are the best, and call the callback."""
        del args, control
        name = getattr(self._evaluator, "primary_metric", None) or "evaluator"
        key = f"eval_{str(name).removeprefix('eval_')}"
        if key not in metrics:
            raise ArgumentError(
                f"an evaluator without the metric {name}",
                expected="a number, or metrics with the one that primary_metric names",
                fix="set primary_metric of the evaluator",
            )
        score = metrics[key]
        sign = 1 if getattr(self._evaluator, "greater_is_better", True) else -1
        if self._best is None or sign * score > sign * self._best:
            self._best = score
            weights = self._trainer.model.state_dict()
            self.best_weights = {name: value.detach().clone() for name, value in weights.items()}
        if self._callback is not None:
            self._callback(score, state.epoch, state.global_step)


def save_weights(
    model: SentenceTransformer, path: str | Path, weights: dict[str, torch.Tensor] | None
) -> None:
    """Write the model with these weights; it has its last weights afterwards."""
    if weights is None:
        model.save_pretrained(path)
        return
    last = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    try:
        model.save_pretrained(path)
    finally:
        model.load_state_dict(last)
