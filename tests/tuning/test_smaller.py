"""A tuning that ends in a smaller model, measured beside the tuned one that taught it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.errors import ArgumentError, DataError
from sentune.evaluation import report_table
from sentune.evaluation.tables import report_markdown
from sentune.files import sha256
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning import Split, Tuned, TuneSettings, read_run_file, read_split, tune

QUICK = {"num_train_epochs": 1, "per_device_train_batch_size": 8}


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """Few steps, a checkpoint after each; and whatever came out is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sentune.tuning.distill._STEPS", 10)
        patch.setattr("sentune.training.checkpoints.schedule._INTERVAL", 0.0)
        patch.setattr("sentune.evaluation.facts.Facts.keep", True)
        yield


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [{"anchor": f"how is {i}", "positive": f"the {i} file is {i}"} for i in range(70)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_split(path, None, None, 1)


def settings(folder: Path, **given: Any) -> TuneSettings:
    return TuneSettings(**{"base": str(folder), "layers": 1, "training": QUICK, **given})


@pytest.fixture(scope="module")
def made(
    split: Split, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tuned, list[str]]:
    said: list[str] = []
    out = tmp_path_factory.mktemp("smaller") / "out"
    return tune(split, out, settings(tiny_folder), said.append), said


def test_the_student_is_measured_beside_its_teacher(made: tuple[Tuned, list[str]]) -> None:
    tuned, said = made
    report, out = tuned.report, tuned.folder
    assert report is not None
    assert [*report.teacher] == ["model", "fusion", "late"]
    assert tuned.summary["teacher"]["model"]["ndcg@10"].keys() == {"value", "low", "high"}
    assert any(line.endswith("; teaching a student") for line in said)
    assert SentenceTransformer(out).encoder.config.num_hidden_layers == 1
    assert "teacher's fusion" in report_markdown(report)
    rows = list(report_table(report).columns[0].cells)
    assert rows[-3:] == ["teacher", "teacher's fusion", "teacher's late"]
    assert "a student of 1 of them (1)" in (out / "README.md").read_text("utf-8")
    assert "layers: 1\n" in (out / "run.yaml").read_text("utf-8")
    assert read_run_file(out / "run.yaml").settings.layers == 1


def test_a_student_that_was_stopped_goes_on_with_the_same_bits(
    made: tuple[Tuned, list[str]],
    split: Split,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute, steps = SentenceTransformerTrainer.compute_loss, iter(range(12))

    def stops(trainer: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return compute(trainer, model, *arguments, **options)

    out = tmp_path / "out"
    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", stops)
    with pytest.raises(KeyboardInterrupt):
        tune(split, out, settings(tiny_folder))
    assert any((out / "checkpoints" / "student").glob("checkpoint-*"))
    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", compute)
    # The figures are those of the whole run: measuring takes longer than all the rest.
    report = made[0].report
    assert report is not None
    found = report, replace(report.facts, tunes=True)
    monkeypatch.setattr("sentune.tuning.run.steps.measured", lambda *_: found)
    monkeypatch.setattr("sentune.tuning.run.steps.evaluated_alone", lambda *_: report)
    monkeypatch.setattr("sentune.tuning.run.steps.report_page", lambda _: "")
    monkeypatch.setattr("sentune.tuning.run.steps.pictures", lambda _: {})
    resumed = tune(split, out, settings(tiny_folder), resume=True)
    assert not (out / "checkpoints").exists()
    assert resumed.model.encoder.config.num_hidden_layers == 1
    first, second = (sha256(one.folder / "model.safetensors") for one in (made[0], resumed))
    assert first == second


def test_what_cannot_be_is_refused_before_the_tuning(
    split: Split, tiny_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="layers is 0: expected a whole number of at least 1"):
        settings(tiny_folder, layers=0)
    with pytest.raises(ArgumentError, match="layers is 2, as the teacher has"):
        tune(split, tmp_path / "out", settings(tiny_folder, layers=2))
    few = Split(split.valid, split.valid, None, "few")
    with pytest.raises(DataError, match="at least 100 pieces of passages and sentences"):
        tune(few, tmp_path / "out", settings(tiny_folder))
    assert not any((tmp_path / "out").glob("checkpoints/checkpoint-*"))
