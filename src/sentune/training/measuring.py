"""The trainer's evaluations: losses over held-out data, and the metrics of an evaluator."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerControl

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.training.batches.examples import Datasets, Row, TrainingData
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
        prefix = f"{metric_key_prefix}_"
        entries = [] if data is None else self._of_each(data, prefix)
        if self.evaluator is not None:
            started = time.perf_counter()
            found = self._measured(self.evaluator)
            measured = {prefix + key.removeprefix(prefix): float(x) for key, x in found.items()}
            if not entries:
                measured[f"{prefix}runtime"] = round(time.perf_counter() - started, 4)
                measured |= {f"{prefix}{what}_per_second": 0.0 for what in ("samples", "steps")}
            # Before the times of the first data set, as in the reference.
            entries[:1] = [_merged(entries[0] if entries else {}, measured)]
        if self.args.metric_for_best_model is not None:
            wanted = self.args.metric_for_best_model.removeprefix(prefix)
            known = [name.removeprefix(prefix) for entry in entries for name in entry]
            require_choice("metric_for_best_model", wanted, known)
        for entry in entries:
            self._note(entry)
        metrics = {name: value for entry in entries for name, value in entry.items()}
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _note(self, entry: dict[str, float]) -> None:
        """Log what was measured, which adds the epoch to it."""
        self.log(entry)

    def _of_each(self, data: TrainingData, prefix: str) -> list[dict[str, float]]:
        """The loss of each data set, and the time that it took, as transformers names them."""
        size, entries = self.args.per_device_eval_batch_size, []
        for name in data.columns:
            rows, started = [row for row in data.rows if row.dataset == name], time.perf_counter()
            loss, of = self._mean_loss(rows), f"{prefix}{name}_" if name else prefix
            seconds = time.perf_counter() - started
            entries.append(
                {
                    f"{of}loss": loss,
                    f"{of}runtime": round(seconds, 4),
                    f"{of}samples_per_second": round(len(rows) / seconds, 3),
                    f"{of}steps_per_second": round(-(-len(rows) // size) / seconds, 3),
                }
            )
        return entries

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
    def _mean_loss(self, rows: Sequence[Row]) -> float:
        size, total = self.args.per_device_eval_batch_size, 0.0
        for start in range(0, len(rows), size):
            batch = self.data_collator(rows[start : start + size])["batch"].to(self.args.device)
            total += batch.rows * self._loss_value(batch)
        return total / len(rows)


def _merged(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    """The loss, what an evaluator found, and then the times."""
    losses = {name: value for name, value in first.items() if name.endswith("loss")}
    return {**losses, **second, **first}
