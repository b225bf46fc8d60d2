"""A run that goes on from a checkpoint ends with the bits of one that was never stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from sentune import SentenceTransformer
from sentune.errors import ArgumentError, TrainingError
from sentune.machine.hardware import choose_compute
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.checkpoints.on_disk import damage
from sentune.training.trainer import SentenceTransformerTrainer

_PICKLES = {".bin", ".pt", ".pth", ".pkl"}


class _Stop(TrainerCallback):  # type: ignore[misc]
    """Stands for a kill: nothing after the step is done."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step:
            raise InterruptedError


class _Evaluator:
    """Holds texts of its own."""

    def __init__(self) -> None:
        self.queries, self.relevant = ["a question"], [frozenset({2, 1})]


def columns(topics: list[str], count: int = 14) -> dict[str, list[str]]:
    return {
        "anchor": [f"how does {topic} work" for topic in topics[:count]],
        "positive": [f"{topic} number {i} is described here" for i, topic in enumerate(topics)][
            :count
        ],
    }


BFLOAT16 = choose_compute("bfloat16", "cpu")
TOPICS = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"


def trainer(folder: Path, model: Path, stop: int = 0, **changes: Any) -> SentenceTransformerTrainer:
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 4,
        "num_train_epochs": 3,
        "learning_rate": 1e-3,
        "dropout": 0.1,
        "logging_steps": 3,
        "save_strategy": "steps",
        "save_steps": 2,
        "disable_tqdm": True,
        **changes,
    }
    return SentenceTransformerTrainer(
        SentenceTransformer(model, device="cpu", compute_dtype="float32"),
        SentenceTransformerTrainingArguments(**values),
        columns(TOPICS.split()),
        eval_dataset=columns(TOPICS.split(), 6) if "eval_strategy" in changes else None,
        callbacks=[_Stop(stop)] if stop else None,
    )


def outcome(done: SentenceTransformerTrainer) -> tuple[dict[str, Any], list[dict[str, float]]]:
    weights = {name: value.detach().clone() for name, value in done.model.named_parameters()}
    log = [
        {key: value for key, value in entry.items() if not key.endswith(("time", "per_second"))}
        for entry in done.state.log_history
    ]
    return weights, log


def same(first: SentenceTransformerTrainer, second: SentenceTransformerTrainer) -> None:
    (weights, log), (others, other_log) = outcome(first), outcome(second)
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
    assert log == other_log


@pytest.mark.parametrize(
    ("stop", "changes"),
    [
        (3, {}),
        (5, {}),  # in the second epoch
        (9, {"logging_steps": 5}),  # between two entries of the loss log
        (8, {"save_steps": 4}),  # at the end of the second epoch
        (5, {"gradient_accumulation_steps": 2, "num_train_epochs": 6}),
        (5, {"optim": "adafactor", "learning_rate": 1e-2}),
        (5, {"lr_scheduler_type": "cosine", "warmup_steps": 3}),
        (5, {"neftune_noise_alpha": 5.0}),
        (7, {"eval_strategy": "steps", "eval_steps": 2, "load_best_model_at_end": True}),
        (
            7,
            {
                "eval_strategy": "steps",
                "eval_steps": 2,
                "load_best_model_at_end": True,
                "early_stopping_patience": 3,
                "greater_is_better": True,
            },
        ),
        (
            7,
            {
                "eval_strategy": "steps",
                "eval_steps": 2,
                "lr_scheduler_type": "reduce_lr_on_plateau",
                "metric_for_best_model": "loss",
            },
        ),
        (5, {"eval_strategy": "steps", "eval_steps": 4, "eval_on_start": True}),
        (5, {"dataloader_drop_last": True}),
    ],
)
def test_going_on_gives_the_same_bits(
    tmp_path: Path, tiny_folder: Path, stop: int, changes: dict[str, Any]
) -> None:
    whole = trainer(tmp_path / "whole", tiny_folder, **changes)
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut", tiny_folder, stop, **changes).train()
    resumed = trainer(tmp_path / "cut", tiny_folder, **changes)
    torch.manual_seed(99)  # the random numbers come from the checkpoint
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.global_step == whole.state.global_step >= stop
    same(whole, resumed)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in _PICKLES]


