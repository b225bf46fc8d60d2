"""Questions that a model was tuned on are known again, wherever their file is by then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sentune.data import Pairs, read_pairs, write_pairs
from sentune.data.roles.options import ReadOptions
from sentune.tuning import RunFile, Split, TuneSettings, read_split, tune
from sentune.tuning.seen import trained_questions

READING = ReadOptions(question="asked", passage="manual")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [f"how is part {n} oiled,Part {n} is oiled by hand.\n" for n in range(20)]
    path = tmp_path / "faq.csv"
    path.write_text("asked,manual\n" + "".join(rows))
    return path


@pytest.fixture
def folder(tmp_path: Path, data: Path) -> Path:
    """What a run leaves of its data in the folder of its model."""
    folder = tmp_path / "model"
    folder.mkdir()
    run = RunFile(TuneSettings(), READING, data=str(data))
    (folder / "run.yaml").write_text(run.text(folder))
    figures = {"data_digest": split_of(data).digest}
    (folder / "evaluation.json").write_text(json.dumps(figures))
    return folder


def split_of(data: Path) -> Split:
    return read_split(data, None, None, 42, READING)


def test_what_was_trained_on_is_counted_and_what_was_held_out_is_not(
    folder: Path, data: Path
) -> None:
    split = split_of(data)
    held_out = len(split.valid.relevant)
    assert held_out
    assert trained_questions(folder, read_pairs(data, READING)) == 20 - held_out
    assert trained_questions(folder, split.train) == 20 - held_out
    assert trained_questions(folder, split.valid) == 0
    assert trained_questions(folder, Pairs({"q": "new"}, {"p": "new"}, {"q": ("p",)})) == 0


def test_other_pairs_with_some_of_the_questions_are_known(folder: Path, data: Path) -> None:
    asked = [*split_of(data).train.questions.values()][:3]
    data_too = data.with_name("more.csv")
    data_too.write_text("question,passage\nnew,N\n" + "".join(f"{text},P\n" for text in asked))
    assert trained_questions(folder, read_pairs(data_too)) == 3


def test_a_file_that_was_moved_is_known_by_its_digest(folder: Path, data: Path) -> None:
    copy = data.with_name("copy.jsonl")
    write_pairs(read_pairs(data, READING), copy)
    data.unlink()
    assert trained_questions(folder, read_pairs(copy)) == 20
    (folder / "evaluation.json").write_text("[")
    assert trained_questions(folder, read_pairs(copy)) == 0


def test_a_folder_without_a_run_shows_nothing(tmp_path: Path, data: Path) -> None:
    assert trained_questions(tmp_path, read_pairs(data, READING)) == 0


def test_a_run_says_that_its_base_was_tuned_on_what_it_measures(
    folder: Path, data: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_folder, base)
    for name in ("run.yaml", "evaluation.json"):
        shutil.copy(folder / name, base)
    training = {"num_train_epochs": 1, "per_device_train_batch_size": 8}
    settings = TuneSettings(base=str(base), training=training)
    first, other = split_of(data), read_split(data, None, None, 7, READING)
    trained = {first.train.questions[key] for key in first.train.relevant}
    seen = len(trained & set(other.valid.questions.values()))
    said: list[str] = []
    tune(other, tmp_path / "again", settings, said.append)
    sentence = f"the base model was tuned on {seen} of the {len(other.valid.relevant)} questions"
    assert sum(line.startswith(sentence) for line in said) == 1
    card = (tmp_path / "again" / "README.md").read_text("utf-8")
    assert sentence in " ".join(card.split())
    said.clear()
    tune(first, tmp_path / "same", settings, said.append)
    assert not any("was tuned on" in line for line in said)


def test_data_that_this_user_may_not_see_stop_nothing(
    folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = split_of(data).train

    def forbidden(_path: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(data))

    monkeypatch.setattr(Path, "exists", forbidden)
    assert trained_questions(folder, pairs) == 0
