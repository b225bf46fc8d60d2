"""``fit``: training in one call, as in scripts for sentence-transformers before 3.0."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch.utils.data import DataLoader

from sentune.checks import require_choice
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.files import claim_folder, require_free
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import Dataset, TrainingData
from sentune.training.batches.row_batches import RowBatches
from sentune.training.choosing import LossOf
from sentune.training.evaluating import Evaluator, as_evaluator
from sentune.training.given import require_savable
from sentune.training.loader import batch_loader
from sentune.training.objectives import Objective, RoundRobinBatchSampler
from sentune.training.score import Score, save_weights
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.wording import counted

__all__ = ["ObjectivesTrainer", "fit"]

logger = logging.getLogger(__name__)

_LEARNING_RATE = 2e-5
_SCHEDULERS = {
    "ConstantLR": "constant",
    "WarmupConstant": "constant_with_warmup",
    "WarmupLinear": "linear",
    "WarmupCosine": "cosine",
    "WarmupCosineWithHardRestarts": "cosine_with_restarts",
}


def fit(
    model: SentenceTransformer,
    train_objectives: Sequence[tuple[DataLoader[Any] | Dataset, LossOf]],
    evaluator: Evaluator | Sequence[Evaluator] | None = None,
    epochs: int = 1,
    steps_per_epoch: int | None = None,
    scheduler: str = "WarmupLinear",
    warmup_steps: int = 10000,
    optimizer_class: type[torch.optim.Optimizer] = torch.optim.AdamW,
    optimizer_params: Mapping[str, Any] = {"lr": 2e-5},
    weight_decay: float = 0.01,
    evaluation_steps: int = 0,
    output_path: str | None = None,
    save_best_model: bool = True,
    max_grad_norm: float = 1,
    use_amp: bool = False,
    callback: Callable[[float, float, int], None] | None = None,
    show_progress_bar: bool = True,
    checkpoint_path: str | None = None,
    checkpoint_save_steps: int = 500,
    checkpoint_save_total_limit: int = 0,
    resume_from_checkpoint: bool = False,
    *,
    trainer_class: Any = None,
) -> None:
    """Train ``model`` in place; ``model.fit(…)`` is the same.

    >>> from sentune import SentenceTransformer, fit
    >>> from sentune.losses import MultipleNegativesRankingLoss
    >>> pairs = {
    ...     "anchor": ["how do I copy a file", "how do I wait for a thread"],
    ...     "positive": ["shutil.copy copies a file.", "Thread.join waits for its end."],
    ... }
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> loss = MultipleNegativesRankingLoss(model)
    >>> fit(model, [(pairs, loss)], show_progress_bar=False)  # doctest: +ELLIPSIS
    {'train_runtime': ...}

    Args:
        model: see :class:`SentenceTransformer`.
        train_objectives: (data, loss) for each objective. Data is a ``DataLoader`` over objects
            with ``.texts`` and ``.label``, for example
            :class:`sentune.InputExample`; its batch size,
            ``drop_last`` and shuffling are used. Or it is a ``NoDuplicatesDataLoader``,
            :class:`Pairs`, a ``datasets.Dataset`` or columns, shuffled in batches of 8. Several
            objectives give one batch each in rotation, until the shortest has none left.
        evaluator: called as ``evaluator(model, output_path=…, epoch=…, steps=…)`` after every
            epoch, and every ``evaluation_steps``; its files go to the folder ``eval`` in
            ``output_path``. Returns a score, or metrics; then its ``primary_metric`` names the
            score. Several evaluators in a list are asked in turn, and the last gives the score.
        epochs: passes over the shortest objective.
        steps_per_epoch: batches of each objective in an epoch, instead of all.
        scheduler: ConstantLR, WarmupConstant, WarmupLinear, WarmupCosine or
            WarmupCosineWithHardRestarts, in any case.
        warmup_steps: steps over which the learning rate rises from 0.
        optimizer_class: of torch, or with the same constructor.
        optimizer_params: its arguments.
        weight_decay: of all weights except biases and normalizations.
        evaluation_steps: evaluate also after so many steps; 0 for after epochs only.
        output_path: the model folder to write at the end. It must not exist, or be empty;
            afterwards this process may save there again.
        save_best_model: write the weights of the best evaluation of this call there; the last
            weights when False or without an evaluator.
        max_grad_norm: gradients are clipped to it.
        use_amp: compute in bfloat16; otherwise in the model's number format.
        callback: called as ``callback(score, epoch, steps)`` after each evaluation.
        show_progress_bar: draw a progress bar.
        checkpoint_path: the folder of the checkpoints; none are written when None.
        checkpoint_save_steps: steps between checkpoints.
        checkpoint_save_total_limit: how many checkpoints are kept; all when 0.
        resume_from_checkpoint: continue from the last whole checkpoint in ``checkpoint_path``.
        trainer_class: a subclass of :class:`ObjectivesTrainer`, for another kind of model.

    Raises:
        ArgumentError: an unknown scheduler or optimizer parameter, an objective without data or
            without a loss, a model to save with a stage that has no ``save``.
        OutputError: ``output_path`` exists and is not empty, or cannot be written; before the
            first step.
        TrainingError: the loss is not finite, the vectors collapse, or the checkpoint does not
            fit.
    """
    objectives = [Objective.of(*given) for given in train_objectives]
    if not objectives:
        raise ArgumentError(
            "no train_objectives", expected="pairs of data and loss", fix="pass at least one pair"
        )
    if output_path is not None:
        require_savable(model)
        require_free(output_path)
        claim_folder(output_path)
    with ExitStack() as stack:
        folder = checkpoint_path or stack.enter_context(tempfile.TemporaryDirectory())
        max_steps = (steps_per_epoch or 0) * epochs * len(objectives)
        settings = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            max_steps=max_steps or -1,
            lr_scheduler_type=_scheduler(scheduler),
            warmup_steps=warmup_steps,
            learning_rate=optimizer_params.get("lr", _LEARNING_RATE),
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            per_device_train_batch_size=objectives[0].batch_size,
            bf16=True if use_amp else None,
            disable_tqdm=not show_progress_bar,
            save_strategy="no" if checkpoint_path is None else "steps",
            save_steps=checkpoint_save_steps,
            save_total_limit=checkpoint_save_total_limit or None,
        )
        made = trainer_class or ObjectivesTrainer
        trainer = made(model, settings, objectives, (optimizer_class, {**optimizer_params}))
        asked = as_evaluator(evaluator)
        score = None
        if asked is not None:
            trainer.logged_every = evaluation_steps
            score = Score(trainer, asked, epochs, evaluation_steps, callback, output_path)
            trainer.add_callback(score)
        keep = score if save_best_model else None
        try:
            trainer.train(resume_from_checkpoint=resume_from_checkpoint)
        except BaseException:
            if output_path is not None and settings.should_save and keep and keep.best_weights:
                save_weights(model, output_path, keep.best_weights)
            raise
        if output_path is not None and settings.should_save:
            save_weights(model, output_path, keep.best_weights if keep else None)


class ObjectivesTrainer(SentenceTransformerTrainer):
    """One batch of each objective after another, made as by its loader.

    Attributes:
        logged_every: the steps after which an evaluation is logged; 0 for none.
    """

    logged_every = 0

    def __init__(
        self,
        model: SentenceTransformer,
        settings: SentenceTransformerTrainingArguments,
        objectives: Sequence[Objective],
        optimizer: tuple[type[torch.optim.Optimizer], dict[str, Any]],
    ) -> None:
        self._objectives = {f"objective_{i + 1}": one for i, one in enumerate(objectives)}
        super().__init__(
            model,
            settings,
            {name: one.data for name, one in self._objectives.items()},
            loss={name: one.loss for name, one in self._objectives.items()},
            optimizer_cls_and_kwargs=optimizer,
        )

    def _note(self, entry: dict[str, float]) -> None:
        """Log what was found after ``evaluation_steps``, as the reference does, and at the end."""
        step = self.state.global_step
        if self.logged_every and (step % self.logged_every == 0 or step == self.state.max_steps):
            self.log(entry)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """As the base class."""
        data: TrainingData = self.train_data  # type: ignore[assignment]
        parts = [
            RowBatches(
                [row for row in data.rows if row.dataset == name],
                one.batch_size,
                sampler=one.sampler,
                seed=self.args.seed + number,
                drop_last=one.drop_last,
                shuffle=one.shuffle,
                processes=self.args.world_size,
                rank=self.args.process_index,
            )
            for number, (name, one) in enumerate(self._objectives.items())
        ]
        counts = [sum(row.dataset == name for row in data.rows) for name in self._objectives]
        batches = RoundRobinBatchSampler(parts, counts)
        left_out = batches.left_out() if self.args.world_size == 1 else 0
        if left_out:
            logger.warning(
                "%s of %s are in no batch of an epoch, which ends with the shortest objective",
                counted(left_out, "row"),
                f"{sum(counts):,}",
            )
        return batch_loader(data.rows, batches, self.data_collator, self.args)


def _scheduler(name: str) -> str:
    known = {one.lower(): one for one in _SCHEDULERS}
    name = known.get(str(name).lower(), name)
    return _SCHEDULERS[require_choice("scheduler", name, tuple(_SCHEDULERS))]
