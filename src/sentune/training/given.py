"""What people pass to the trainer beside data: checked, made or told to be of no use."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.stages.own_folder import require_saving
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.wording import named_kind

__all__ = [
    "model_to_train",
    "require_arguments",
    "require_evaluation",
    "require_savable",
    "tell_unused",
]

logger = logging.getLogger(__name__)

_OUTPUT = "tmp_trainer"  # the reference's, where no settings are passed
_INSTEAD = {
    "data_collator": "batches are packs of token ids, which the trainer makes",
    "processing_class": "texts are read by the model's own tokenizer",
    "compute_metrics": "an evaluator has the metrics",
    "preprocess_logits_for_metrics": "an evaluator has the metrics",
}


def require_arguments(args: object) -> SentenceTransformerTrainingArguments:
    """The settings; the defaults when None. Raises ArgumentError for those of another class."""
    if args is None:
        return SentenceTransformerTrainingArguments(_OUTPUT)
    if not isinstance(args, SentenceTransformerTrainingArguments):
        raise ArgumentError(
            f"args is {named_kind(args)}",
            expected="SentenceTransformerTrainingArguments",
            fix="make it with the same settings",
        )
    return args


def model_to_train(
    model: object, model_init: Callable[[], SentenceTransformer] | None
) -> SentenceTransformer:
    """The model, which ``model_init`` makes where it is passed.

    Raises:
        ArgumentError: no model, something else, or one that computes in 8 bits.
    """
    made = model if model_init is None else model_init()
    if not isinstance(made, SentenceTransformer):
        raise ArgumentError(
            f"model is {made if made is None else named_kind(made)}",
            expected="a sentune.SentenceTransformer",
            fix="pass the model, or a model_init that makes it",
        )
    if made.compute.eight_bit:
        raise ArgumentError(
            "training a model of compute_dtype 'int8'",
            expected="float32 or bfloat16, which have gradients",
            fix="leave out compute_dtype for training, and load the trained model with 'int8'",
        )
    return made


def require_savable(model: object) -> None:
    """Raise ArgumentError for a model with a stage that cannot be saved, before work is lost."""
    if isinstance(model, SentenceTransformer):
        require_saving(model.following_stages())


def tell_unused(model: SentenceTransformer, **given: object) -> None:
    """Warn of each argument that has no use here, and why; the model's own parts are no news."""
    for name, value in given.items():
        if value is not None and value is not model.tokenizer:
            logger.warning("%s is not used: %s", name, _INSTEAD[name])


def require_evaluation(
    settings: SentenceTransformerTrainingArguments, data: object, evaluator: object
) -> None:
    """Raise ArgumentError when the settings ask for evaluations of nothing."""
    if data is None and evaluator is None and settings.eval_strategy != "no":
        strategy = getattr(settings.eval_strategy, "value", settings.eval_strategy)
        raise ArgumentError(
            f"eval_strategy={strategy!r} without eval_dataset and evaluator",
            expected="one of them to evaluate with",
            fix="pass one of them to the trainer, or leave out eval_strategy",
        )
