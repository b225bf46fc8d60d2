"""The training loop: transformers' ``Trainer`` over packed batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sentune.checks import require_choice
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError
from sentune.files import make_folder
from sentune.hardware import choose_compute
from sentune.training.arguments import SentenceTransformerTrainingArguments, refused
from sentune.training.batches.collator import Batch, Collator
from sentune.training.batches.examples import Dataset, TrainingData
from sentune.training.loader import column_prompts, train_loader
from sentune.training.losses import EmbeddingLoss, MultipleNegativesRankingLoss
from sentune.training.watch import Watch, Watched

try:
    from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, set_seed
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
except ImportError as error:
    raise MissingExtraError("transformers", "train") from error

from sentune.training.progress import TrainingProgress
from sentune.training.resuming import Restore, ResumableTrainer

__all__ = ["SentenceTransformerTrainer"]

Datasets = Dataset | Mapping[str, Dataset] | TrainingData
Losses = EmbeddingLoss | Mapping[str, EmbeddingLoss]
Evaluator = Callable[..., Mapping[str, float]]


class SentenceTransformerTrainer(ResumableTrainer):
    """Trains a :class:`SentenceTransformer`.

    >>> import tempfile
    >>> from sentune import SentenceTransformer, SentenceTransformerTrainer
    >>> from sentune import SentenceTransformerTrainingArguments
    >>> pairs = {
    ...     "anchor": ["how do I copy a file", "how do I wait for a thread"],
    ...     "positive": ["shutil.copy copies a file.", "Thread.join waits for its end."],
    ... }
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> args = SentenceTransformerTrainingArguments(tempfile.mkdtemp(), disable_tqdm=True)
    >>> SentenceTransformerTrainer(model, args, pairs).train().global_step
    3

    All columns of a batch go through the encoder in one packed forward. Weights, gradients and
    optimizer state are float32. The encoder computes in the model's number format, or in the one
    that ``args.bf16`` names. With ``save_strategy`` the run writes checkpoints into
    ``args.output_dir``, and ``train(resume_from_checkpoint=True)`` continues from the last one with
    bit-identical results.

    Args:
        model: trained in place.
        args: every setting; the defaults of transformers when None.
        train_dataset: :class:`Pairs`, a ``datasets.Dataset``, or columns of equal length; or
            several of them by name. The order of the columns decides their role: anchor,
            positive, negatives. A column called label or score is the label.
        eval_dataset: data whose loss ``evaluate`` reports as ``eval_loss``, or as
            ``eval_NAME_loss`` if there are several data sets.
        loss: one for all data, or one for each data set by name. MultipleNegativesRankingLoss
            when None.
        evaluator: called with the model by ``evaluate``; see ``sentune.evaluation``.
        callbacks: further transformers callbacks.

    Raises:
        ArgumentError: columns of different lengths, fewer than two columns, a data set without a
            loss, a model that computes in 8 bits; from ``train``, an optimizer or a schedule that
            cannot be made.
        OutputError: ``args.output_dir`` cannot be written.
        TrainingError: from ``train``, when the loss is not finite or the vectors collapse,
            naming the step.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Datasets | None = None,
        eval_dataset: Datasets | None = None,
        *,
        loss: Losses | None = None,
        evaluator: Evaluator | None = None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        _require_gradients(model)
        settings = args or SentenceTransformerTrainingArguments()
        if settings.n_gpu > 1:
            settings._n_gpu = 1  # a pack cannot be split over GPUs; torchrun uses several
        self.train_data = None if train_dataset is None else TrainingData.of(train_dataset)
        self.eval_data = None if eval_dataset is None else TrainingData.of(eval_dataset)
        both = (self.eval_data, self.train_data)
        columns = {name: of for data in both if data for name, of in data.columns.items()}
        if settings.should_save and settings.output_dir:
            make_folder(settings.output_dir)  # transformers would raise a plain OSError
        smoothing, settings.label_smoothing_factor = settings.label_smoothing_factor, 0.0
        prompts = column_prompts(settings.prompts, model, columns)
        super().__init__(
            model=model,
            args=settings,
            data_collator=Collator(model.tokenizer, prompts),
            train_dataset=None if self.train_data is None else self.train_data.rows,
            # transformers asks for a data set, even where an evaluator is enough.
            eval_dataset=[] if self.eval_data is None and evaluator else self.eval_data,
            callbacks=callbacks,
        )
        settings.label_smoothing_factor = smoothing  # our losses apply it, not transformers
        self.loss = loss or MultipleNegativesRankingLoss(model)
        self.evaluator = evaluator
        self.watch = Watch()
        self._vectors: NDArray[np.float32] | None = None
        for name in columns:
            of_rows = self._loss_of(name)
            if smoothing:
                of_rows.smooth_labels(smoothing)
        self._add_callbacks()
        self._prepare_model()

    def _add_callbacks(self) -> None:
        self.bar = None if self.args.disable_tqdm else TrainingProgress()
        for standard in (PrinterCallback, ProgressCallback):
            self.remove_callback(standard)
        if self.bar is not None:
            self.add_callback(self.bar)
        if self.args.early_stopping_patience is not None:
            self.add_callback(EarlyStoppingCallback(self.args.early_stopping_patience))
        self.add_callback(Restore(self.restore))

    def _prepare_model(self) -> None:
        model, settings = self.model, self.args
        # The hook of transformers expects padded batches.
        model.encoder.embeddings.noise_alpha = settings.neftune_noise_alpha or 0.0
        self.neftune_noise_alpha = None
        if settings.bf16 is not None:
            name = "bfloat16" if settings.bf16 else "float32"
            model.compute_as(choose_compute(name, model.device))
        if settings.dropout is not None:
            model.encoder.set_dropout(settings.dropout)

    def _loss_of(self, dataset: str) -> EmbeddingLoss:
        if isinstance(self.loss, EmbeddingLoss):
            return self.loss
        if dataset not in self.loss:
            raise ArgumentError(
                f"no loss for the data set {dataset!r}",
                expected=f"a loss for every data set, not only for {', '.join(self.loss)}",
                fix="add it to loss, or pass one loss for all data",
            )
        return self.loss[dataset]

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *args: Any, **options: Any
    ) -> Any:
        """Run to the end; the model is then ready to encode. Arguments and errors as above."""
        set_seed(self.args.seed)
        if self.args.batch_sampler == "hard_negatives" and self.train_data is not None:
            # With the weights at the start, so that a resumed run makes the same batches.
            passages = [row.texts[1] for row in self.train_data.rows]
            self._vectors = self.model.encode_document(passages, normalize_embeddings=True)
        # What was measured with the old weights is not true of the new ones.
        self.model.extras = {}
        self.model.model_card = f"# Tuned from {self.model.base.name} with sentune, not evaluated\n"
        try:
            return super().train(resume_from_checkpoint, *args, **options)
        finally:
            if self.bar is not None:
                self.bar.close()
            self.model.encoder.embeddings.noise_alpha = 0.0
            self.model.eval()

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of rows as the batch sampler groups them."""
        if self.train_data is None:
            raise ArgumentError(
                "no train_dataset",
                expected="pairs to train on",
                fix="pass train_dataset to the trainer",
            )
        return train_loader(
            self.train_data, self._train_batch_size, self.data_collator, self.args, self._vectors
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Batch],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of one batch. Raises TrainingError when it is not finite."""
        del num_items_in_batch
        batch, step = inputs["batch"].to(self.args.device), self.state.global_step + 1
        watched = Watched(model, self.watch, step)
        loss = self._loss_of(batch.dataset).compute(watched, batch)
        value = self.watch.loss(loss, step)
        if self.bar is not None:
            self.bar.loss, self.bar.pairs = value, self.bar.pairs + batch.rows
        return (loss, {}) if return_outputs else loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """As transformers, which calls this before every step. Raises TrainingError."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        self.watch.gradient(norm, self.state.global_step + 1)
        return norm

    def create_optimizer(self, *args: Any, **options: Any) -> Any:
        """As transformers. Raises ArgumentError when the settings make no optimizer."""
        with refused("settings optim, optim_args or optim_target_modules"):
            return super().create_optimizer(*args, **options)

    def create_scheduler(self, *args: Any, **options: Any) -> Any:
        """As transformers. Raises ArgumentError when the settings make no schedule."""
        with refused("settings lr_scheduler_type or lr_scheduler_kwargs"):
            return super().create_scheduler(*args, **options)

    def _track_num_input_tokens(self, inputs: dict[str, Batch]) -> None:
        if self.args.include_num_input_tokens_seen != "no":
            # "all" and "non_padding" are the same number, because packs have no padding.
            tokens = torch.tensor(sum(map(len, inputs["batch"].token_ids)))
            of_each_process = self.accelerator.gather(tokens.to(self.args.device))
            self.state.num_input_tokens_seen += int(of_each_process.sum())

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the model folder, as ``save_pretrained`` does. Raises OutputError."""
        if self.args.should_save:
            self.model.save_pretrained(output_dir or self.args.output_dir)

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
        data = self.eval_data if eval_dataset is None else TrainingData.of(eval_dataset)
        if data is None and self.evaluator is None:
            raise ArgumentError(
                "no eval_dataset and no evaluator",
                expected="one of them to evaluate with",
                fix="pass one of them to the trainer",
            )
        self.model.eval()
        found = {} if data is None else self._mean_losses(data)
        found |= self.evaluator(self.model) if self.evaluator is not None else {}
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
                total += batch.rows * float(self._loss_of(name).compute(self.model, batch))
            found[f"{name}_loss" if name else "loss"] = total / len(rows)
        return found


def _require_gradients(model: SentenceTransformer) -> None:
    if model.compute.eight_bit:
        raise ArgumentError(
            "training a model of compute_dtype 'int8'",
            expected="float32 or bfloat16, which have gradients",
            fix="leave out compute_dtype for training, and load the trained model with 'int8'",
        )
