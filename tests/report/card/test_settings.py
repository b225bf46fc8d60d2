from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from accelerate.state import PartialState

from sentune.report.card.settings import stated_settings
from sentune.training.arguments import SentenceTransformerTrainingArguments as Arguments


def test_defaults_are_not_listed_as_changed(tmp_path: Path) -> None:
    settings = stated_settings(Arguments(output_dir=str(tmp_path)))
    assert settings.changed == {}
    assert len(settings.all) > 80


def test_exactly_what_differs_is_listed(tmp_path: Path) -> None:
    arguments = Arguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=20,
        num_train_epochs=10,
        learning_rate=2e-5,
        lr_scheduler_type="cosine",
        lr_scheduler_kwargs={"num_cycles": 2},
        batch_sampler="no_duplicates",
        bf16=True,
        dropout=0.0,
        use_cpu=True,
        activation_checkpointing=False,
        seed=42,
        accelerator_config={"non_blocking": True},
    )
    config = (
        "{'split_batches': False, 'dispatch_batches': None, 'even_batches': True, "
        "'use_seedable_sampler': True, 'non_blocking': True, 'gradient_accumulation_kwargs': None}"
    )
    assert stated_settings(arguments).changed == {
        "per_device_train_batch_size": "20",
        "num_train_epochs": "10",
        "learning_rate": "2e-05",
        "lr_scheduler_type": "cosine",
        "lr_scheduler_kwargs": "{'num_cycles': 2}",
        "bf16": "True",
        "use_cpu": "True",
        "accelerator_config": config,
        "dataloader_pin_memory": "False",  # which transformers derives from use_cpu
        "batch_sampler": "no_duplicates",
        "dropout": "0.0",
    }


def test_values_read_as_on_the_reference_card(tmp_path: Path) -> None:
    stated = stated_settings(Arguments(output_dir=str(tmp_path))).all
    expected = {
        "eval_strategy": "no",
        "learning_rate": "5e-05",
        "adam_epsilon": "1e-08",
        "lr_scheduler_type": "linear",
        "seed": "42",
        "data_seed": "None",
        "debug": "[]",
        "hub_strategy": "every_save",
        "multi_dataset_batch_sampler": "proportional",
    }
    assert {name: stated[name] for name in expected} == expected


def test_nothing_names_the_machine_or_a_secret(tmp_path: Path) -> None:
    arguments = Arguments(
        output_dir=str(tmp_path / "SECRET"),
        run_name="SECRET",
        hub_token="SECRET",
        hub_model_id="SECRET/SECRET",
        project="SECRET",
        trackio_space_id="SECRET",
        resume_from_checkpoint="SECRET",
        optim_args="/SECRET/optimizer",
        lr_scheduler_kwargs={"file": "C:\\SECRET", "files": ["/SECRET"]},
    )
    settings = stated_settings(arguments)
    assert "SECRET" not in str(settings)
    assert settings.changed == {
        "lr_scheduler_kwargs": "{'file': '(a path)', 'files': ['(a path)']}",
        "optim_args": "(a path)",
    }
    withheld = {field.name for field in fields(arguments)} - set(settings.all)
    assert {"output_dir", "hub_token", "run_name", "hub_model_id"} <= withheld
    assert len(withheld) < 15


def test_an_unknown_object_is_named_by_its_class(tmp_path: Path) -> None:
    arguments = Arguments(output_dir=str(tmp_path))
    arguments.label_names = object()
    assert stated_settings(arguments).changed == {"label_names": "object"}


def test_a_running_trainer_keeps_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = Arguments(output_dir=str(tmp_path))
    shared = PartialState._shared_state
    monkeypatch.setitem(shared, "marker", "still here")
    before = dict(os.environ)
    stated_settings(arguments)
    assert shared.get("marker") == "still here"
    assert dict(os.environ) == before
