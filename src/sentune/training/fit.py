"""``fit``: training in one call, as in scripts for sentence-transformers before 3.0."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch.utils.data import DataLoader

from sentune.checks import require_choice
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, MissingExtraError
from sentune.files import require_free
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import Dataset, TrainingData
from sentune.training.batches.row_batches import RowBatches
from sentune.training.loader import batch_loader
from sentune.training.losses import EmbeddingLoss
from sentune.training.objectives import Objective, RoundRobinBatchSampler
from sentune.training.trainer import SentenceTransformerTrainer

try:
    from transformers import TrainerCallback, TrainerControl
except ImportError as error:
    raise MissingExtraError("transformers", "train") from error

__all__ = ["fit"]

_SCHEDULERS = {
    "ConstantLR": "constant",
    "WarmupConstant": "constant_with_warmup",
    "WarmupLinear": "linear",
    "WarmupCosine": "cosine",
    "WarmupCosineWithHardRestarts": "cosine_with_restarts",
}


def fit(
    model: SentenceTransformer,
    train_objectives: Sequence[tuple[DataLoader[Any] | Dataset, EmbeddingLoss]],
    evaluator: Callable[..., Mapping[str, float] | float] | None = None,
    epochs: int = 1,
    steps_per_epoch: int | None = None,
    scheduler: str = "WarmupLinear",
    warmup_steps: int = 10000,
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
) -> None:
    """Train ``model`` in place, with AdamW.

    >>> from sentune import SentenceTransformer, fit
    >>> from sentune.losses import MultipleNegativesRankingLoss
    >>> pairs = {
    ...     "anchor": ["how do I copy a file", "how do I wait for a thread"],
    ...     "positive": ["shutil.copy copies a file.", "Thread.join waits for its end."],
    ... }
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> fit(model, [(pairs, MultipleNegativesRankingLoss(model))], show_progress_bar=False)

    Args:
        model: see :class:`SentenceTransformer`.
        train_objectives: (data, loss) for each objective. Data is a ``DataLoader`` over objects
            with ``.texts`` and ``.label``, for example
            :class:`sentune.InputExample`; its batch size,
            ``drop_last`` and shuffling are used. Or it is :class:`Pairs`, a ``datasets.Dataset``
            or columns, shuffled in batches of 8. Several objectives give one batch each in
            rotation, until the shortest has none left.
        evaluator: called as ``evaluator(model, output_path=None, epoch=…, steps=…)`` after every
            epoch, and every ``evaluation_steps``. Returns a score, or metrics; then its
            ``primary_metric`` names the score.
        epochs: passes over the shortest objective.
        steps_per_epoch: batches of each objective in an epoch, instead of all.
        scheduler: ConstantLR, WarmupConstant, WarmupLinear, WarmupCosine or
            WarmupCosineWithHardRestarts, in any case.
        warmup_steps: steps over which the learning rate rises from 0.
        optimizer_params: ``lr``, ``betas``, ``eps``.
        weight_decay: of all weights except biases and normalizations.
        evaluation_steps: evaluate also after so many steps; 0 for after epochs only.
        output_path: the model folder to write at the end. It must not exist, or be empty.
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

    Raises:
        ArgumentError: an unknown scheduler or optimizer parameter, an objective without data or
            with a loss that is not of ``sentune.losses``, or a loader with a batch sampler.
        OutputError: ``output_path`` exists and is not empty, or cannot be written.
        TrainingError: the loss is not finite, the vectors collapse, or the checkpoint does not
            fit.
    """
    objectives = [Objective.of(*given) for given in train_objectives]
    if not objectives:
        raise ArgumentError(
            "no train_objectives", expected="pairs of data and loss", fix="pass at least one pair"
        )
    if output_path is not None:
        require_free(output_path)
    with ExitStack() as stack:
        folder = checkpoint_path or stack.enter_context(tempfile.TemporaryDirectory())
        max_steps = (steps_per_epoch or 0) * epochs * len(objectives)
        settings = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            max_steps=max_steps or -1,
            lr_scheduler_type=_scheduler(scheduler),
            warmup_steps=warmup_steps,
            **_optimizer(optimizer_params),
            optim="adamw_torch",
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            per_device_train_batch_size=objectives[0].batch_size,
            bf16=True if use_amp else None,
            disable_tqdm=not show_progress_bar,
            save_strategy="no" if checkpoint_path is None else "steps",
            save_steps=checkpoint_save_steps,
            save_total_limit=checkpoint_save_total_limit or None,
        )
        trainer = _Trainer(model, settings, objectives)
        score = None
        if evaluator is not None:
            score = _Score(model, trainer, evaluator, epochs, evaluation_steps, callback)
            trainer.add_callback(score)
        trainer.train(resume_from_checkpoint=resume_from_checkpoint)
        if output_path is not None and settings.should_save:
            _save(model, output_path, score.best_weights if score and save_best_model else None)


class _Trainer(SentenceTransformerTrainer):
    """One batch of each objective after another, made as by its loader."""

    def __init__(
        self,
        model: SentenceTransformer,
        settings: SentenceTransformerTrainingArguments,
        objectives: Sequence[Objective],
    ) -> None:
        self._objectives = {f"objective_{i + 1}": one for i, one in enumerate(objectives)}
        super().__init__(
            model,
            settings,
            {name: one.data for name, one in self._objectives.items()},
            loss={name: one.loss for name, one in self._objectives.items()},
        )

    def get_train_dataloader(self) -> DataLoader[Any]:
        """As the base class."""
        data: TrainingData = self.train_data  # type: ignore[assignment]
        parts = [
            RowBatches(
                [row for row in data.rows if row.dataset == name],
                one.batch_size,
                sampler="batch_sampler",
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
        return batch_loader(data.rows, batches, self.data_collator, self.args)


class _Score(TrainerCallback):  # type: ignore[misc]
    """Starts each evaluation, and remembers the best weights."""

    def __init__(
        self,
        model: SentenceTransformer,
        trainer: SentenceTransformerTrainer,
        evaluator: Callable[..., Mapping[str, float] | float],
        epochs: int,
        every: int,
        callback: Callable[[float, float, int], None] | None,
    ) -> None:
        self._model, self._trainer, self._evaluator = model, trainer, evaluator
        self._epochs, self._every, self._callback = epochs, every, callback
        self._best: float | None = None
        self.best_weights: dict[str, torch.Tensor] | None = None
        trainer.evaluator = self._measure

    def _measure(self, model: SentenceTransformer) -> Mapping[str, float]:
        epoch, steps = self._trainer.state.epoch or 0.0, self._trainer.state.global_step
        found = self._evaluator(model, output_path=None, epoch=epoch, steps=steps)
        return found if isinstance(found, Mapping) else {"evaluator": found}

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> None:
        del args
        epoch = max(1, state.max_steps // self._epochs)
        if state.global_step % epoch == 0 or (self._every and not state.global_step % self._every):
            control.should_evaluate = True

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **_: Any
    ) -> None:
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
            weights = self._model.encoder.state_dict()
            self.best_weights = {name: value.detach().clone() for name, value in weights.items()}
        if self._callback is not None:
            self._callback(score, state.epoch, state.global_step)


def _save(model: SentenceTransformer, path: str, weights: dict[str, torch.Tensor] | None) -> None:
    """Write the model with these weights; it has its last weights afterwards."""
    if weights is None:
        model.save_pretrained(path)
        return
    last = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    model.encoder.load_state_dict(weights)
    try:
        model.save_pretrained(path)
    finally:
        model.encoder.load_state_dict(last)


def _scheduler(name: str) -> str:
    known = {one.lower(): one for one in _SCHEDULERS}
    name = known.get(str(name).lower(), name)
    return _SCHEDULERS[require_choice("scheduler", name, tuple(_SCHEDULERS))]


def _optimizer(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted({*given} - {"lr", "betas", "eps"})
    if unknown:
        raise ArgumentError(
            f"optimizer_params with {', '.join(unknown)}",
            expected="lr, betas and eps only, which AdamW has",
            fix="leave out the others, or use SentenceTransformerTrainer",
        )
    betas = given.get("betas", (0.9, 0.999))
    return {
        "learning_rate": given.get("lr", 2e-5),
        "adam_beta1": betas[0],
        "adam_beta2": betas[1],
        "adam_epsilon": given.get("eps", 1e-8),
    }
