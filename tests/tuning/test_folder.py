"""The folder of a run is free, unfinished or finished, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentune.errors import OutputError, TrainingError
from sentune.tuning import RunFolder


def write(folder: Path) -> None:
    for name in ("config.json", "evaluation.json", "model.safetensors"):
        (folder / name).write_text(name)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").touch()


def begun(path: Path, *names: str) -> RunFolder:
    """A folder that a run has left with these entries in ``checkpoints``."""
    for name in names:
        (path / "checkpoints" / name).mkdir(parents=True)
    return RunFolder(path)


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_a_result_takes_the_place_of_the_checkpoints(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", "checkpoint-1", "checkpoint-2")
    assert run.unfinished
    assert not run.finished
    run.finish(write)
    assert run.finished
    assert not run.unfinished
    assert names(run.path) == ["1_Pooling", "config.json", "evaluation.json", "model.safetensors"]
    assert not run.begin(resume=True)
    with pytest.raises(OutputError, match="not empty"):
        run.begin(resume=False)


@pytest.mark.parametrize("resume", [True, False])
def test_what_is_not_there_or_empty_is_free(tmp_path: Path, resume: bool) -> None:
    for path in (tmp_path / "new", tmp_path):
        assert RunFolder(path).begin(resume=resume)
    assert names(tmp_path) == []


@pytest.mark.parametrize("resume", [True, False])
def test_something_else_is_refused_and_kept(tmp_path: Path, resume: bool) -> None:
    (tmp_path / ".thesis.partial").touch()
    (tmp_path / "config.json").touch()
    with pytest.raises(OutputError, match="exists and is not empty"):
        RunFolder(tmp_path).begin(resume=resume)
    assert names(tmp_path) == [".thesis.partial", "config.json"]


def test_an_unfinished_run_is_gone_on_with_when_asked(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", "checkpoint-1", ".checkpoint-2.01.partial")
    with pytest.raises(OutputError, match=r"holds an unfinished run.*--resume"):
        run.begin(resume=False)
    # Another process may be writing that one.
    assert names(run.checkpoints) == [".checkpoint-2.01.partial", "checkpoint-1"]
    assert run.begin(resume=True)
    assert names(run.checkpoints) == ["checkpoint-1"]


def test_a_result_that_was_half_moved_is_moved(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", "checkpoint-1", "finished")
    write(run.checkpoints / "finished")
    (run.checkpoints / "finished" / "1_Pooling").rename(run.path / "1_Pooling")
    (run.checkpoints / "finished" / "evaluation.json").rename(run.path / "evaluation.json")
    assert not run.finished
    assert not run.begin(resume=True)
    assert names(run.path) == ["1_Pooling", "config.json", "evaluation.json", "model.safetensors"]


def test_checkpoints_that_were_being_removed_are_removed(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", ".checkpoint-1.01.partial")
    run.finish(write)
    (run.path / ".checkpoints.01.partial" / "checkpoint-2").mkdir(parents=True)
    (run.path / ".theirs.01.partial").touch()
    assert not run.begin(resume=True)
    left = [".theirs.01.partial", "1_Pooling", "config.json", "evaluation.json"]
    assert names(run.path) == [*left, "model.safetensors"]


def test_the_file_that_makes_it_a_model_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []

    def move(folder: Path, path: Path) -> None:
        moved.append(path.name)

    monkeypatch.setattr("sentune.tuning.folder.move_into", move)
    begun(tmp_path / "out", "checkpoint-1").finish(write)
    assert moved[-1] == "config.json"
    assert len(moved) == 4


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_left_of_a_run_that_saved_nothing(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "out"
    if there:
        path.mkdir()
    run = RunFolder(path)
    assert run.begin(resume=False)
    begun(path, ".checkpoint-1.01.partial")
    run.tidy()
    assert path.exists() == there
    assert not run.checkpoints.exists()


@pytest.mark.parametrize("name", ["checkpoint-1", "finished", "mine"])
def test_what_was_saved_is_not_tidied_away(tmp_path: Path, name: str) -> None:
    run = begun(tmp_path / "out", name)
    run.tidy()
    assert names(run.checkpoints) == [name]


def test_checkpoints_of_another_program_are_left_alone(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", "checkpoint-500", ".old.partial")
    foreign = run.checkpoints / "checkpoint-500" / "pytorch_model.bin"
    foreign.write_bytes(b"weights")
    with pytest.raises(TrainingError, match="checkpoint-500 is not a checkpoint of sentune"):
        run.begin(resume=True)
    assert foreign.read_bytes() == b"weights"
    assert names(run.checkpoints) == [".old.partial", "checkpoint-500"]


def test_a_folder_that_only_has_a_folder_of_that_name_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "thesis.txt").touch()
    for resume in (True, False):
        with pytest.raises(OutputError, match=r"thesis\.txt|holds an unfinished run"):
            RunFolder(tmp_path).begin(resume=resume)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "thesis.txt"]
