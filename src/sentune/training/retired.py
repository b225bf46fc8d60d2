"""Settings that model cards list and transformers 5 no longer has.

Each keeps its old default. A value that has a successor goes there; any other value is refused by
name, so that a run never differs silently from what its settings say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from sentune.errors import ArgumentError

__all__ = ["RetiredSettings", "apply_retired"]


@dataclass(kw_only=True)  # so that output_dir stays the first argument by place
class RetiredSettings:
    """The names and old defaults of what transformers 4.44 had and transformers 5 has not.

    Attributes:
        warmup_ratio: share of the steps to warm up over, unless ``warmup_steps`` is given.
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


def _warm_up(settings: Any, ratio: float) -> None:
    settings.warmup_steps = settings.warmup_steps or ratio


_SUCCESSORS: dict[str, Callable[[Any, Any], None]] = {
    "warmup_ratio": _warm_up,
    "per_gpu_train_batch_size": lambda s, v: setattr(s, "per_device_train_batch_size", v),
    "per_gpu_eval_batch_size": lambda s, v: setattr(s, "per_device_eval_batch_size", v),
    "no_cuda": lambda s, _: setattr(s, "use_cpu", True),
    "adafactor": lambda s, _: setattr(s, "optim", "adafactor"),
    "group_by_length": lambda s, _: setattr(s, "train_sampling_strategy", "group_by_length"),
}

_ALWAYS_SO = "the format follows the hardware; see compute_dtype"
_REASONS = {
    "overwrite_output_dir": "folders are never overwritten; name another one",
    "save_safetensors": "weights are never written as pickles",
    "use_mps_device": "the device is the model's: SentenceTransformer(device='mps')",
    "jit_mode_eval": "packs have another shape each time, which tracing cannot follow",
    "use_ipex": "Intel's extension is not used; bfloat16 needs only torch",
    "fp16_opt_level": "half precision overflows; use bf16",
    "half_precision_backend": _ALWAYS_SO,
    "fp16_backend": _ALWAYS_SO,
    "tpu_num_cores": "TPUs are not supported",
    "tpu_metrics_debug": "TPUs are not supported",
    "past_index": "sentence encoders have no past to keep",
    "fsdp_min_num_params": "models this small are not sharded; use torchrun alone",
    "fsdp_transformer_layer_cls_to_wrap": "models this small are not sharded; use torchrun alone",
    "use_legacy_prediction_loop": "there is one evaluation loop",
    "include_inputs_for_metrics": "metrics come from an evaluator, which has its own texts",
    "push_to_hub_model_id": "nothing is sent anywhere; upload the folder with huggingface_hub",
    "push_to_hub_organization": "nothing is sent anywhere; upload the folder with huggingface_hub",
    "mp_parameters": "SageMaker's model parallelism is not supported",
    "torchdynamo": "packs have another shape at each step, and a compiler may not be there",
    "ray_scope": "hyperparameter search over Ray is not supported",
    "dispatch_batches": "every process reads its own share of each batch",
    "split_batches": "every process reads its own share of each batch",
    "include_tokens_per_second": "the progress bar shows pairs a second",
}


def apply_retired(settings: Any) -> None:
    """Give every retired setting's value to its successor. Raises ArgumentError by name."""
    for setting in fields(RetiredSettings):
        value = getattr(settings, setting.name)
        if value in (setting.default, None):
            continue
        if setting.name in _SUCCESSORS:
            _SUCCESSORS[setting.name](settings, value)
        else:
            raise ArgumentError(
                f"{setting.name}={value!r} ({_REASONS[setting.name]})",
                expected=f"{setting.default!r}, the only value that still has a meaning",
                fix=f"leave out {setting.name}",
            )