def test_with_nothing_to_resume_it_starts_fresh(tmp_path: Path, tiny_folder: Path) -> None:
    first, second = (trainer(tmp_path / name, tiny_folder) for name in ("a", "b"))
    first.train()
    second.train(resume_from_checkpoint=True)
    same(first, second)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes(b""),
        lambda folder: (folder / "training_state.json").write_text("{}"),
        lambda folder: shutil.rmtree(folder / "1_Pooling"),
        lambda folder: _flip(folder / "training_state.safetensors"),
        lambda folder: (folder / "manifest.json").write_text('{"files": 3}'),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    tmp_path: Path, tiny_folder: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    whole = trainer(tmp_path / "whole", tiny_folder)
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut", tiny_folder, 7).train()
    damage(tmp_path / "cut" / "checkpoint-6")
    resumed = trainer(tmp_path / "cut", tiny_folder)
    resumed.train(resume_from_checkpoint=True)
    assert "checkpoint-6 is damaged" in caplog.text
    same(whole, resumed)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))


# The loss falls, so that the first checkpoint is the best one.
BEST: dict[str, Any] = {
    "eval_strategy": "steps",
    "eval_steps": 2,
    "load_best_model_at_end": True,
    "greater_is_better": True,
    "save_total_limit": 2,
}


def test_a_damaged_best_checkpoint_is_made_again(
    tmp_path: Path, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = trainer(tmp_path / "whole", tiny_folder, **BEST)
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut", tiny_folder, 7, **BEST).train()
    _flip(tmp_path / "cut" / "checkpoint-2" / "model.safetensors")
    resumed = trainer(tmp_path / "cut", tiny_folder, **BEST)
    resumed.train(resume_from_checkpoint=True)
    assert "checkpoint-6 is damaged (its best, checkpoint-2: model.safetensors" in caplog.text
    same(whole, resumed)


class _Damage(TrainerCallback):  # type: ignore[misc]
    """A disk that forgets, late."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == state.max_steps:
            _flip(Path(args.output_dir) / "checkpoint-2" / "model.safetensors")


def test_a_best_checkpoint_that_is_damaged_is_not_loaded(tmp_path: Path, tiny_folder: Path) -> None:
    begun = trainer(tmp_path, tiny_folder, **BEST)
    begun.add_callback(_Damage())
    with pytest.raises(TrainingError, match="checkpoint-2, the best checkpoint, is damaged"):
        begun.train()


def test_a_share_of_the_steps_is_the_same_setting_after_a_kill(
    tmp_path: Path, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shares: dict[str, Any] = {"logging_steps": 0.25, "save_steps": 0.5}
    whole = trainer(tmp_path / "whole", tiny_folder, **shares)
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut", tiny_folder, 8, **shares).train()
    resumed = trainer(tmp_path / "cut", tiny_folder, **shares)
    resumed.train(resume_from_checkpoint=True)
    same(whole, resumed)
    assert len([entry for entry in whole.state.log_history if "loss" in entry]) == 4
    assert caplog.text == ""  # transformers compares 0.25 with the 3 steps that it made of it


class _StopSaved(TrainerCallback):  # type: ignore[misc]
    """Stands for a kill once the checkpoint of a step is there."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step:
            raise InterruptedError


def test_a_run_goes_on_in_another_place(tmp_path: Path, tiny_folder: Path) -> None:
    whole = trainer(tmp_path / "whole", tiny_folder, **BEST)
    whole.train()
    begun = trainer(tmp_path / "cut", tiny_folder, **BEST)
    begun.add_callback(_StopSaved(12))
    with pytest.raises(InterruptedError):
        begun.train()
    (tmp_path / "cut").rename(tmp_path / "moved")
    resumed = trainer(tmp_path / "moved", tiny_folder, **BEST)
    resumed.train(resume_from_checkpoint=True)
    same(whole, resumed)


def test_a_run_that_has_stopped_early_does_not_go_on(tmp_path: Path, tiny_folder: Path) -> None:
    settings = {**BEST, "early_stopping_patience": 1}
    whole = trainer(tmp_path / "whole", tiny_folder, **settings)
    whole.train()
    assert whole.state.global_step == 4
    begun = trainer(tmp_path / "cut", tiny_folder, **settings)
    begun.add_callback(_StopSaved(4))
    with pytest.raises(InterruptedError):
        begun.train()
    resumed = trainer(tmp_path / "cut", tiny_folder, **settings)
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.global_step == 4
    same(whole, resumed)


def test_a_damaged_checkpoint_that_is_named_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    trainer(tmp_path, tiny_folder, num_train_epochs=1).train()
    _flip(tmp_path / "checkpoint-4" / "model.safetensors")
    with pytest.raises(TrainingError, match=r"model\.safetensors is not as it was written"):
        trainer(tmp_path, tiny_folder).train(str(tmp_path / "checkpoint-4"))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 1e-4}, "learning_rate was 0.001"),
        ({"seed": 7}, "seed"),
        (
            {"num_train_epochs": 9},
            r"another length \(num_train_epochs was 1 and is 9\).* new run in",
        ),
        (
            {"num_train_epochs": 9, "seed": 7},
            r"another run \(num_train_epochs was 1 and is 9, seed",
        ),
        ({"weight_decay": 0.1}, "weight_decay was 0 and is 0.1"),
        ({"gradient_accumulation_steps": 2}, "gradient_accumulation_steps was 1 and is 2"),
        ({"label_smoothing_factor": 0.1}, "label_smoothing_factor"),
    ],
)
def test_another_run_is_not_gone_on_with(
    tmp_path: Path, tiny_folder: Path, changes: dict[str, Any], named: str
) -> None:
    trainer(tmp_path, tiny_folder, num_train_epochs=1).train()
    settings = {"num_train_epochs": 1, **changes}
    with pytest.raises(TrainingError, match=named):
        trainer(tmp_path, tiny_folder, **settings).train(resume_from_checkpoint=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda run: setattr(run.model, "max_seq_length", 9), "model_max_seq_length"),
        (lambda run: setattr(run.model, "compute", BFLOAT16), "model_number_format was 'float32'"),
        (lambda run: run.model.prompts.update(query="q: "), "model_query_prompt"),
        (lambda run: run.eval_data.rows.pop(), "eval_data"),
        (lambda run: setattr(run.args, "save_steps", 3), "save_steps was 2 and is 3"),
        (lambda run: setattr(run, "evaluator", _Evaluator()), "eval_data"),
    ],
)
def test_nor_with_another_model_or_other_data_to_watch(
    tmp_path: Path, tiny_folder: Path, change: Any, named: str
) -> None:
    settings = {**BEST, "num_train_epochs": 1}
    trainer(tmp_path, tiny_folder, **settings).train()
    other = trainer(tmp_path, tiny_folder, **settings)
    change(other)
    with pytest.raises(TrainingError, match=named):
        other.train(resume_from_checkpoint=True)


