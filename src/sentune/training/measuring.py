"""The trainer's evaluations: losses over held-out data, and the metrics of an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerControl

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.training.batches.examples import Datasets, TrainingData
from sentune.training.evaluating import Evaluator, metrics_of
from sentune.training.losses import EmbeddingLoss
from sentune.training.resuming import ResumableTrainer

__all__ = ["MeasuringTrainer"]


class MeasuringTrainer(ResumableTrainer):
    """A trainer that knows the loss of each data set, and evaluates."""

    loss: EmbeddingLoss | Mapping[str, EmbeddingLoss]
    evaluator: Evaluator | None
    eval_data: TrainingData | None

    _read = staticmethod(TrainingData.of)

    def _loss_of(self, dataset: str) -> EmbeddingLoss:
        if isinstance(self.loss, EmbeddingLoss):
            return self.loss
        if dataset not in self.loss:
            raise ArgumentError(
                f"no loss for the data set {dataset!r}"
                if dataset
                else "losses by name for one data set without a name",
                expected=f"a loss for every data set, not only for {', '.join(self.loss)}",
                fix="add it to loss, or pass one loss for all data",
            )
        return self.loss[dataset]

    def evaluate(
        self,
        eval_dataset: Datasets | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """The loss over held-out data, and the metrics of the evaluator.

        ``eval_dataset`` is used instead of the trainer's; ``metric_key_prefix`` begins every key.

        Raises:
            ArgumentError: there is nothing to evaluate with, or ``metric_for_best_model`` is not
                among the metrics.
        """
        del ignore_keys
        data = self.eval_data if eval_dataset is None else self._read(eval_dataset)
        if data is None and self.evaluator is None:
            raise ArgumentError(
                "no eval_dataset and no evaluator",
                expected="one of them to evaluate with",
                fix="pass one of them to the trainer",
            )
        self.model.eval()
        found = {} if data is None else self._mean_losses(data)
        found |= {} if self.evaluator is None else self._measured(self.evaluator)
        prefix = f"{metric_key_prefix}_"
        found = {key.removeprefix(prefix): float(value) for key, value in found.items()}
        metrics = {prefix + key: value for key, value in found.items()}
        if self.args.metric_for_best_model is not None:
            wanted = self.args.metric_for_best_model.removeprefix(prefix)
            require_choice("metric_for_best_model", wanted, [*found])
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _measured(self, evaluator: Evaluator) -> dict[str, float]:
        """The metrics of the evaluator, whose files go to ``eval`` in the run's folder."""
        folder = self.args.output_dir if self.args.should_save else None
        return metrics_of(
            evaluator,
            self.model,
            output_path=str(Path(folder) / "eval") if folder else None,
            epoch=-1 if self.state.epoch is None else self.state.epoch,
            steps=self.state.global_step,
        )

    def _loss_value(self, batch: Any) -> float:
        return float(self._loss_of(batch.dataset).compute(self.model, batch))

    @torch.no_grad()
    def _mean_losses(self, data: TrainingData) -> dict[str, float]:
        size = self.args.per_device_eval_batch_size
        found = {}
        for name in data.columns:
            rows = [row for row in data.rows if row.dataset == name]
            total = 0.0
            for start in range(0, len(rows), size):
                batch = self.data_collator(rows[start : start + size])["batch"]
                batch = batch.to(self.args.device)
                total += batch.rows * self._loss_value(batch)
            found[f"{name}_loss" if name else "loss"] = total / len(rows)
        return found
