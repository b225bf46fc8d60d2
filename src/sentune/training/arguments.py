"""Every setting of a training run: those of transformers, those it has dropped, and ours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sentune.errors import ArgumentError, MissingExtraError

try:
    import accelerate  # noqa: F401 - transformers would miss it only when the run begins
    from transformers import TrainingArguments
except ImportError as error:
    raise MissingExtraError(error.name or "transformers", "train") from error

from sentune.training.batches.row_batches import BATCH_SAMPLERS, MULTI_DATASET
from sentune.training.retired import RetiredSettings, apply_retired

__all__ = ["SentenceTransformerTrainingArguments", "refused"]

_UNSUPPORTED = {
    "fp16": "half precision overflows; use bf16, which has the range of float32",
    "fp16_full_eval": "half precision overflows; use compute_dtype='bfloat16'",
    "bf16_full_eval": "evaluation computes in the model's format: bf16 or compute_dtype",
    **dict.fromkeys(
        ("torch_compile", "torch_compile_backend", "torch_compile_mode"),
        "packs have another shape at each step, and a compiler may not be there",
    ),
    "deepspeed": "models this small are not sharded; use torchrun alone",
    "fsdp": "models this small are not sharded; use torchrun alone",
    "push_to_hub": "nothing is sent anywhere; upload the folder with huggingface_hub",
    "save_only_model": "a checkpoint is there to go on from; save_model writes the model alone",
    "use_liger_kernel": "its kernels are for other models",
    "eval_use_gather_object": "it sends pickles between processes",
    "enable_jit_checkpoint": "checkpoints are written between steps, where they are whole",
}
# What accelerate does with the batches of other loaders; ours are planned for all processes.
_LOADING = {"split_batches": False, "dispatch_batches": None, "even_batches": True}
# Whole numbers, and numbers, each with the least and the greatest value. The loop would find out
# about others only in its midst, and in other words.
_WHOLE = {
    "per_device_train_batch_size": (1, math.inf),
    "per_device_eval_batch_size": (1, math.inf),
    "gradient_accumulation_steps": (1, math.inf),
    "max_steps": (-1, math.inf),
    "seed": (0, 2**32 - 1),
    "data_seed": (0, 2**32 - 1),
    "dataloader_num_workers": (0, math.inf),
}
_MAY_BE_NONE = ("data_seed", "dropout", "max_grad_norm", "neftune_noise_alpha")
_BELOW_ONE = math.nextafter(1, 0)
_NUMBERS = {
    "learning_rate": (0, math.inf),
    "weight_decay": (0, math.inf),
    "adam_beta1": (0, _BELOW_ONE),
    "adam_beta2": (0, _BELOW_ONE),
    "adam_epsilon": (0, math.inf),
    "max_grad_norm": (0, math.inf),
    "num_train_epochs": (math.nextafter(0, 1), math.inf),
    "warmup_ratio": (0, _BELOW_ONE),
    "warmup_steps": (0, math.inf),
    "label_smoothing_factor": (0, 1),
    "neftune_noise_alpha": (0, math.inf),
    "dropout": (0, _BELOW_ONE),
}
# Trackers whose package has another name.
_TRACKER_PACKAGES = {
    "azure_ml": "azureml-sdk",
    "comet_ml": "comet-ml",
    "flyte": "flytekit",
}


@dataclass
class SentenceTransformerTrainingArguments(TrainingArguments, RetiredSettings):  # type: ignore[misc]
    """transformers' ``TrainingArguments``, with what sentence-embedding training adds.

    All 111 names and values of a sentence-transformers 3.1 model card are accepted together. What
    transformers 5 has dropped is handled by :mod:`sentune.training.retired`.

    Attributes:
        batch_sampler: ``no_duplicates`` (no text twice in a batch), ``batch_sampler`` (a plain
            shuffle), ``group_by_label`` or ``hard_negatives`` (near neighbours together).
        multi_dataset_batch_sampler: ``round_robin`` (a batch of each data set in turn, until the
            shortest ends) or ``proportional`` (all batches of all, shuffled).
        bf16: compute in bfloat16 (True) or float32 (False); the model's own choice when None.
            Weights, gradients and optimizer state are float32 in any case.
        dropout: one probability for all dropout of the encoder; that of the model's
            configuration when None.
        early_stopping_patience: end after so many evaluations in a row without a better one; never
            when None. Needs ``load_best_model_at_end``.
        prompts: put before the texts of every data set, or a mapping from data set to such: a
            text, or a mapping from column to text. The model's own prompts when None.

    Raises:
        ArgumentError: a setting that is unknown, out of range, or not supported, by name.
    """

    output_dir: str | None = field(default="sentune_run")
    batch_sampler: str = field(default="no_duplicates")
    multi_dataset_batch_sampler: str = field(default="round_robin")
    bf16: bool | None = field(default=None)
    dropout: float | None = field(default=None)
    early_stopping_patience: int | None = field(default=None)
    prompts: Any = field(default=None)
    save_strategy: str = field(default="no")
    report_to: Any = field(default="none")

    def __post_init__(self) -> None:
        """Validate, and keep accelerate's autocast off: the encoder casts for itself."""
        self._require_numbers()
        apply_retired(self)
        self._require_supported()
        wanted, self.bf16 = self.bf16, False
        self._name_recomputation()
        # A card lists these as 0 and empty, which transformers 5 takes for a wish to shard.
        self.fsdp, self.fsdp_config, self.local_rank = None, None, -1
        with refused("training settings"):
            super().__post_init__()
        self.bf16 = wanted
        self._require_own_loading()
        self._require_trackers()

    def _require_own_loading(self) -> None:
        """Settings of loading that would be accepted and do nothing."""
        strategy = getattr(self.train_sampling_strategy, "value", self.train_sampling_strategy)
        if strategy == "batch_rebalance":
            raise _unsupported(
                "train_sampling_strategy='batch_rebalance' (packs have no padding to balance)",
                "random, sequential or group_by_length",
                "train_sampling_strategy",
            )
        if self.length_column_name != "length":
            raise _unsupported(
                f"length_column_name={self.length_column_name!r} (rows are measured, not told)",
                "none",
                "length_column_name",
            )
        for name, usual in _LOADING.items():
            given = getattr(self.accelerator_config, name, usual)
            if given != usual:
                raise _unsupported(
                    f"accelerator_config {name}={given!r} (the sampler shares out batches)",
                    f"{usual}",
                    "accelerator_config",
                )

    def _name_recomputation(self) -> None:
        """The new names alone: transformers warns of the old ones whenever they are set."""
        for new in ("activation_checkpointing", "activation_checkpointing_kwargs"):
            old = new.replace("activation", "gradient")
            setattr(self, new, getattr(self, new) or getattr(self, old) or None)
            setattr(self, old, None)

    def _require_numbers(self) -> None:
        kinds = {**dict.fromkeys(_WHOLE, int), **dict.fromkeys(_NUMBERS, int | float)}
        for name, (least, most) in {**_WHOLE, **_NUMBERS}.items():
            value = getattr(self, name)
            if value is None and name in _MAY_BE_NONE:
                continue
            is_number = isinstance(value, kinds[name]) and not isinstance(value, bool)
            if not is_number or not least <= value <= most or value == math.inf:
                noun = "a whole number" if name in _WHOLE else "a number"
                upper = "" if most == math.inf else f" and at most {most:g}"
                raise _unsupported(
                    f"{name}={value!r}", f"{noun} of at least {least:g}{upper}", name
                )

    def _require_supported(self) -> None:
        _require_choice("batch_sampler", self.batch_sampler, tuple(BATCH_SAMPLERS))
        _require_choice(
            "multi_dataset_batch_sampler", self.multi_dataset_batch_sampler, MULTI_DATASET
        )
        for name, reason in _UNSUPPORTED.items():
            if getattr(self, name):
                raise _unsupported(f"{name}={getattr(self, name)!r} ({reason})", "none", name)
        if self.early_stopping_patience is not None:
            self._require_stopping()

    def _require_trackers(self) -> None:
        if not self.report_to:
            return
        from transformers.integrations import integration_utils  # takes a second

        known = tuple(integration_utils.INTEGRATION_TO_CALLBACK)
        installed = set(integration_utils.get_available_reporting_integrations())
        if integration_utils.is_flytekit_available():
            installed.add("flyte")
        for name in self.report_to:
            if name not in known:
                raise _unsupported(f"report_to={name!r}", f"one of {', '.join(known)}", "report_to")
            if name not in installed:
                package = _TRACKER_PACKAGES.get(name, name)
                raise ArgumentError(
                    f"report_to={name!r}, which is not installed",
                    expected=f"the package {package}, or report_to='none'",
                    fix=f"run: pip install {package}",
                )

    def _require_stopping(self) -> None:
        name = "early_stopping_patience"
        if type(self.early_stopping_patience) is not int or self.early_stopping_patience < 1:
            raise _unsupported(f"{name}={self.early_stopping_patience!r}", "a number from 1", name)
        if not self.load_best_model_at_end:
            raise _unsupported(
                f"{name}={self.early_stopping_patience} without load_best_model_at_end",
                "load_best_model_at_end=True, as the last evaluations are the worse ones",
                name,
            )


@contextmanager
def refused(what: str) -> Iterator[None]:
    """What transformers says about settings, as our error."""
    try:
        yield
    except (ImportError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ArgumentError(
            f"{what} that transformers refuses ({reason})",
            expected="settings as transformers documents them",
            fix="correct the one that is named",
        ) from error


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _unsupported(f"{name}={value!r}", f"one of {', '.join(choices)}", name)


def _unsupported(given: str, expected: str, name: str) -> ArgumentError:
    return ArgumentError(given, expected=expected, fix=f"change or leave out {name}")
