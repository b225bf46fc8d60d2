"""Every setting of a training run: those of transformers, those that it dropped, and ours."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from torch import distributed

from sentune.checks import require_choice, require_number, require_whole
from sentune.errors import ArgumentError, MissingExtraError

try:
    import accelerate  # noqa: F401 - transformers would notice only when the run begins
    from transformers import TrainingArguments
except ImportError as error:
    raise MissingExtraError(error.name or "transformers", "train") from error

from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers
from sentune.training.retired import RetiredSettings, apply_retired, not_supported

if TYPE_CHECKING:
    Parsed = Any
else:  # how transformers' HfArgumentParser reads it from a command line
    Parsed = str | None

__all__ = ["SentenceTransformerTrainingArguments", "refused"]

# What accelerate does with the batches of other loaders; ours are planned for all processes.
_LOADING = {"split_batches": False, "dispatch_batches": None, "even_batches": True}
# The range of each number. The training loop would notice others late and in unclear words.
_WHOLE = {
    "per_device_train_batch_size": (1, None),
    "per_device_eval_batch_size": (1, None),
    "gradient_accumulation_steps": (1, None),
    "max_steps": (-1, None),
    "seed": (0, 2**32 - 1),
    "data_seed": (0, 2**32 - 1),
    "dataloader_num_workers": (0, None),
}
_NUMBERS = {
    "num_train_epochs": (math.ulp(0), math.inf, "a finite number greater than 0"),
    "label_smoothing_factor": (0, 1, "a number from 0 to 1"),
    **dict.fromkeys(
        ("dropout", "warmup_ratio", "adam_beta1", "adam_beta2"),
        (0, math.nextafter(1, 0), "a number from 0 to below 1"),
    ),
    **dict.fromkeys(
        (
            *("learning_rate", "weight_decay", "adam_epsilon"),
            *("max_grad_norm", "warmup_steps", "neftune_noise_alpha"),
        ),
        (0, math.inf, "a number of at least 0"),
    ),
}
_SAMPLERS: dict[str, type[Enum]] = {
    "batch_sampler": BatchSamplers,
    "multi_dataset_batch_sampler": MultiDatasetBatchSamplers,
}
_MAY_BE_NONE = ("data_seed", "dropout", "max_grad_norm", "neftune_noise_alpha")
# Trackers whose package has another name.
_TRACKER_PACKAGES = {"azure_ml": "azureml-sdk", "comet_ml": "comet-ml", "flyte": "flytekit"}


@dataclass
class SentenceTransformerTrainingArguments(TrainingArguments, RetiredSettings):  # type: ignore[misc]
    """transformers' ``TrainingArguments``, and what sentence-embedding training adds.

    All 111 names and values of a sentence-transformers 3.1 model card are accepted together.
    :mod:`sentune.training.retired` handles those that transformers 5 dropped.

    The defaults are the reference's, except that of ``bf16``.

    Attributes:
        batch_sampler: ``batch_sampler`` (a plain shuffle), ``no_duplicates`` (no text twice in a
            batch), ``group_by_label`` or ``hard_negatives`` (near neighbours together); or a
            member of :class:`~sentune.training.batches.names.BatchSamplers`.
        multi_dataset_batch_sampler: ``proportional`` (all batches of all data sets, shuffled) or
            ``round_robin`` (one batch of each after another, until the shortest ends); or a
            member of ``MultiDatasetBatchSamplers``.
        bf16: compute in bfloat16 (True) or float32 (False); as the model does when None. Weights,
            gradients and optimizer state are always float32.
        dropout: one probability for all dropout of the encoder; that of the model's
            configuration when None.
        early_stopping_patience: stop after so many evaluations in a row without a better one; never
            when None. Needs ``load_best_model_at_end``.
        prompts: what to put before the texts: one text for all columns, or a mapping from column
            to text, or a mapping from data set to one of these. None of them when None, as in
            the reference, even if the model has prompts.
        router_mapping, learning_rate_mapping: accepted when empty.
        save_strategy: ``steps``, ``epoch``, ``best`` or ``no``. When None, ``steps``: a checkpoint
            every ``save_steps`` (500) and at the end, into ``output_dir``. A run that was not told
            to save is never refused or stopped for its checkpoints: those of an earlier run move
            into a folder of their own there, and a checkpoint that cannot be written is a warning.

    Raises:
        ArgumentError: a setting that is unknown, out of range, or not supported, by name.
    """

    batch_sampler: Parsed = field(default=BatchSamplers.BATCH_SAMPLER.value)
    multi_dataset_batch_sampler: Parsed = field(
        default=MultiDatasetBatchSamplers.PROPORTIONAL.value
    )
    bf16: bool | None = field(default=None)
    dropout: float | None = field(default=None)
    early_stopping_patience: int | None = field(default=None)
    prompts: Parsed = field(default=None)
    router_mapping: Parsed = field(default=None)
    learning_rate_mapping: Parsed = field(default=None)
    save_strategy: Parsed = field(default=None)
    report_to: Parsed = field(default="none")

    def __post_init__(self) -> None:
        """Validate, and keep accelerate's autocast off, because the encoder does its casting."""
        if isinstance(self.prompts, str) and self.prompts.startswith("{"):
            with suppress(ValueError):  # a prompt may begin like JSON
                self.prompts = json.loads(self.prompts)
        self._require_numbers()
        apply_retired(self)
        self._require_choices()
        wanted, self.bf16 = self.bf16, False
        self._name_recomputation()
        self._choose_saving()
        # A card lists these as 0 and empty, which transformers 5 reads as a request to shard.
        self.fsdp, self.fsdp_config, self.local_rank = None, None, -1
        with refused("training settings"):
            self._join_in_time()
            super().__post_init__()
        self.bf16 = wanted
        self._require_loading()
        self._require_trackers()

    def _join_in_time(self) -> None:
        """Join torchrun's processes: with ``use_cpu``, transformers forgets ``ddp_timeout``."""
        known = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()
        if self.use_cpu and known and not distributed.is_initialized():
            patience = timedelta(seconds=self.ddp_timeout)
            distributed.init_process_group(self.ddp_backend or "gloo", timeout=patience)

    def _require_loading(self) -> None:
        """Refuse settings of loading that would be accepted and do nothing."""
        strategy = getattr(self.train_sampling_strategy, "value", self.train_sampling_strategy)
        if strategy == "batch_rebalance":
            name = "train_sampling_strategy"
            raise not_supported(name, strategy, "random", "packs have no padding to balance", "")
        if self.length_column_name != "length":
            name, reason = "length_column_name", "lengths are measured from the texts"
            raise not_supported(name, self.length_column_name, "length", reason, "")
        for name, usual in _LOADING.items():
            given = getattr(self.accelerator_config, name, usual)
            if given != usual:
                reason = "the sampler plans the batches of all processes"
                raise not_supported(name, given, usual, reason, "leave out accelerator_config")

    def _name_recomputation(self) -> None:
        """Keep only the new names: transformers warns of the old ones whenever they are set."""
        for new in ("activation_checkpointing", "activation_checkpointing_kwargs"):
            old = new.replace("activation", "gradient")
            setattr(self, new, getattr(self, new) or getattr(self, old) or None)
            setattr(self, old, None)

    def _choose_saving(self) -> None:
        usual = TrainingArguments.__dataclass_fields__["save_steps"].default
        asked = self.load_best_model_at_end or self.save_total_limit is not None
        told = self.save_strategy is not None or asked or self.save_steps != usual
        self.saves_by_default = not told  # not a setting: no file or card has it
        self.save_strategy = "steps" if self.save_strategy is None else self.save_strategy

    def _require_numbers(self) -> None:
        for name in (*_WHOLE, *_NUMBERS):
            value = getattr(self, name)
            if value is None and name in _MAY_BE_NONE:
                continue
            if name in _WHOLE:
                least, most = _WHOLE[name]
                setattr(self, name, require_whole(name, value, least=least, most=most))
            else:
                low, high, expected = _NUMBERS[name]
                number = require_number(name, value, least=low, most=high, expected=expected)
                # A whole number stays one: a card states it as it was given.
                setattr(self, name, value if isinstance(value, int) else number)

    def _require_choices(self) -> None:
        for name, kinds in _SAMPLERS.items():
            setattr(self, name, _sampler(name, getattr(self, name), kinds))
        if self.early_stopping_patience is not None:
            require_whole("early_stopping_patience", self.early_stopping_patience)
            if not self.load_best_model_at_end:
                raise ArgumentError(
                    "early_stopping_patience without load_best_model_at_end",
                    expected="both, because the last evaluations before the stop are not the best",
                    fix="set load_best_model_at_end=True",
                )

    def _require_trackers(self) -> None:
        if not self.report_to:
            return
        from transformers.integrations import integration_utils  # takes a second

        known = tuple(integration_utils.INTEGRATION_TO_CALLBACK)
        installed = set(integration_utils.get_available_reporting_integrations())
        if integration_utils.is_flytekit_available():
            installed.add("flyte")
        for name in self.report_to:
            require_choice("report_to", name, known)
            if name not in installed:
                package = _TRACKER_PACKAGES.get(name, name)
                raise ArgumentError(
                    f"report_to={name!r} without its package",
                    expected=f"the package {package}, or report_to='none'",
                    fix=f"run: pip install '{package}'",
                )


def _sampler(name: str, given: Any, kinds: type[Enum]) -> str:
    """The name of a sampler: one of ours, whichever library's enumeration it is from."""
    if callable(given):
        reason = "the sampler plans the batches of all processes and epochs"
        raise not_supported(
            name, given, next(iter(kinds)).value, reason, "name one of the samplers"
        )
    return require_choice(name, getattr(given, "value", given), [one.value for one in kinds])


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Raise what transformers says about settings as ArgumentError."""
    try:
        yield
    except (ImportError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ArgumentError(
            f"transformers refuses the {what} ({reason})",
            expected="settings as transformers documents them",
            fix="correct the setting that it names",
        ) from error
