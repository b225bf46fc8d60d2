"""A distillation from texts to the folder of a student."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, OutputError, TrainingError
from sentune.files import sha256
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.distill import Distilled, distill

MakeFolder = Callable[..., Path]


@pytest.fixture(scope="module")
def parts(real_texts: list[str]) -> list[Pairs]:
    passages = [" ".join(text.split()[:20]) for text in real_texts[:90] if text.strip()]
    named = {f"p{n}": text for n, text in enumerate(dict.fromkeys(passages))}
    return [Pairs({}, named, {}, source="/home/someone/texts.jsonl")]


@pytest.fixture(scope="module")
def teacher_folder(make_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four layers, and the weights that a search with it uses."""
    folder = make_folder(num_hidden_layers=4)
    model = SentenceTransformer(folder)
    model.extras = {"kept": "tuned", "fusion_weight": 0.4, "late_weight": 0.3, "late_depth": 20}
    path = tmp_path_factory.mktemp("teacher") / "teacher"
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def made(
    teacher_folder: Path, parts: list[Pairs], tmp_path_factory: pytest.TempPathFactory
) -> Distilled:
    out = tmp_path_factory.mktemp("distilled") / "small"
    return distill(str(teacher_folder), parts, out, layers=2, epochs=2)


def test_a_student_comes_near_its_teacher(
    made: Distilled, teacher_folder: Path, real_texts: list[str]
) -> None:
    from sentune.training.distillation import with_layers

    teacher, texts = SentenceTransformer(teacher_folder), real_texts[100:160]
    wanted, tokens = teacher.encode(texts), _tokens(teacher, texts)
    student = SentenceTransformer(made.folder)
    untaught = with_layers(teacher, made.summary["distilled"]["layers"])
    apart = [1 - (model.encode(texts) * wanted).sum(axis=1).mean() for model in (student, untaught)]
    assert apart[0] < 0.7 * apart[1]
    apart = [
        1 - (_tokens(model, texts) * tokens).sum(axis=1).mean() for model in (student, untaught)
    ]
    assert apart[0] < 0.8 * apart[1]
    assert made.summary["likeness"]["cosine"] > 0.5


def _tokens(model: SentenceTransformer, texts: list[str]) -> Any:
    each: Any = model.encode(texts, output_value="token_embeddings")
    joined = np.concatenate([one.numpy() for one in each])
    return joined / np.linalg.norm(joined, axis=1, keepdims=True)


def test_the_folder_is_one_like_any_other(made: Distilled, real_texts: list[str]) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    student = SentenceTransformer(made.folder, device="cpu", compute_dtype="float32")
    assert student.encoder.config.num_hidden_layers == 2
    found = Reference(str(made.folder), device="cpu").encode(real_texts[:20])
    np.testing.assert_allclose(found, student.encode(real_texts[:20]), rtol=0, atol=1e-5)
    assert student.extras == {"fusion_weight": 0.4, "late_weight": 0.3, "late_depth": 20}
    assert json.loads((made.folder / "evaluation.json").read_text("utf-8")) == made.summary
    assert not (made.folder / "checkpoints").exists()


def test_embeddings_stay_and_layers_change(made: Distilled, teacher_folder: Path) -> None:
    teacher, student = SentenceTransformer(teacher_folder), SentenceTransformer(made.folder)
    for name, weights in teacher.encoder.embeddings.named_parameters():
        assert weights.equal(student.encoder.embeddings.get_parameter(name))
    name = "layers.0.up.weight"
    assert not teacher.encoder.get_parameter(name).equal(student.encoder.get_parameter(name))
    assert all(each.requires_grad for each in made.model.parameters())


def test_the_card_says_what_it_is(made: Distilled) -> None:
    card = (made.folder / "README.md").read_text("utf-8")
    facts = made.summary["texts"]
    assert "2 of the 4 layers (1, 4) of teacher (a local folder)" in card
    assert f"{facts['pieces']} pieces of passages and {facts['sentences']} sentences" in card
    assert "`TeacherVectorsLoss`" in card
    assert "without labels" in card
    assert "with the weight 0.3. This was chosen for the teacher." in card
    assert "/home" not in card
    assert str(made.folder.parent) not in card


def test_the_summary_says_how_like_it_is(made: Distilled) -> None:
    like = made.summary["likeness"]
    assert like["nearest"] == 10
    assert 0 <= like["shared"] <= 10
    assert like["texts"] >= like["asked"] > 0
    told = made.summary["distilled"]
    assert told["layers"] == [0, 3]
    assert told["weights"] < told["teacher_weights"]


def test_a_run_that_was_stopped_goes_on_with_the_same_bits(
    teacher_folder: Path, parts: list[Pairs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"layers": 2, "dim": 8, "epochs": 1}
    whole = distill(str(teacher_folder), parts, tmp_path / "whole", **given)
    compute, steps = SentenceTransformerTrainer.compute_loss, iter(range(6))

    def stops(*arguments: Any, **options: Any) -> Any:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr("sentune.training.checkpoints.schedule._INTERVAL", 0.0)
    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", stops)
    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        distill(str(teacher_folder), parts, out, **given)
    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", compute)
    assert [path.name for path in out.iterdir()] == ["checkpoints"]
    with pytest.raises(TrainingError, match="belongs to a run of another length"):
        distill(str(teacher_folder), parts, out, resume=True, **{**given, "epochs": 2})
    again = distill(str(teacher_folder), parts, out, resume=True, **given)
    assert again.summary["training"]["steps"] == whole.summary["training"]["steps"]
    names = ["model.safetensors", "2_Dense/model.safetensors", "config.json"]
    assert [sha256(out / name) for name in names] == [sha256(whole.folder / name) for name in names]
    # What is finished is read, and not made again.
    assert distill(str(teacher_folder), [], out, resume=True).summary == again.summary


def test_what_is_wrong_is_refused_before_anything_is_written(
    teacher_folder: Path, parts: list[Pairs], tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="layers is 5"):
        distill(str(teacher_folder), parts, tmp_path / "out", layers=5)
    with pytest.raises(ArgumentError, match="num_train_epochs is 0"):
        distill(str(teacher_folder), parts, tmp_path / "out", epochs=0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="is not empty"):
        distill(str(teacher_folder), parts, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_folder_of_a_tuning_is_not_taken_for_a_student(
    tmp_path: Path, tiny_folder: Path
) -> None:
    out = tmp_path / "tuned"
    SentenceTransformer(tiny_folder).save_pretrained(out)
    (out / "evaluation.json").write_text("{}", "utf-8")
    with pytest.raises(OutputError, match="was not written by sentune distill"):
        distill(str(tiny_folder), [], out, resume=True)
