"""The trainer as scripts for the reference call it: arguments by place and name, own losses."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sentune
from sentune import (
    BatchSamplers,
    MultiDatasetBatchSamplers,
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    losses,
)
from sentune.errors import ArgumentError, OutputError
from sentune.training.own_losses import OwnLoss

PAIRS: dict[str, Any] = {
    "anchor": [f"question {i}" for i in range(8)],
    "positive": [f"passage number {i}" for i in range(8)],
}
SCORED: dict[str, Any] = {
    "sentence1": [f"text {i}" for i in range(6)],
    "sentence2": [f"another text {i * i}" for i in range(6)],
    "score": [0.1 * i for i in range(6)],
}


@pytest.fixture
def model(tiny_folder: Path) -> SentenceTransformer:
    """A tiny model of its own."""
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")


def settings(out: Path, **changes: Any) -> SentenceTransformerTrainingArguments:
    values: dict[str, Any] = {
        "per_device_train_batch_size": 4,
        "num_train_epochs": 1,
        "dropout": 0.0,
        "prompts": "",
        "disable_tqdm": True,
        "save_strategy": "no",
        # Keeps the rounding of tiny gradients from being blown up to whole steps.
        "adam_epsilon": 1e-4,
        "learning_rate": 1e-3,
        **changes,
    }
    return SentenceTransformerTrainingArguments(str(out), **values)


def weights(model: SentenceTransformer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained(folder: Path, out: Path, loss: Any, data: Any = PAIRS, **options: Any) -> Any:
    """A trainer after its run, on a new model."""
    fresh = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    given = loss(fresh) if isinstance(loss, _For) else loss
    trainer = SentenceTransformerTrainer(fresh, settings(out, **options), data, None, given)
    trainer.train()
    return trainer


class _For:
    """A loss that needs the model of the trainer."""

    def __init__(self, make: Callable[[SentenceTransformer], Any]) -> None:
        self.make = make

    def __call__(self, model: SentenceTransformer) -> Any:
        return self.make(model)


def alike(first: SentenceTransformer, second: SentenceTransformer) -> bool:
    other = weights(second)
    return all((value - other[name]).abs().max() < 1e-6 for name, value in weights(first).items())


# ── names and places ──────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore")
def test_the_arguments_are_the_reference_ones_in_their_order() -> None:
    from sentence_transformers import SentenceTransformerTrainer as Reference

    theirs = inspect.signature(Reference.__init__).parameters
    ours = inspect.signature(SentenceTransformerTrainer.__init__).parameters
    assert [*ours][: len(theirs)] == [*theirs]
    assert all(ours[name].default == one.default for name, one in theirs.items())


@pytest.mark.filterwarnings("ignore")
def test_the_settings_are_the_reference_ones_with_their_defaults(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformerTrainingArguments as Reference

    ours = SentenceTransformerTrainingArguments(str(tmp_path))
    theirs = Reference(str(tmp_path))
    differing = {
        name
        for name, value in theirs.to_dict().items()
        if (value or None) != (ours.to_dict().get(name) or None)
    }
    assert differing <= {
        *("bf16", "logging_dir"),  # documented
        *("accelerator_config", "fsdp", "fsdp_config", "prediction_loss_only"),
        *("ddp_broadcast_buffers", "local_rank"),  # about loading, sharding and processes
    }


@pytest.mark.filterwarnings("ignore")
def test_the_fit_method_has_the_reference_arguments() -> None:
    from sentence_transformers import SentenceTransformer as Reference

    theirs = inspect.signature(Reference.fit).parameters
    # CrossEncoder.fit is this function too, with a trainer of its own.
    ours = {
        name: one
        for name, one in inspect.signature(sentune.fit).parameters.items()
        if name != "trainer_class"
    }
    assert [*ours][1:] == [*theirs][1:]
    assert [one.default for one in [*ours.values()][2:]] == [
        one.default for one in [*theirs.values()][2:]
    ]


@pytest.mark.parametrize("save", [{"save_steps": 2}, {"save_total_limit": 1}])
def test_asking_for_checkpoints_in_any_way_gives_them(
    model: SentenceTransformer, tmp_path: Path, save: dict[str, int]
) -> None:
    asked = settings(tmp_path, save_strategy=None, **save)
    SentenceTransformerTrainer(model, asked, PAIRS).train()
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]


@pytest.mark.parametrize("library", ["ours", "theirs"])
def test_samplers_by_enumeration(library: str, tmp_path: Path) -> None:
    kinds: Any = (BatchSamplers, MultiDatasetBatchSamplers)
    if library == "theirs":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sentence_transformers import training_args as reference

            kinds = (reference.BatchSamplers, reference.MultiDatasetBatchSamplers)
    for rows in kinds[0]:
        for sets in kinds[1]:
            made = settings(tmp_path, batch_sampler=rows, multi_dataset_batch_sampler=sets)
            assert made.batch_sampler == rows.value
            assert made.multi_dataset_batch_sampler == sets.value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_sampler": lambda *_: None}, "batch_sampler="),
        ({"router_mapping": {"anchor": "query"}}, "no model here has a router"),
        ({"learning_rate_mapping": {"0": 1e-3}}, "optimizers="),
        ({"fp16": True}, "half precision overflows"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=said):
        settings(tmp_path, **changes)


def test_what_has_no_use_is_told(
    model: SentenceTransformer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    SentenceTransformerTrainer(model, settings(tmp_path), PAIRS, tokenizer=model.tokenizer)
    assert not caplog.records
    other: Any = object()
    SentenceTransformerTrainer(
        model, settings(tmp_path), PAIRS, tokenizer=other, compute_metrics=other
    )
    assert [record.getMessage() for record in caplog.records] == [
        "processing_class is not used: texts are read by the model's own tokenizer",
        "compute_metrics is not used: an evaluator has the metrics",
    ]


def test_a_function_makes_the_model(tiny_folder: Path, tmp_path: Path) -> None:
    made = []

    def make() -> SentenceTransformer:
        made.append(SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32"))
        return made[-1]

    trainer = SentenceTransformerTrainer(None, settings(tmp_path), PAIRS, model_init=make)
    trainer.train()
    assert trainer.model is made[0]
    for wrong in (None, "all-MiniLM-L6-v2"):
        with pytest.raises(ArgumentError, match="model is"):
            SentenceTransformerTrainer(wrong, settings(tmp_path), PAIRS)  # type: ignore[arg-type]


def test_evaluations_of_nothing_are_refused(model: SentenceTransformer, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="eval_strategy='steps' without eval_dataset"):
        SentenceTransformerTrainer(model, settings(tmp_path, eval_strategy="steps"), PAIRS)


def test_an_optimizer_and_a_schedule_of_the_caller(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 0.0)  # so nothing moves
    before = weights(model)
    SentenceTransformerTrainer(
        model, settings(tmp_path), PAIRS, optimizers=(optimizer, schedule)
    ).train()
    assert all(torch.equal(value, before[name]) for name, value in weights(model).items())


def test_several_evaluators_have_the_keys_of_the_reference(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def first(model: SentenceTransformer) -> dict[str, float]:
        return {"one": 0.25}

    def second(model: Any, output_path: Any, epoch: float, steps: int) -> float:
        asked.append((output_path, epoch, steps))
        return 0.75

    trainer = SentenceTransformerTrainer(
        model, settings(tmp_path, eval_strategy="epoch"), PAIRS, evaluator=[first, second]
    )
    trainer.train()
    assert asked == [(str(tmp_path / "eval"), 1.0, 2)]
    found = trainer.evaluate()
    assert found.pop("eval_runtime") >= 0
    assert found.pop("eval_samples_per_second") == found.pop("eval_steps_per_second") == 0
    assert found == {
        "epoch": 1.0,
        "eval_one": 0.25,
        "eval_evaluator_1": 0.75,
        "eval_sequential_score": 0.75,
    }
    with pytest.raises(ArgumentError, match="evaluator holds a str"):
        SentenceTransformerTrainer(model, settings(tmp_path), PAIRS, evaluator=["x"])  # type: ignore[list-item]


# ── defaults ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore")
def test_several_data_sets_are_mixed_in_proportion_as_in_the_reference(
    model: SentenceTransformer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    several = {
        name: {
            "anchor": [f"{name} question {i}" for i in range(rows)],
            "positive": [f"{name} passage {i}" for i in range(rows)],
        }
        for name, rows in (("large", 200), ("small", 8))
    }
    chosen = settings(tmp_path, per_device_train_batch_size=8)
    trainer = SentenceTransformerTrainer(model, chosen, several)
    assert len(trainer.get_train_dataloader()) == 26
    assert not caplog.records
    chosen = settings(
        tmp_path, per_device_train_batch_size=8, multi_dataset_batch_sampler="round_robin"
    )
    with caplog.at_level(logging.WARNING):
        assert len(SentenceTransformerTrainer(model, chosen, several).get_train_dataloader()) == 2
    assert "192 rows of 208 are in no batch" in caplog.text


@pytest.mark.parametrize("label", ["score", "label", "labels", "scores"])
@pytest.mark.parametrize("kind", [float, int, np.float32, np.int64, torch.tensor])
def test_scores_are_never_thrown_away(
    label: str, kind: Callable[[float], Any], model: SentenceTransformer, tmp_path: Path
) -> None:
    data = {**SCORED, label: [kind(score) for score in SCORED["score"]]}
    data = {name: data[name] for name in ("sentence1", "sentence2", label)}
    trainer: Any = SentenceTransformerTrainer(model, settings(tmp_path), data)
    assert type(trainer.loss) is losses.CoSENTLoss
    batch = trainer.data_collator(trainer.train_data.rows)["batch"]
    assert batch.labels.dtype == torch.float32
    assert batch.labels.tolist() == pytest.approx([float(kind(s)) for s in SCORED["score"]])


def test_each_data_set_gets_the_loss_that_suits_it(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    several = {"ranked": PAIRS, "scored": SCORED}
    trainer: Any = SentenceTransformerTrainer(model, settings(tmp_path), several)
    assert {name: type(loss).__name__ for name, loss in trainer.loss.items()} == {
        "ranked": "MultipleNegativesRankingLoss",
        "scored": "CoSENTLoss",
    }


@pytest.mark.parametrize(
    "data",
    [
        {"text": ["a", "b"], "label": [0, 1]},
        {"a": ["a", "b"], "b": ["c", "d"], "c": ["e", "f"], "label": [0, 1]},
        {"a": ["a", "b"], "b": ["c", "d"], "label": [[0.5, 0.5], [0.1, 0.2]]},
    ],
)
def test_labels_of_another_kind_need_a_loss(
    data: Any, model: SentenceTransformer, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="with a label: expected a loss that uses the label"):
        SentenceTransformerTrainer(model, settings(tmp_path), data)


def test_a_named_loss_without_use_for_labels_is_told(
    model: SentenceTransformer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loss = losses.MultipleNegativesRankingLoss(model)
    SentenceTransformerTrainer(model, settings(tmp_path), SCORED, None, loss)
    assert "MultipleNegativesRankingLoss does not use the labels of the data" in caplog.text
    caplog.clear()
    SentenceTransformerTrainer(
        model, settings(tmp_path), {**SCORED, "score": [1.0] * 6}, None, loss
    )
    assert not caplog.records


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0.1, None], "None in row 1"),
        ([0.1, "high"], "'high' in row 1"),
        ([[0.1, 0.2], [0.1]], "a list of 1 in row 1"),
        ([0.1, [0.1, 0.2]], "a list of 2 in row 1"),
    ],
)
def test_labels_that_are_none(
    labels: Any, said: str, model: SentenceTransformer, tmp_path: Path
) -> None:
    data = {"a": ["a", "b"], "b": ["c", "d"], "label": labels}
    with pytest.raises(ArgumentError, match=said):
        SentenceTransformerTrainer(model, settings(tmp_path), data)


# ── losses ────────────────────────────────────────────────────────────────────────────────────


class Ranking(nn.Module):
    """In-batch negatives, as people write it."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, sentence_features: list[dict[str, Tensor]], labels: Tensor | None) -> Any:
        anchors, positives = (
            nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)
            for features in sentence_features
        )
        assert labels is None
        scores = anchors @ positives.T * 20
        return {"ranking": nn.functional.cross_entropy(scores, torch.arange(len(scores)))}


