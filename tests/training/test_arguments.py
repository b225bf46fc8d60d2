"""Every setting a model card lists is accepted, or refused by name with the reason."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sentune import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.retired import _REASONS, _SUCCESSORS, _UNSUPPORTED, RetiredSettings
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning import read_run_file

# What a card of sentence-transformers 3.1 with transformers 4.44 lists.
CARD: dict[str, Any] = {
    "overwrite_output_dir": False,
    "do_predict": False,
    "eval_strategy": "no",
    "prediction_loss_only": True,
    "per_device_train_batch_size": 20,
    "per_device_eval_batch_size": 20,
    "per_gpu_train_batch_size": None,
    "per_gpu_eval_batch_size": None,
    "gradient_accumulation_steps": 1,
    "eval_accumulation_steps": None,
    "torch_empty_cache_steps": None,
    "learning_rate": 5e-05,
    "weight_decay": 0.0,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-08,
    "max_grad_norm": 1,
    "num_train_epochs": 10,
    "max_steps": -1,
    "lr_scheduler_type": "linear",
    "lr_scheduler_kwargs": {},
    "warmup_ratio": 0.0,
    "warmup_steps": 0,
    "log_level": "passive",
    "log_level_replica": "warning",
    "log_on_each_node": True,
    "logging_nan_inf_filter": True,
    "save_safetensors": True,
    "save_on_each_node": False,
    "save_only_model": False,
    "restore_callback_states_from_checkpoint": False,
    "no_cuda": False,
    "use_cpu": False,
    "use_mps_device": False,
    "seed": 42,
    "data_seed": None,
    "jit_mode_eval": False,
    "use_ipex": False,
    "bf16": False,
    "fp16": False,
    "fp16_opt_level": "O1",
    "half_precision_backend": "auto",
    "bf16_full_eval": False,
    "fp16_full_eval": False,
    "tf32": None,
    "local_rank": 0,
    "ddp_backend": None,
    "tpu_num_cores": None,
    "tpu_metrics_debug": False,
    "debug": [],
    "dataloader_drop_last": False,
    "dataloader_num_workers": 0,
    "dataloader_prefetch_factor": None,
    "past_index": -1,
    "disable_tqdm": False,
    "remove_unused_columns": True,
    "label_names": None,
    "load_best_model_at_end": False,
    "ignore_data_skip": False,
    "fsdp": [],
    "fsdp_min_num_params": 0,
    "fsdp_config": {
        "min_num_params": 0,
        "xla": False,
        "xla_fsdp_v2": False,
        "xla_fsdp_grad_ckpt": False,
    },
    "fsdp_transformer_layer_cls_to_wrap": None,
    "accelerator_config": {
        "split_batches": False,
        "dispatch_batches": None,
        "even_batches": True,
        "use_seedable_sampler": True,
        "non_blocking": False,
        "gradient_accumulation_kwargs": None,
    },
    "deepspeed": None,
    "label_smoothing_factor": 0.0,
    "optim": "adamw_torch",
    "optim_args": None,
    "adafactor": False,
    "group_by_length": False,
    "length_column_name": "length",
    "ddp_find_unused_parameters": None,
    "ddp_bucket_cap_mb": None,
    "ddp_broadcast_buffers": False,
    "dataloader_pin_memory": True,
    "dataloader_persistent_workers": False,
    "skip_memory_metrics": True,
    "use_legacy_prediction_loop": False,
    "push_to_hub": False,
    "resume_from_checkpoint": None,
    "hub_model_id": None,
    "hub_strategy": "every_save",
    "hub_private_repo": False,
    "hub_always_push": False,
    "gradient_checkpointing": False,
    "gradient_checkpointing_kwargs": None,
    "include_inputs_for_metrics": False,
    "eval_do_concat_batches": True,
    "fp16_backend": "auto",
    "push_to_hub_model_id": None,
    "push_to_hub_organization": None,
    "mp_parameters": "",
    "auto_find_batch_size": False,
    "full_determinism": False,
    "torchdynamo": None,
    "ray_scope": "last",
    "ddp_timeout": 1800,
    "torch_compile": False,
    "torch_compile_backend": None,
    "torch_compile_mode": None,
    "dispatch_batches": None,
    "split_batches": None,
    "include_tokens_per_second": False,
    "include_num_input_tokens_seen": False,
    "neftune_noise_alpha": None,
    "optim_target_modules": None,
    "batch_eval_metrics": False,
    "eval_on_start": False,
    "eval_use_gather_object": False,
    "batch_sampler": "batch_sampler",
    "multi_dataset_batch_sampler": "round_robin",
}
RETIRED = {setting.name: setting.default for setting in fields(RetiredSettings)}
COLUMNS = {
    "anchor": [f"question number {i}" for i in range(40)],
    "positive": [f"passage with the number {i}" for i in range(40)],
}


def arguments(folder: Path, **values: Any) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(output_dir=str(folder), **values)


def card_line(name: str, value: Any) -> str:
    """As a card writes it: Python's way, texts without quotes."""
    return f"{name}: {value}\n"


