"""The training loop for models that score pairs: that of models that make vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sentune.cross_encoder.batches import PairBatch, PairCollator, read_training_data
from sentune.cross_encoder.card import TrainingFacts, card_text
from sentune.cross_encoder.losses import BinaryCrossEntropyLoss, CrossEntropyLoss, PairLoss
from sentune.cross_encoder.losses.own import OwnPairLoss
from sentune.cross_encoder.model import CrossEncoder
from sentune.cross_encoder.weights import pair_weights
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.collator import Batch
from sentune.training.batches.examples import TrainingData
from sentune.training.losses.base import EmbeddingLoss
from sentune.training.losses.shared.caching import encode_in_mini_batches
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.wording import counted, named_kind

__all__ = ["CrossEncoderTrainer"]

_SHOWN = ("num_train_epochs", "per_device_train_batch_size", "learning_rate", "weight_decay")
_SHOWN_TOO = ("warmup_steps", "lr_scheduler_type", "seed", "batch_sampler")


@dataclass(frozen=True, slots=True)
class _Scorer:
    """Pairs of texts → scores with gradients, as losses call it."""

    model: Any
    of_pairs: CrossEncoder
    device: torch.device

    def __call__(
        self, pairs: Sequence[tuple[str, str]], mini_batch_size: int | None = None
    ) -> Tensor:
        """(pairs, labels); with ``mini_batch_size``, scored twice and a part at a time."""
        token_ids, segments, _ = self.of_pairs.tokenizer.pairs(pairs)
        used = tuple(segments) if self.of_pairs.segmented else None
        batch = Batch((), tuple(token_ids), len(pairs), device=self.device, segments=used)
        if mini_batch_size is None:
            scores: Tensor = self.model(batch.pack())
            return scores
        return encode_in_mini_batches(self.model, batch, mini_batch_size)


class CrossEncoderTrainer(SentenceTransformerTrainer):
    """Trains a :class:`CrossEncoder`.

    Arguments, checkpoints, resuming and errors are those of
    :class:`~sentune.training.trainer.SentenceTransformerTrainer`, with these differences.

    Args:
        model: a :class:`CrossEncoder`, trained in place.
        train_dataset, eval_dataset: columns of texts, or of lists of texts for losses over lists;
            the first is the query. A column called label or score has a number, or a list of
            numbers, in each row.
        loss: of ``sentune.cross_encoder.losses``; when None, BinaryCrossEntropyLoss for one label,
            and CrossEntropyLoss for several.
    """

    _read = staticmethod(read_training_data)

    def __init__(
        self,
        model: CrossEncoder | None = None,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        loss: Any = None,
        evaluator: Any = None,
        **others: Any,
    ) -> None:
        given: Any = model
        super().__init__(given, args, train_dataset, eval_dataset, loss, evaluator, **others)

    @staticmethod
    def _model_to_train(model: Any, model_init: Callable[[], Any] | None) -> Any:
        made = model if model_init is None else model_init()
        if not isinstance(made, CrossEncoder) or made.compute.eight_bit:
            eight = isinstance(made, CrossEncoder)
            raise ArgumentError(
                "training a model of compute_dtype 'int8'" if eight else f"model is {made!r}",
                expected="a sentune.CrossEncoder that computes in float32 or bfloat16",
                fix="pass such a model",
            )
        return made

    @staticmethod
    def _choose_losses(given: Any, model: Any, data: list[TrainingData]) -> Any:
        whole = frozenset().union(*(part.whole_labels for part in data))
        if given is None:
            return (BinaryCrossEntropyLoss if model.num_labels == 1 else CrossEntropyLoss)(model)
        if isinstance(given, Mapping):
            return {name: _loss(one, model, whole) for name, one in given.items()}
        return _loss(given, model, whole)

    @staticmethod
    def _collator(
        settings: SentenceTransformerTrainingArguments, model: Any, columns: Mapping[str, Any]
    ) -> Any:
        if settings.batch_sampler == "hard_negatives":
            raise ArgumentError(
                "batch_sampler 'hard_negatives' for a CrossEncoder",
                expected="another sampler, because the model makes no vectors to compare",
                fix="leave out batch_sampler, and mine negatives with mine_hard_negatives",
            )
        return PairCollator(_column_prompts(settings.prompts, model, columns))

    def _fingerprint(self) -> Any:
        return _Identity(self.model)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        saved = CrossEncoder(resume_from_checkpoint, device="cpu")
        (model or self.model).load_state_dict(saved.state_dict())

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *args: Any, **options: Any
    ) -> Any:
        """Run to the end; the model is then ready to score, and has a card of the run."""
        result = super().train(resume_from_checkpoint, *args, **options)
        self.model.has_head = True
        self.model.model_card = card_text(self.model.model_card_data, self.model, self._facts())
        return result

    def _facts(self) -> TrainingFacts:
        losses = self.loss.values() if isinstance(self.loss, Mapping) else [self.loss]
        named = [loss.module if isinstance(loss, OwnPairLoss) else loss for loss in losses]
        data: Any = self.train_data
        shown = {name: getattr(self.args, name) for name in (*_SHOWN, *_SHOWN_TOO)}
        return TrainingFacts(
            base=self.model.base.name,
            rows=len(data.rows),
            losses=[*dict.fromkeys(type(loss).__name__ for loss in named)],
            steps=self.state.global_step,
            settings={name: getattr(value, "value", value) for name, value in shown.items()},
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The loss of one batch. Raises TrainingError when it is not finite."""
        del num_items_in_batch
        batch: PairBatch = inputs["batch"].to(self.args.device)
        loss = self._loss_of(batch.dataset).compute(self._scorer(model), batch)  # type: ignore[arg-type]
        value = self.watch.loss(loss, self.state.global_step + 1)
        if self.bar is not None:
            self.bar.loss, self.bar.pairs = value, self.bar.pairs + batch.rows
        return (loss, {}) if return_outputs else loss

    def _loss_value(self, batch: Any) -> float:
        return float(self._loss_of(batch.dataset).compute(self._scorer(self.model), batch))  # type: ignore[arg-type]

    def _scorer(self, model: nn.Module) -> _Scorer:
        return _Scorer(model, self.model, self.args.device)


