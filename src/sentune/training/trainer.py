"""The training loop: transformers' ``Trainer`` over packed batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError, OutputError
from sentune.files import is_claimed, make_folder
from sentune.machine.hardware import choose_compute
from sentune.training.arguments import SentenceTransformerTrainingArguments, refused
from sentune.training.batches.collator import Batch, Collator
from sentune.training.batches.examples import Datasets
from sentune.training.batches.streams import as_shown, read_stream
from sentune.training.choosing import Losses, chosen_losses, own_weights, trained_dimensions
from sentune.training.evaluating import Evaluator, as_evaluator
from sentune.training.given import (
    model_to_train,
    require_arguments,
    require_evaluation,
    require_savable,
    tell_unused,
)
from sentune.training.loader import column_prompts, train_loader
from sentune.training.places import claim_output
from sentune.training.watch import Watch, Watched, telling_lost_processes

try:
    from transformers import EarlyStoppingCallback, TrainerCallback, set_seed
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
except ImportError as error:
    raise MissingExtraError("transformers", "train") from error

from sentune.training.measuring import MeasuringTrainer
from sentune.training.progress import TrainingProgress
from sentune.training.resuming import ClearGradients, Restore

__all__ = ["SentenceTransformerTrainer"]


class SentenceTransformerTrainer(MeasuringTrainer):
    """Trains a :class:`SentenceTransformer`.

    >>> import tempfile
    >>> from sentune import SentenceTransformer, SentenceTransformerTrainer
    >>> from sentune import SentenceTransformerTrainingArguments
    >>> pairs = {
    ...     "anchor": ["how do I copy a file", "how do I wait for a thread"],
    ...     "positive": ["shutil.copy copies a file.", "Thread.join waits for its end."],
    ... }
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> args = SentenceTransformerTrainingArguments(
    ...     tempfile.mkdtemp(), save_strategy="no", disable_tqdm=True
    ... )
    >>> SentenceTransformerTrainer(model, args, pairs).train().global_step  # doctest: +ELLIPSIS
    {'train_runtime': ...}
    3

    All columns of a batch go through the encoder in one packed forward. Weights, gradients and
    optimizer state are float32. The encoder computes in the model's number format, or in the one
    that ``args.bf16`` names. The run writes checkpoints into ``args.output_dir`` unless
    ``save_strategy`` is ``no``, and ``train(resume_from_checkpoint=True)`` continues from the last
    one with bit-identical results.

    Args:
        model: trained in place.
        args: every setting; the defaults of transformers when None.
        train_dataset: :class:`Pairs`, a ``datasets.Dataset``, or columns of equal length; or
            several of them by name. The order of the columns decides their role: anchor,
            positive, negatives. A column called label or score is the label. Of a stream, such as
            ``datasets.IterableDataset``, the rows for ``max_steps`` are read, in their order.
        eval_dataset: data whose loss ``evaluate`` reports as ``eval_loss``, or as
            ``eval_NAME_loss`` if there are several data sets.
        loss: one for all data, or one for each data set by name: a loss of ``sentune.losses``, a
            module with the reference's ``forward(sentence_features, labels)``, or a class or
            function that makes one from the model. When None, CoSENTLoss for two texts with a
            score, and MultipleNegativesRankingLoss without labels.
        evaluator: one or several, called by ``evaluate`` with the model, ``output_path`` (the
            folder ``eval`` in ``args.output_dir``), ``epoch`` and ``steps``; see
            ``sentune.evaluation``.
        processing_class, tokenizer: the model's; another is not used, which a warning says.
        model_init: makes the model, in place of ``model``.
        callbacks: further transformers callbacks.
        optimizers: an optimizer and a schedule; made from the settings where None.
        optimizer_cls_and_kwargs: a class of optimizers and its arguments.
        data_collator, compute_metrics, preprocess_logits_for_metrics: not used, which a warning
            says; an evaluator has what it needs.

    Raises:
        ArgumentError: columns of different lengths, fewer than two columns, a data set without a
            loss, labels without a loss that suits them, a model that computes in 8 bits; from
            ``train``, an optimizer or a schedule that cannot be made, or, unless nothing is to be
            saved, a stage that cannot be.
        OutputError: ``args.output_dir`` cannot be written; from ``train``, before the first step,
            it holds a model.
        TrainingError: from ``train``, when the loss is not finite or the vectors collapse,
            naming the step.
    """

    def __init__(
        self,
        model: SentenceTransformer | None = None,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Datasets | Iterable[Any] | None = None,
        eval_dataset: Datasets | None = None,
        loss: Losses | None = None,
        evaluator: Evaluator | Sequence[Evaluator] | None = None,
        data_collator: None = None,
        processing_class: object = None,
        model_init: Callable[[], SentenceTransformer] | None = None,
        compute_metrics: object = None,
        callbacks: list[TrainerCallback] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        optimizer_cls_and_kwargs: tuple[type[torch.optim.Optimizer], dict[str, Any]] | None = None,
        preprocess_logits_for_metrics: object = None,
        *,
        tokenizer: object = None,
    ) -> None:
        settings = require_arguments(args)
        model = self._model_to_train(model, model_init)
        tell_unused(
            model,
            data_collator=data_collator,
            processing_class=processing_class or tokenizer,
            compute_metrics=compute_metrics,
            preprocess_logits_for_metrics=preprocess_logits_for_metrics,
        )
        if settings.n_gpu > 1:
            settings._n_gpu = 1  # a pack cannot be split over GPUs; torchrun uses several
        self.evaluator = as_evaluator(evaluator)
        size = settings.train_batch_size * settings.gradient_accumulation_steps
        size *= settings.world_size
        rows = (
            None if train_dataset is None else read_stream(train_dataset, settings.max_steps, size)
        )
        if rows is not train_dataset:
            settings.train_sampling_strategy = "sequential"  # a stream keeps its order
        self.train_data = None if rows is None else self._read(rows)
        self.eval_data = None if eval_dataset is None else self._read(eval_dataset)
        require_evaluation(settings, self.eval_data, self.evaluator)
        data = [part for part in (self.eval_data, self.train_data) if part is not None]
        columns = {name: of for part in data for name, of in part.columns.items()}
        self.loss = self._choose_losses(loss, model, data)
        if settings.should_save and settings.output_dir:
            make_folder(settings.output_dir)  # transformers would raise a plain OSError
        smoothing, settings.label_smoothing_factor = settings.label_smoothing_factor, 0.0
        super().__init__(
            model=model,
            args=settings,
            data_collator=self._collator(settings, model, columns),
            train_dataset=None if self.train_data is None else self.train_data.rows,
            # transformers asks for a data set, even where an evaluator is enough.
            eval_dataset=[] if self.eval_data is None and self.evaluator else self.eval_data,
            callbacks=callbacks,
            optimizers=optimizers,
            optimizer_cls_and_kwargs=optimizer_cls_and_kwargs,
        )
        # Scripts ask for their columns and lengths.
        self.train_dataset, self.eval_dataset = as_shown(train_dataset), as_shown(eval_dataset)
        settings.label_smoothing_factor = smoothing  # our losses apply it, not transformers
        self.watch = Watch()
        self._vectors: NDArray[np.float32] | None = None
        for name in columns:
            of_rows = self._loss_of(name)
            if smoothing:
                of_rows.smooth_labels(smoothing)
        self.loss_weights = self._prepare_losses()
        self._add_callbacks()
        self._prepare_model()

    train_dataset: Any
    eval_dataset: Any

    # A trainer of another kind of model has others of these.
    _model_to_train = staticmethod(model_to_train)
    _choose_losses = staticmethod(chosen_losses)

    @staticmethod
    def _collator(
        settings: SentenceTransformerTrainingArguments,
        model: SentenceTransformer,
        columns: Mapping[str, Sequence[str]],
    ) -> Any:
        return Collator(model.tokenizer, column_prompts(settings.prompts, model, columns))

    def _prepare_losses(self) -> dict[str, nn.Parameter]:
        """Move the losses to the device. Returns the weights that they train themselves."""
        for loss in self.loss.values() if isinstance(self.loss, Mapping) else [self.loss]:
            loss.to(self.model.device)
        return own_weights(self.loss, self.model)

    def _add_callbacks(self) -> None:
        self.bar = None if self.args.disable_tqdm else TrainingProgress()
        if self.bar is not None:
            # Log entries go to standard output either way, as in the reference: scripts read them.
            self.remove_callback(ProgressCallback)
            self.add_callback(self.bar)
            self.add_callback(PrinterCallback())
        if self.args.early_stopping_patience is not None:
            self.add_callback(EarlyStoppingCallback(self.args.early_stopping_patience))
        self.add_callback(Restore(self.restore))
        if self.loss_weights:
            self.add_callback(ClearGradients())

    def print_no_logs(self) -> None:
        """Leave standard output alone, for callers that print what they need."""
        self.remove_callback(PrinterCallback)

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

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *args: Any, **options: Any
    ) -> Any:
        """Run to the end; the model is then ready to encode. Arguments and errors as above."""
        set_seed(self.args.seed)
        if self.args.save_strategy != "no":
            require_savable(self.model)
        if self.args.should_save and self.args.output_dir:
            claim_output(self.args.output_dir)
        if self.args.batch_sampler == "hard_negatives" and self.train_data is not None:
            # With the weights at the start, so that a resumed run makes the same batches.
            passages = [row.texts[1] for row in self.train_data.rows]
            self._vectors = self.model.encode_document(passages, normalize_embeddings=True)
        # What was measured with the old weights is not true of the new ones.
        self.model.extras = trained_dimensions(self.loss)
        self.model.model_card = f"# Tuned from {self.model.base.name} with sentune, not evaluated\n"
        try:
            with telling_lost_processes(lambda: self.state.global_step):
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

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """As transformers. Raises ArgumentError when the settings make no optimizer."""
        if self.loss_weights and model is None:
            # Under the losses' names, so that biases and normalizations among them do not decay.
            each = self.loss if isinstance(self.loss, Mapping) else {"loss": self.loss}
            model = nn.ModuleList([self.model, nn.ModuleList([*each.values()])])
        what = "settings optim, optim_args or optim_target_modules"
        with refused(what if self.optimizer_cls_and_kwargs is None else "class of the optimizer"):
            return super().create_optimizer(model)

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """The names, as ``model.named_parameters`` has them, of weights that are to decay."""
        # The library walks the modules instead, whose names are not those of the parameters.
        decaying = set(super().get_decay_parameter_names(model))
        by_module = nn.Module.named_parameters(model)
        names = {id(weight): name for name, weight in model.named_parameters()}
        return [names[id(weight)] for name, weight in by_module if name in decaying]

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

    def push_to_hub(self, *_: Any, **__: Any) -> Any:
        """Refused: the method of transformers sends a whole folder, and publicly. ArgumentError."""
        raise ArgumentError(
            "trainer.push_to_hub()",
            expected="the model's own method, which sends only the model, and privately",
            fix="call trainer.model.push_to_hub('owner/name')",
        )

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the model folder, as ``save_pretrained`` does.

        The run's own ``output_dir`` is free, also with checkpoints in it. Where another folder
        cannot be written, the model is saved in ``output_dir``, and then OutputError is raised.
        """
        if not self.args.should_save:
            return
        own = self.args.output_dir
        try:
            self.model.save_pretrained(output_dir or own)
        except OutputError as error:
            if output_dir in (None, own) or not is_claimed(own):
                raise
            self.model.save_pretrained(own)  # hours of work would end with the process
            raise OutputError(
                f"{error.given} (the model was saved in {own} instead)",
                expected=error.expected,
                fix=error.fix,
            ) from error