def test_the_folder_is_the_first_argument_as_in_transformers() -> None:
    assert SentenceTransformerTrainingArguments("run").output_dir == "run"


def test_a_card_lists_111_settings() -> None:
    assert len(CARD) == 111


def test_a_card_is_accepted_and_kept(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = arguments(tmp_path, **CARD)
    # Those that say how to shard or to put processes together, which mean "not at all" there.
    plainer = {
        "fsdp",
        "fsdp_config",
        "local_rank",
        "accelerator_config",
        "gradient_checkpointing_kwargs",
    }
    for name, value in CARD.items():
        if name not in plainer:
            found = getattr(made, name)
            alike = {value, "no"} if name == "include_num_input_tokens_seen" else {str(value)}
            assert str(getattr(found, "value", found)) in map(str, alike), name


def test_two_steps_with_the_settings_of_a_card(tmp_path: Path, tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    values = {**CARD, "max_steps": 2, "disable_tqdm": True, "logging_steps": 1}
    trainer = SentenceTransformerTrainer(model, arguments(tmp_path, **values), COLUMNS)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert trainer.state.global_step == len(losses) == 2
    assert all(map(math.isfinite, losses))


def test_the_list_of_a_card_is_a_run_file(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text("".join(card_line(*item) for item in CARD.items()), encoding="utf-8")
    found = read_run_file(path).settings.resolved()
    # The file has no say in where a run writes, and whether it draws bars.
    left_out = {"disable_tqdm", "resume_from_checkpoint"}
    assert {*CARD} - {*found} == left_out
    for name in {*CARD} - left_out - {"mp_parameters"}:
        assert found[name] == CARD[name], name
        assert type(found[name]) is type(CARD[name]), name
    made = arguments(tmp_path, **found)
    assert made.learning_rate == 5e-5
    assert made.eval_strategy == "no"


def test_a_run_file_repeats_itself(tmp_path: Path) -> None:
    path, again = tmp_path / "card.yaml", tmp_path / "again.yaml"
    path.write_text("".join(card_line(*item) for item in CARD.items()), encoding="utf-8")
    first = read_run_file(path)
    again.write_text(first.text(tmp_path), encoding="utf-8")
    kept = {name: value for name, value in first.settings.resolved().items() if value is not None}
    assert read_run_file(again).settings.resolved() == kept


def test_values_as_a_card_and_as_yaml_write_them(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "learning_rate: 5e-05\nadam_epsilon: 1E-8\ndata_seed: None\nlr_scheduler_kwargs: {}\n"
        "run_name: 3e\nseed: 7\nsave_strategy: no\nneftune_noise_alpha: null\n",
        encoding="utf-8",
    )
    found = read_run_file(path).settings.training
    assert found == {
        "learning_rate": 5e-5,
        "adam_epsilon": 1e-8,
        "data_seed": None,
        "lr_scheduler_kwargs": {},
        "run_name": "3e",
        "seed": 7,
        "save_strategy": "no",
        "neftune_noise_alpha": None,
    }


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("learning_rte", "learning_rate"),
        ("num_epochs", "num_train_epochs"),
        ("batchsampler", "batch_sampler"),
        ("hard_negative", "hard_negatives"),
        ("warm_up_ratio", "warmup_ratio"),
    ],
)
def test_an_unknown_name_in_a_run_file_gets_the_nearest(
    tmp_path: Path, name: str, nearest: str
) -> None:
    (tmp_path / "run.yaml").write_text(f"{name}: 1\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match=rf"{name} is no setting.*Did you mean {nearest}\?"):
        read_run_file(tmp_path / "run.yaml")


@pytest.mark.parametrize(
    ("name", "value"),
    [("output_dir", "x"), ("disable_tqdm", True), ("resume_from_checkpoint", "y")],
)
def test_where_a_run_writes_is_not_for_a_file_to_say(tmp_path: Path, name: str, value: Any) -> None:
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({name: value}), encoding="utf-8")
    with pytest.raises(ArgumentError, match=f"Leave out {name}"):
        read_run_file(tmp_path / "run.yaml")


# ── what transformers 5 has dropped ───────────────────────────────────────────────────────────


def test_every_retired_setting_has_a_successor_or_a_reason() -> None:
    assert {*RETIRED} == {*_SUCCESSORS, *_REASONS}
    assert not {*_SUCCESSORS} & {*_REASONS}
    still_there = {f.name for f in fields(SentenceTransformerTrainingArguments.__mro__[1])}
    assert not still_there & {*RETIRED}


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_the_old_default_is_accepted(tmp_path: Path, name: str) -> None:
    made, plain = arguments(tmp_path, **{name: RETIRED[name]}), arguments(tmp_path)
    first, second = made.to_dict(), plain.to_dict()
    first.pop("logging_dir", None), second.pop("logging_dir", None)
    assert first == second


@pytest.mark.parametrize(
    ("given", "successor", "expected"),
    [
        ({"warmup_ratio": 0.1}, "warmup_steps", 0.1),
        ({"warmup_ratio": 0.1, "warmup_steps": 7}, "warmup_steps", 7),
        ({"per_gpu_train_batch_size": 6}, "per_device_train_batch_size", 6),
        ({"per_gpu_eval_batch_size": 6}, "per_device_eval_batch_size", 6),
        ({"no_cuda": True}, "use_cpu", True),
        ({"adafactor": True}, "optim", "adafactor"),
        ({"group_by_length": True}, "train_sampling_strategy", "group_by_length"),
    ],
)
def test_a_value_goes_to_its_successor(
    tmp_path: Path, given: dict[str, Any], successor: str, expected: Any
) -> None:
    found = getattr(arguments(tmp_path, **given), successor)
    assert getattr(found, "value", found) == expected


def _other(default: Any) -> Any:
    if isinstance(default, bool):
        return not default
    return {type(None): "other", str: "other", int: 3, float: 0.5}[type(default)]


@pytest.mark.parametrize("name", sorted(_REASONS))
def test_any_other_value_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(tmp_path, **{name: _other(RETIRED[name])})
    said = str(caught.value)
    assert said.startswith(f"{name}=")
    assert f"is not supported, because {_REASONS[name][0]}: " in said
    assert f"expected {name}={RETIRED[name]!r}. " in said
    assert "\n" not in said


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_a_warm_up_outside_its_range_is_named(tmp_path: Path, ratio: float) -> None:
    with pytest.raises(ArgumentError, match="warmup_ratio"):
        arguments(tmp_path, warmup_ratio=ratio)


# ── what is not supported ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(_UNSUPPORTED))
def test_what_is_not_supported_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(tmp_path, **{name: "anything" if name.endswith(("mode", "backend")) else True})
    said = str(caught.value)
    assert said.startswith(f"{name}=")
    assert f"is not supported, because {_UNSUPPORTED[name][0]}: expected {name}=" in said


@pytest.mark.parametrize(
    "values",
    [
        {"optim": "quickest"},
        {"lr_scheduler_type": "sideways"},
        {"eval_strategy": "now"},
        {"load_best_model_at_end": True, "eval_strategy": "no", "save_strategy": "steps"},
    ],
)
def test_what_transformers_refuses_is_an_argument_error_of_one_line(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(tmp_path, **values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"train_sampling_strategy": "batch_rebalance"}, "no padding to balance"),
        ({"length_column_name": "size"}, "length_column_name='size'"),
        ({"accelerator_config": {"split_batches": True}}, "split_batches=True"),
        ({"accelerator_config": {"dispatch_batches": True}}, "dispatch_batches=True"),
        ({"accelerator_config": {"even_batches": False}}, "even_batches=False"),
    ],
)
def test_a_setting_of_loading_that_would_do_nothing_is_refused(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        arguments(tmp_path, **values)


# ── trackers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tracker", "package"),
    [("tensorboard", "tensorboard"), ("comet_ml", "comet-ml"), ("flyte", "flytekit")],
)
def test_a_tracker_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracker: str, package: str
) -> None:
    home = "transformers.integrations.integration_utils"
    monkeypatch.setattr(f"{home}.get_available_reporting_integrations", list)
    monkeypatch.setattr(f"{home}.is_flytekit_available", lambda: False)
    for given in (tracker, [tracker]):
        with pytest.raises(ArgumentError) as caught:
            arguments(tmp_path, report_to=given)
        assert tracker in str(caught.value)
        assert str(caught.value).endswith(f"Run: pip install '{package}'")


def test_an_unknown_tracker_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="report_to is 'wanb'"):
        arguments(tmp_path, report_to=["wanb"])


def test_without_a_tracker_nothing_is_asked_for(tmp_path: Path) -> None:
    assert arguments(tmp_path).report_to == []
    assert arguments(tmp_path, report_to="none").report_to == []


def test_settings_can_be_written_as_json(tmp_path: Path) -> None:
    assert json.loads(arguments(tmp_path, **CARD).to_json_string())["learning_rate"] == 5e-5


def test_processes_wait_for_each_other_as_long_as_ddp_timeout_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    for name, value in where.items():
        monkeypatch.setenv(name, value)
    given = SentenceTransformerTrainingArguments(str(tmp_path), use_cpu=True, ddp_timeout=7)
    try:
        group = torch.distributed.group.WORLD
        assert group is not None
        waits = group._get_backend(torch.device("cpu")).options._timeout
        assert waits == given.ddp_timeout_delta == timedelta(seconds=7)
    finally:
        torch.distributed.destroy_process_group()