class _Identity:
    """What decides the scores of a model, for the identity of a run."""

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    def to_json(self) -> dict[str, Any]:
        """Names and values. Cost: one SHA-256 over the weights."""
        model, digest = self._model, hashlib.sha256()
        for name, weight in sorted(pair_weights(model.encoder, model.head).items()):
            digest.update(json.dumps([name, list(weight.shape)]).encode())
            digest.update(np.ascontiguousarray(weight.numpy(), dtype="<f4").data)
        return {
            "weights": digest.hexdigest(),
            "tokenizer": hashlib.sha256(model.tokenizer.to_json().encode()).hexdigest(),
            "max_length": model.max_length,
            "segmented": model.segmented,
            "prompts": dict(model.prompts),
            "number_format": model.compute.dtype_name,
        }


def _loss(given: Any, model: CrossEncoder, whole: frozenset[str]) -> EmbeddingLoss:
    loss = given if isinstance(given, nn.Module) or not callable(given) else given(model)
    if isinstance(loss, PairLoss):
        return loss
    if not isinstance(loss, nn.Module) or isinstance(loss, EmbeddingLoss):
        raise ArgumentError(
            f"loss is {named_kind(loss)}",
            expected="a loss of sentune.cross_encoder.losses, or a module of your own whose "
            "forward takes (inputs, labels)",
            fix="import the loss of the same name from sentune.cross_encoder.losses",
        )
    return OwnPairLoss(loss, whole)


def _column_prompts(
    prompts: Any, model: CrossEncoder, columns: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Data set → the prompt of each column; when None, the model's own before the first one."""
    if prompts is None:
        usual = model.prompts.get(model.default_prompt_name or "", "")
        return {name: (usual, *[""] * (len(of) - 1)) for name, of in columns.items()}
    if isinstance(prompts, str):
        return {name: (prompts,) * len(of) for name, of in columns.items()}
    known = {column for of in columns.values() for column in of}
    if not isinstance(prompts, Mapping) or not {*prompts} <= known:
        raise ArgumentError(
            f"prompts={prompts!r}",
            expected=f"a text, or texts for some of the {counted(len(known), 'column')}",
            fix="correct prompts",
        )
    return {name: tuple(prompts.get(column, "") for column in of) for name, of in columns.items()}
