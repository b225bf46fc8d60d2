"""A classifier's folder: the same predictions to the bit, and an error for every damage."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, ModelNotFoundError, OutputError
from sentune.tasks.classifier import TextClassifier
from sentune.tasks.classifier_folder import load_classifier, save_classifier
from sentune.tasks.classifier_training import train_classifier

Labelled = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def trained(model: SentenceTransformer, labelled: Labelled) -> TextClassifier:
    return train_classifier(model, *labelled)


@pytest.fixture(scope="module")
def saved(trained: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "saved"
    save_classifier(trained, path)
    return path


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "classifier.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    change(settings)
    path.write_text(json.dumps(settings), encoding="utf-8")


def test_predicts_the_same_to_the_bit(
    trained: TextClassifier, folder: Path, labelled: Labelled
) -> None:
    loaded = load_classifier(folder)
    assert loaded.predict(labelled[0]) == trained.predict(labelled[0])
    assert (loaded.labels, loaded.method) == (trained.labels, trained.method)
    assert loaded.report == json.loads(json.dumps(trained.report))
    assert sorted(path.name for path in folder.iterdir()) == [
        "classifier.json",
        "classifier.safetensors",
    ]
    recorded = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))["model"]
    assert recorded["name"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_keeps_the_settings_of_the_model(
    tiny_folder: Path, labelled: Labelled, tmp_path: Path
) -> None:
    own = SentenceTransformer(
        tiny_folder, truncate_dim=8, compute_dtype="float32", prompts={"classification": "is: "}
    )
    own.max_seq_length = 20
    classifier = train_classifier(own, *labelled, method="centroid")
    target = tmp_path / "settings"
    save_classifier(classifier, target)
    loaded = load_classifier(target)
    assert loaded.model.max_seq_length == 20
    assert loaded.model.get_embedding_dimension() == 8
    assert loaded.predict(labelled[0]) == classifier.predict(labelled[0])
    recorded = json.loads((target / "classifier.json").read_text(encoding="utf-8"))["model"]
    assert recorded["name"] == str(tiny_folder.resolve())


def test_a_model_changed_in_memory_is_stored(
    tiny_folder: Path, labelled: Labelled, tmp_path: Path
) -> None:
    tuned = SentenceTransformer(tiny_folder, compute_dtype="float32")
    with torch.no_grad():
        for parameter in tuned.encoder.parameters():
            parameter.mul_(1.1)
    classifier = train_classifier(tuned, *labelled, method="centroid")
    target = tmp_path / "tuned"
    save_classifier(classifier, target)
    assert (target / "encoder" / "model.safetensors").is_file()
    moved = target.rename(target.with_name("moved"))
    assert load_classifier(moved).predict(labelled[0]) == classifier.predict(labelled[0])


def test_another_model_is_refused(
    trained: TextClassifier, folder: Path, model: SentenceTransformer, tiny: SentenceTransformer
) -> None:
    assert load_classifier(folder, model).model is model
    with pytest.raises(ModelError, match=r"weights differ.*dimension 32 instead of 384"):
        load_classifier(folder, tiny)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.encoder.embeddings.norm.bias[0] += 1e-3
    with pytest.raises(ModelError, match="the weights differ"):
        load_classifier(folder, other)
    other = copy.deepcopy(model)
    other.max_seq_length = 100
    with pytest.raises(ModelError, match="length limit 100 instead of 256"):
        load_classifier(folder, other)


def test_a_model_that_is_gone(folder: Path, tmp_path: Path) -> None:
    edit(folder, lambda settings: settings["model"].update(name=str(tmp_path / "gone")))
    with pytest.raises(ModelNotFoundError, match=r"gone, which was not found"):
        load_classifier(folder)


def test_no_classifier(tmp_path: Path, tiny_folder: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", tiny_folder):
        with pytest.raises(ModelNotFoundError, match="classify train"):
            load_classifier(path)


def test_nothing_is_overwritten(trained: TextClassifier, folder: Path) -> None:
    with pytest.raises(OutputError, match="not empty"):
        save_classifier(trained, folder)


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "colour": lambda settings: settings.update(colour="red"),
    "'prompt'": lambda settings: settings.pop("prompt"),
    "'method'": lambda settings: settings.update(method=3),
    "format 2": lambda settings: settings.update(format=2),
    "labels": lambda settings: settings.update(labels=["a", "a", "b", "c"]),
    "two different": lambda settings: settings.update(labels=["a", "", "b", "c"]),
    r"float64 \(3, 384\)": lambda settings: settings["labels"].pop(),
    "truncate_dim": lambda settings: settings["model"].update(truncate_dim=-1),
    "'model' holds": lambda settings: settings["model"].update(path="x"),
    "fingerprint": lambda settings: settings["model"].update(fingerprint={}),
    "dimension": lambda settings: settings["model"]["fingerprint"].update(dimension=True),
    "weights differ": lambda settings: settings["model"]["fingerprint"].update(weights="00"),
}


@pytest.mark.parametrize("part", DAMAGES)
def test_damaged_settings(folder: Path, model: SentenceTransformer, part: str) -> None:
    edit(folder, DAMAGES[part])
    with pytest.raises(ModelError, match=part):
        load_classifier(folder, model)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'"x"', b"[" * 100_000])
def test_torn_settings(folder: Path, model: SentenceTransformer, content: bytes) -> None:
    (folder / "classifier.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"classifier\.json"):
        load_classifier(folder, model)


def nothing(tensors: dict[str, Any]) -> None:
    tensors.clear()


TENSORS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "none": nothing,
    "missing": lambda tensors: tensors.pop("temperature"),
    "unknown": lambda tensors: tensors.update(more=np.zeros(1)),
    "shape": lambda tensors: tensors.update(intercept=np.zeros(3)),
    "dimension": lambda tensors: tensors.update(weights=np.zeros((4, 32))),
    "type": lambda tensors: tensors.update(intercept=np.zeros(4, dtype=np.float32)),
    "nan": lambda tensors: tensors.update(intercept=np.full(4, np.nan)),
    "cold": lambda tensors: tensors.update(temperature=np.zeros(1)),
}


@pytest.mark.parametrize("name", TENSORS)
def test_wrong_numbers(folder: Path, model: SentenceTransformer, name: str) -> None:
    path = folder / "classifier.safetensors"
    tensors = load_file(path)
    TENSORS[name](tensors)
    save_file(tensors, path)
    with pytest.raises(ModelError, match=r"classifier\.safetensors"):
        load_classifier(folder, model)


def test_torn_numbers(folder: Path, model: SentenceTransformer) -> None:
    path = folder / "classifier.safetensors"
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"classifier\.safetensors"):
            load_classifier(folder, model)
    path.unlink()
    with pytest.raises(ModelError, match=r"classifier\.safetensors"):
        load_classifier(folder, model)