def test_whether_vectors_were_apart_at_first_is_remembered(
    tmp_path: Path, tiny_folder: Path
) -> None:
    whole = trainer(tmp_path / "whole", tiny_folder)
    whole.train()
    with pytest.raises(InterruptedError):
        trainer(tmp_path / "cut", tiny_folder, 5).train()
    resumed = trainer(tmp_path / "cut", tiny_folder)
    resumed.train(resume_from_checkpoint=True)
    assert resumed.watch.first == whole.watch.first is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optim_args": "x"}, "optim_args"),
        ({"optim": "lomo"}, "lomo_optim"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "min_lr"),
        ({"lr_scheduler_kwargs": {"cycles": 3}}, "cycles"),
        ({"dataloader_drop_last": True, "per_device_train_batch_size": 30}, "14 rows"),
    ],
)
def test_settings_that_only_the_run_can_refuse(
    tmp_path: Path, tiny_folder: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        trainer(tmp_path, tiny_folder, **changes).train()


def test_a_checkpoint_is_a_model_folder(tmp_path: Path, tiny_folder: Path) -> None:
    done = trainer(tmp_path, tiny_folder, num_train_epochs=1)
    done.train()
    saved = SentenceTransformer(tmp_path / "checkpoint-4", compute_dtype="float32")
    assert abs(saved.encode(["a", "b c"]) - done.model.encode(["a", "b c"])).max() == 0


def test_only_the_last_and_the_best_checkpoint_are_kept(tmp_path: Path, tiny_folder: Path) -> None:
    done = trainer(tmp_path, tiny_folder, **BEST)
    done.train()
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"checkpoint-2", "checkpoint-12"}
    best = SentenceTransformer(done.state.best_model_checkpoint, compute_dtype="float32")
    assert abs(best.encode(["a", "b c"]) - done.model.encode(["a", "b c"])).max() == 0


def test_a_metric_that_is_not_there_is_named(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"metric_for_best_model is 'nonsense'.*of loss"):
        trainer(
            tmp_path,
            tiny_folder,
            eval_strategy="steps",
            eval_steps=2,
            load_best_model_at_end=True,
            metric_for_best_model="nonsense",
        ).train()


