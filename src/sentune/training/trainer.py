"""The training loop: transformers' ``Trainer`` over packed batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError, MissingExtraError, TrainingError
from sentune.hardware import choose_compute, reuse_freed_memory
from sentune.model.sentence_transformer import SentenceTransformer
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.collator import Batch, Collator
from sentune.training.losses import EmbeddingLoss, MultipleNegativesRankingLoss
from sentune.training.samplers import RowBatches

try:
    from transformers import Trainer, TrainerCallback, TrainerControl
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
except ImportError as error:
    raise MissingExtraError("transformers", "train") from error

from sentune.training.progress import TrainingProgress

__all__ = ["SentenceTransformerTrainer"]

_LABELS = ("label", "labels", "score", "scores")  # not needed by any loss so far

Columns = Mapping[str, Sequence[str]]
Evaluator = Callable[..., Mapping[str, float]]


class SentenceTransformerTrainer(Trainer):  # type: ignore[misc]
    """Trains a :class:`SentenceTransformer`.

    All columns of a batch go through the encoder in one packed forward. Weights, gradients and
    optimizer state are float32; the encoder computes in the model's number format, or in the one
    that ``args.bf16`` names.

    Args:
        model: trained in place.
        args: every setting; the defaults of transformers when None.
        train_dataset: :class:`Pairs`, a ``datasets.Dataset``, or columns of equal length. The
            order of the columns decides their role: anchor, positive, negatives.
        eval_dataset: pairs whose loss ``evaluate`` reports as ``eval_loss``.
        loss: MultipleNegativesRankingLoss when None.
        evaluator: called with the model by ``evaluate``; see ``sentune.evaluation``.
        callbacks: further transformers callbacks.

    Raises:
        ArgumentError: columns of different lengths, fewer than two columns or rows.
        TrainingError: from ``train``, when the loss is not finite, naming the step.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Pairs | Columns | None = None,
        eval_dataset: Pairs | Columns | None = None,
        *,
        loss: EmbeddingLoss | None = None,
        evaluator: Evaluator | None = None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        settings = args or SentenceTransformerTrainingArguments()
        if settings.n_gpu > 1:
            settings._n_gpu = 1  # a pack cannot be scattered; several GPUs take torchrun
        super().__init__(
            model=model,
            args=settings,
            data_collator=Collator(model.tokenizer, _prompts(model)),
            train_dataset=None if train_dataset is None else rows_of(train_dataset),
            # transformers asks for a data set where an evaluator alone would do.
            eval_dataset=rows_of(eval_dataset) if eval_dataset else [] if evaluator else None,
            callbacks=callbacks,
        )
        self.loss = loss or MultipleNegativesRankingLoss(model)
        self.evaluator = evaluator
        self.bar = None if settings.disable_tqdm else TrainingProgress()
        for standard in (PrinterCallback, ProgressCallback):
            self.remove_callback(standard)
        if self.bar is not None:
            self.add_callback(self.bar)
        if settings.bf16 is not None:
            name = "bfloat16" if settings.bf16 else "float32"
            model.compute = choose_compute(name, model.device)
        if settings.dropout is not None:
            model.encoder.set_dropout(settings.dropout)

    def train(self, *args: Any, **options: Any) -> Any:
        """Run to the end; the model is left ready to encode. Raises TrainingError."""
        reuse_freed_memory()
        # What was said of the weights before does not hold for the ones to come.
        self.model.own = {}
        self.model.model_card = f"# Tuned from {self.model.base.name} with sentune, not evaluated\n"
        try:
            return super().train(*args, **options)
        finally:
            if self.bar is not None:
                self.bar.close()
            self.model.eval()

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of rows as the batch sampler groups them."""
        if self.train_dataset is None:
            raise ArgumentError(
                "no train_dataset",
                expected="pairs to train on",
                fix="pass train_dataset to the trainer",
            )
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        batches = RowBatches(
            self.train_dataset,
            self._train_batch_size,
            sampler=self.args.batch_sampler,
            seed=seed,
            drop_last=self.args.dataloader_drop_last,
        )
        loader = DataLoader(
            self.train_dataset,
            batch_sampler=batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Batch],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of one batch. Raises TrainingError when it is not finite."""
        del num_items_in_batch
        batch = inputs["batch"]
        vectors = model(batch.pack)
        loss: Tensor = self.loss(batch.columns(vectors))
        value = loss.item()
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {value} at step {self.state.global_step + 1}",
                expected="a finite number",
                fix="lower the learning rate, or train in float32 (bf16=False)",
            )
        if self.bar is not None:
            self.bar.loss, self.bar.pairs = value, self.bar.pairs + batch.rows
        return (loss, vectors) if return_outputs else loss

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the model folder, as ``save_pretrained`` does. Raises OutputError."""
        self.model.save_pretrained(output_dir or self.args.output_dir)

    def evaluate(
        self,
        eval_dataset: Pairs | Columns | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """The loss over held-out pairs and what the evaluator says.

        Args:
            eval_dataset: pairs to use instead of the trainer's own.
            ignore_keys: taken for transformers' sake; nothing is ignored.
            metric_key_prefix: put before every key.
        """
        del ignore_keys
        rows = self.eval_dataset if eval_dataset is None else rows_of(eval_dataset)
        if not rows and self.evaluator is None:
            raise ArgumentError(
                "neither eval_dataset nor evaluator",
                expected="one of them to evaluate with",
                fix="pass it to the trainer",
            )
        found: dict[str, float] = {"loss": self._mean_loss(rows)} if rows else {}
        found |= self.evaluator(self.model) if self.evaluator is not None else {}
        prefix = f"{metric_key_prefix}_"
        metrics = {prefix + key.removeprefix(prefix): float(v) for key, v in found.items()}
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    @torch.no_grad()
    def _mean_loss(self, rows: list[tuple[str, ...]]) -> float:
        size = self.args.per_device_eval_batch_size
        self.model.eval()
        total = 0.0
        for start in range(0, len(rows), size):
            batch = self.data_collator(rows[start : start + size])["batch"].to(self.args.device)
            total += batch.rows * float(self.loss(batch.columns(self.model(batch.pack))))
        return total / len(rows)


def rows_of(dataset: Pairs | Columns) -> list[tuple[str, ...]]:
    """Training rows, one text a column. Raises ArgumentError."""
    if isinstance(dataset, Pairs):
        return list(dataset.rows())
    known = getattr(dataset, "column_names", None) or list(dataset)
    names = [name for name in known if name not in _LABELS]
    columns = [list(dataset[name]) for name in names]
    lengths = {len(column) for column in columns}
    if len(columns) < 2 or len(lengths) != 1:
        raise ArgumentError(
            f"columns {', '.join(map(str, names))} of {sorted(lengths)} rows",
            expected="at least two columns of one length: anchor, positive, negatives",
            fix="select and order the columns",
        )
    if not all(isinstance(text, str) for column in columns for text in column):
        raise ArgumentError(
            f"columns {', '.join(map(str, names))} that hold something other than texts",
            expected="texts only: anchor, positive, negatives",
            fix="select the columns of texts",
        )
    return list(zip(*columns, strict=True))


def _prompts(model: SentenceTransformer) -> tuple[str, str]:
    """Prompts of questions and passages: training sees the texts that encoding will see."""
    prompts = model.query_prompt, model.document_prompt
    if any(prompts) and not model.pooling.include_prompt:
        raise ArgumentError(
            "a model that leaves its prompts out of the pooling",
            expected="a model that pools over its prompts, or has none",
            fix="choose another base model",
        )
    return prompts