class Classes(nn.Module):
    """A classifier on both vectors, with weights of its own."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model
        self.classifier = nn.Linear(64, 3)

    def forward(self, sentence_features: list[dict[str, Tensor]], labels: Tensor) -> Tensor:
        assert labels.dtype == torch.int64
        both = [self.model(features)["sentence_embedding"] for features in sentence_features]
        return nn.functional.cross_entropy(self.classifier(torch.cat(both, dim=1)), labels)


CLASSES: dict[str, Any] = {
    "one": [f"first {i}" for i in range(8)],
    "two": [f"second {i}" for i in range(8)],
    "label": [i % 3 for i in range(8)],
}


@pytest.mark.parametrize(
    "loss",
    [losses.MultipleNegativesRankingLoss, lambda model: Ranking(model), _For(Ranking)],
    ids=["class", "function", "module"],
)
def test_a_loss_may_be_made_in_any_way(loss: Any, tiny_folder: Path, tmp_path: Path) -> None:
    expected = trained(tiny_folder, tmp_path / "a", losses.MultipleNegativesRankingLoss())
    found = trained(tiny_folder, tmp_path / "b", loss)
    assert alike(found.model, expected.model)
    both = trained(tiny_folder, tmp_path / "c", {"it": loss}, {"it": PAIRS})
    assert alike(both.model, expected.model)


def test_an_own_loss_reports_held_out_loss(
    model: SentenceTransformer, tmp_path: Path, tiny_folder: Path
) -> None:
    found = [
        SentenceTransformerTrainer(model, settings(tmp_path), None, PAIRS, loss).evaluate()
        for loss in (Ranking, losses.MultipleNegativesRankingLoss)
    ]
    assert found[0]["eval_loss"] == pytest.approx(found[1]["eval_loss"], abs=1e-6)


def test_weights_of_a_loss_are_trained_and_resumed(tiny_folder: Path, tmp_path: Path) -> None:
    """A run stopped in the middle ends with the bits of one that was not, classifier included."""
    ends = []
    for stop in (None, 2):
        torch.manual_seed(0)
        saved: dict[str, Any] = {
            "save_strategy": "steps",
            "save_steps": 2,
            "num_train_epochs": 2,
            "learning_rate": 1e-2,
        }
        made = _run(tiny_folder, tmp_path / str(stop), saved, stop)
        ends.append({**weights(made.model), **dict(made.loss.module.classifier.state_dict())})
        assert made.state.global_step == 4
    torch.manual_seed(0)
    untrained = Classes(SentenceTransformer(tiny_folder)).classifier.weight
    assert (ends[0]["weight"] - untrained).abs().max() > 1e-3
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def _run(folder: Path, out: Path, saved: dict[str, Any], stop: int | None) -> Any:
    from transformers import TrainerCallback

    class Stop(TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == stop:
                raise InterruptedError

    for resume in (False, True) if stop else (False,):
        torch.manual_seed(0)
        fresh = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
        trainer = SentenceTransformerTrainer(
            fresh, settings(out, **saved), CLASSES, None, Classes(fresh)
        )
        if stop and not resume:
            trainer.add_callback(Stop())
            with pytest.raises(InterruptedError):
                trainer.train()
        else:
            trainer.train(resume_from_checkpoint=resume)
    return trainer


@pytest.mark.parametrize("loss", ["cosent", nn.MSELoss(), lambda _: "loss"])
def test_what_is_no_loss_is_named(loss: Any, model: SentenceTransformer, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"a MSELoss of torch|loss is a str"):
        SentenceTransformerTrainer(model, settings(tmp_path), PAIRS, None, loss)


def test_an_own_loss_has_no_place_in_another(model: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="Ranking inside another loss"):
        OwnLoss(Ranking(model))([torch.zeros(1, 2)])


# ── places ────────────────────────────────────────────────────────────────────────────────────


def test_a_run_may_save_beside_its_checkpoints(model: SentenceTransformer, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    trainer = SentenceTransformerTrainer(
        model, settings(tmp_path, save_strategy="steps", save_steps=1), PAIRS
    )
    trainer.train()
    trainer.save_model()
    model.save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"notes.txt", "checkpoint-1", "checkpoint-2", "config.json", "1_Pooling"} <= names
    assert not [name for name in names if name.startswith(".")]
    found = SentenceTransformer(tmp_path, device="cpu", compute_dtype="float32")
    assert alike(found, model)


def test_a_folder_with_a_model_is_refused_before_the_first_step(
    model: SentenceTransformer, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "out")
    for kept in (tmp_path / "out").iterdir():
        alone = tmp_path / f"only {kept.name}"
        alone.mkdir()
        (alone / kept.name).mkdir() if kept.is_dir() else (alone / kept.name).touch()
        trainer = SentenceTransformerTrainer(model, settings(alone), PAIRS)
        with pytest.raises(OutputError, match="which saving the trained model would replace"):
            trainer.train()
        assert trainer.state.global_step == 0


def test_a_model_is_saved_where_it_can_be(model: SentenceTransformer, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "notes.txt").write_text("mine", encoding="utf-8")
    trainer = SentenceTransformerTrainer(model, settings(tmp_path / "run"), PAIRS)
    trainer.train()
    with pytest.raises(OutputError, match=r"was saved in .*run instead"):
        trainer.save_model(str(taken))
    assert alike(SentenceTransformer(tmp_path / "run", compute_dtype="float32"), model)


def test_settings_are_read_from_a_command_line(tmp_path: Path) -> None:
    from transformers import HfArgumentParser

    given = ["--output_dir", str(tmp_path), "--batch_sampler", "no_duplicates"]
    given += ["--multi_dataset_batch_sampler", "round_robin", "--report_to", "none"]
    given += ["--prompts", '{"anchor": "query: "}', "--learning_rate", "1e-3"]
    (read,) = HfArgumentParser(SentenceTransformerTrainingArguments).parse_args_into_dataclasses(
        given
    )
    assert read.batch_sampler == "no_duplicates"
    assert read.multi_dataset_batch_sampler == "round_robin"
    assert read.prompts == {"anchor": "query: "}
    assert (read.learning_rate, read.report_to) == (1e-3, [])
    assert settings(tmp_path, prompts="{ text: ").prompts == "{ text: "


def test_methods_for_adapters_say_why_there_are_none(model: SentenceTransformer) -> None:
    assert model.has_peft_compatible_model is False
    for name in ("add_adapter", "load_adapter", "set_adapter", "active_adapters"):
        with pytest.raises(ArgumentError, match=rf"{name}\(\) .* merged into its weights"):
            getattr(model, name)()