def test_what_is_stored_is_json_and_tensors(tmp_path: Path, tiny_folder: Path) -> None:
    trainer(tmp_path, tiny_folder, num_train_epochs=1).train()
    folder = tmp_path / "checkpoint-4"
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".txt", ".md"}


@pytest.mark.parametrize("finished", [True, False])
def test_a_fresh_run_does_not_mix_with_an_earlier_one(
    tmp_path: Path, tiny_folder: Path, finished: bool
) -> None:
    trainer(tmp_path, tiny_folder, num_train_epochs=1, save_steps=4).train()
    if not finished:
        (tmp_path / "checkpoint-4" / "manifest.json").unlink()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TrainingError, match=r"holds checkpoint-4.*resume_from_checkpoint=True"):
        trainer(tmp_path, tiny_folder, learning_rate=1e-2, save_total_limit=1).train()
    assert sorted(tmp_path.rglob("*")) == before
    trainer(tmp_path, tiny_folder, num_train_epochs=1, save_strategy="no").train()


def test_going_back_to_a_checkpoint_leaves_no_later_one(tmp_path: Path, tiny_folder: Path) -> None:
    whole = trainer(tmp_path, tiny_folder)
    whole.train()
    again = trainer(tmp_path, tiny_folder, 5)
    with pytest.raises(InterruptedError):
        again.train(str(tmp_path / "checkpoint-2"))
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-2", "checkpoint-4"}
    resumed = trainer(tmp_path, tiny_folder)
    resumed.train(True)
    same(whole, resumed)


def test_a_checkpoint_from_elsewhere_does_not_mix_either(tmp_path: Path, tiny_folder: Path) -> None:
    for name in ("a", "b"):
        trainer(tmp_path / name, tiny_folder, num_train_epochs=1).train()
    with pytest.raises(TrainingError, match="holds checkpoint-4 of an earlier run"):
        trainer(tmp_path / "b", tiny_folder, num_train_epochs=1).train(
            str(tmp_path / "a" / "checkpoint-2")
        )


def test_a_run_that_was_not_told_to_save_does(
    tmp_path: Path, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    untold: dict[str, Any] = {"save_strategy": None, "save_steps": 500, "num_train_epochs": 1}
    for number in range(3):
        trainer(tmp_path, tiny_folder, **untold, learning_rate=10.0 ** -(number + 2)).train()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("checkpoint-4", "earlier-run-1", "earlier-run-2")
    }
    assert damage(tmp_path / "earlier-run-1" / "checkpoint-4") is None
    assert caplog.text.count("the checkpoints of an earlier run are in") == 2
    again = trainer(tmp_path, tiny_folder, **untold, learning_rate=1e-4)
    assert again.train(True).global_step == 4


def test_an_earlier_run_stays_until_the_new_one_has_a_checkpoint(
    tmp_path: Path, tiny_folder: Path
) -> None:
    untold: dict[str, Any] = {"save_strategy": None, "save_steps": 500, "num_train_epochs": 1}
    trainer(tmp_path, tiny_folder, **untold).train()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InterruptedError):
        trainer(tmp_path, tiny_folder, 2, **untold, learning_rate=1e-4).train()
    failing = trainer(tmp_path, tiny_folder, **untold, learning_rate=1e-4)
    failing.add_callback(Odd())
    failing.train()
    assert sorted(tmp_path.rglob("*")) == before
    assert trainer(tmp_path, tiny_folder, **untold).train(True).global_step == 4
    trainer(tmp_path, tiny_folder, **untold, learning_rate=1e-4).train()
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-4", "earlier-run-1"}
    assert damage(tmp_path / "checkpoint-4") is None


class Odd(TrainerCallback, ExportableState):  # type: ignore[misc]
    """Has a state that only a pickle could keep."""

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"value": object()}}


def test_a_checkpoint_that_nobody_asked_for_stops_no_run(
    tmp_path: Path, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    untold: dict[str, Any] = {"save_strategy": None, "save_steps": 500, "num_train_epochs": 1}
    run = trainer(tmp_path / "untold", tiny_folder, **untold)
    run.add_callback(Odd())
    assert run.train().global_step == 4
    assert "checkpoint-4 was not written: a part of the training state is an object" in caplog.text
    assert not list((tmp_path / "untold").iterdir())
    run = trainer(tmp_path / "told", tiny_folder, num_train_epochs=1)
    run.add_callback(Odd())
    with pytest.raises(TrainingError, match="is an object"):
        run.train()
