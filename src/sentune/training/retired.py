"""Settings that model cards list and transformers 5 no longer has, and those that are refused.

Each keeps its old default. Another value goes to the setting's successor, or is refused by name, so
that a run never differs silently from what its settings say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from sentune.errors import ArgumentError

__all__ = ["RetiredSettings", "apply_retired", "not_supported"]


@dataclass(kw_only=True)  # so that output_dir stays the first argument
class RetiredSettings:
    """Names and old defaults of the settings of transformers 4.44 that transformers 5 lacks.

    Attributes:
        warmup_ratio: share of the steps to warm up over, if ``warmup_steps`` is not given.
        per_gpu_train_batch_size, per_gpu_eval_batch_size: now ``per_device_…``.
        no_cuda: now ``use_cpu``.
        adafactor: now ``optim="adafactor"``.
        group_by_length: now ``train_sampling_strategy="group_by_length"``.
    """

    overwrite_output_dir: bool = False
    per_gpu_train_batch_size: int | None = None
    per_gpu_eval_batch_size: int | None = None
    warmup_ratio: float = 0.0
    save_safetensors: bool = True
    no_cuda: bool = False
    use_mps_device: bool = False
    jit_mode_eval: bool = False
    use_ipex: bool = False
    fp16_opt_level: str = "O1"
    half_precision_backend: str = "auto"
    tpu_num_cores: int | None = None
    tpu_metrics_debug: bool = False
    past_index: int = -1
    fsdp_min_num_params: int = 0
    fsdp_transformer_layer_cls_to_wrap: str | None = None
    adafactor: bool = False
    group_by_length: bool = False
    use_legacy_prediction_loop: bool = False
    include_inputs_for_metrics: bool = False
    fp16_backend: str = "auto"
    push_to_hub_model_id: str | None = None
    push_to_hub_organization: str | None = None
    mp_parameters: str = ""
    torchdynamo: str | None = None
    ray_scope: str = "last"
    dispatch_batches: bool | None = None
    split_batches: bool | None = None
    include_tokens_per_second: bool = False


_SUCCESSORS: dict[str, Callable[[Any, Any], None]] = {
    "warmup_ratio": lambda s, v: setattr(s, "warmup_steps", s.warmup_steps or v),
    "per_gpu_train_batch_size": lambda s, v: setattr(s, "per_device_train_batch_size", v),
    "per_gpu_eval_batch_size": lambda s, v: setattr(s, "per_device_eval_batch_size", v),
    "no_cuda": lambda s, _: setattr(s, "use_cpu", True),
    "adafactor": lambda s, _: setattr(s, "optim", "adafactor"),
    "group_by_length": lambda s, _: setattr(s, "train_sampling_strategy", "group_by_length"),
}

_BY_HARDWARE = ("the model computes in its compute_dtype", "load the model with compute_dtype")
_NO_COMPILER = ("packs have another shape at each step, and there may be no compiler", "")
_NO_SHARDS = ("models this small are not sharded", "start several processes with torchrun")
_NO_UPLOAD = ("training sends nothing anywhere", "call model.push_to_hub(...) after training")
_NO_TPU = ("sentune does not run on TPUs", "")
_SHARES = ("every process reads its share of each batch", "")
# Why a value other than the default is refused, and what to do: leave the setting out where empty.
_REASONS = {
    "overwrite_output_dir": ("folders are never overwritten", "name another output_dir"),
    "save_safetensors": ("weights are never written as pickles", ""),
    "use_mps_device": ("the model decides the device", "load the model with device='mps'"),
    "jit_mode_eval": ("packs have another shape each time, which cannot be traced", ""),
    "use_ipex": ("torch needs no extension of Intel's", "use bf16=True"),
    "fp16_opt_level": ("half precision overflows", "use bf16=True"),
    "half_precision_backend": _BY_HARDWARE,
    "fp16_backend": _BY_HARDWARE,
    "tpu_num_cores": _NO_TPU,
    "tpu_metrics_debug": _NO_TPU,
    "past_index": ("sentence encoders have no past states", ""),
    "fsdp_min_num_params": _NO_SHARDS,
    "fsdp_transformer_layer_cls_to_wrap": _NO_SHARDS,
    "use_legacy_prediction_loop": ("there is only one evaluation loop", ""),
    "include_inputs_for_metrics": ("an evaluator has the texts that it needs", "use an evaluator"),
    "push_to_hub_model_id": _NO_UPLOAD,
    "push_to_hub_organization": _NO_UPLOAD,
    "mp_parameters": ("models this small are not split", ""),
    "torchdynamo": _NO_COMPILER,
    "ray_scope": ("there is no hyperparameter search", ""),
    "dispatch_batches": _SHARES,
    "split_batches": _SHARES,
    "include_tokens_per_second": ("the progress bar shows pairs a second", ""),
}
# The same for settings of transformers 5.
_UNSUPPORTED = {
    "fp16": ("half precision overflows", "use bf16=True"),
    "fp16_full_eval": ("half precision overflows", "use bf16=True"),
    "bf16_full_eval": ("evaluation computes as training does", "use bf16=True"),
    "torch_compile": _NO_COMPILER,
    "torch_compile_backend": _NO_COMPILER,
    "torch_compile_mode": _NO_COMPILER,
    "deepspeed": _NO_SHARDS,
    "fsdp": _NO_SHARDS,
    "push_to_hub": _NO_UPLOAD,
    "save_only_model": ("a checkpoint is for resuming", "use save_model for the model alone"),
    "use_liger_kernel": ("its kernels are for other models", ""),
    "eval_use_gather_object": ("it sends pickles between processes", ""),
    "router_mapping": ("no model here has a router", ""),
    "learning_rate_mapping": (
        "its patterns are for the reference's names of weights",
        "pass the trainer optimizers=(optimizer, None) with a learning rate for each group",
    ),
    "enable_jit_checkpoint": ("a checkpoint inside a step would not be whole", ""),
}


def apply_retired(settings: Any) -> None:
    """Give retired settings' values to their successors. Raises ArgumentError by name."""
    for setting in fields(settings):
        name, usual, value = setting.name, setting.default, getattr(settings, setting.name)
        if value is None or value == usual or not (value or usual):
            continue
        if name in _SUCCESSORS:
            _SUCCESSORS[name](settings, value)
        elif name in _REASONS or name in _UNSUPPORTED:
            raise not_supported(name, value, usual, *(_REASONS | _UNSUPPORTED)[name])


def not_supported(name: str, value: object, works: object, reason: str, fix: str) -> ArgumentError:
    """The error for a value of a setting that would not do what it says; ``works`` does."""
    return ArgumentError(
        f"{name}={value!r} is not supported, because {reason}",
        expected=f"{name}={works!r}",
        fix=fix or f"leave out {name}",
    )
