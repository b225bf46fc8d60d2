"""Every setting of a training run: those of transformers, and ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sentune.errors import ArgumentError, MissingExtraError

try:
    import accelerate  # noqa: F401 - transformers would miss it only when the run begins
    from transformers import TrainingArguments
except ImportError as error:
    raise MissingExtraError(error.name or "transformers", "train") from error

from sentune.training.samplers import BATCH_SAMPLERS

__all__ = ["SentenceTransformerTrainingArguments"]

_MULTI_DATASET = ("round_robin", "proportional")


@dataclass
class SentenceTransformerTrainingArguments(TrainingArguments):  # type: ignore[misc]
    """transformers' ``TrainingArguments``, with what sentence-embedding training adds.

    Attributes:
        batch_sampler: ``no_duplicates`` (no text twice in a batch) or ``batch_sampler`` (a plain
            shuffle).
        multi_dataset_batch_sampler: stated on model cards; a run has one dataset so far.
        bf16: compute in bfloat16 (True) or float32 (False); the model's own choice when None.
            Weights, gradients and optimizer state are float32 in any case.
        dropout: one probability for all dropout of the encoder; that of the model's
            configuration when None.

    Raises:
        ArgumentError: a setting that is unknown, or that is not safe yet: fp16, which overflows,
            and checkpoints, which transformers writes as pickles and not atomically.
    """

    output_dir: str | None = field(default="sentune_run")
    batch_sampler: str = field(default="no_duplicates")
    multi_dataset_batch_sampler: str = field(default="round_robin")
    bf16: bool | None = field(default=None)
    dropout: float | None = field(default=None)
    save_strategy: str = field(default="no")
    report_to: str = field(default="none")

    def __post_init__(self) -> None:
        """Validate, and keep accelerate's autocast off: the encoder casts for itself."""
        self._require_supported()
        wanted, self.bf16 = self.bf16, False
        super().__post_init__()
        self.bf16 = wanted

    def _require_supported(self) -> None:
        if self.batch_sampler not in BATCH_SAMPLERS:
            raise _unsupported("batch_sampler", self.batch_sampler, " or ".join(BATCH_SAMPLERS))
        if self.multi_dataset_batch_sampler not in _MULTI_DATASET:
            wanted = " or ".join(_MULTI_DATASET)
            raise _unsupported(
                "multi_dataset_batch_sampler", self.multi_dataset_batch_sampler, wanted
            )
        if self.fp16:
            raise _unsupported("fp16", True, "bf16, which has the range of float32")
        if str(getattr(self.save_strategy, "value", self.save_strategy)) != "no":
            raise _unsupported("save_strategy", self.save_strategy, "'no'")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise _unsupported("dropout", self.dropout, "a probability below 1")


def _unsupported(name: str, value: Any, expected: str) -> ArgumentError:
    return ArgumentError(f"{name}={value!r}", expected=expected, fix=f"change or leave out {name}")
