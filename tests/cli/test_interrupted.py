"""What is told after Ctrl-C is what is there: at every instant of a tuning and of an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentune.cli.interrupted import telling_what_is_left, what_is_left
from sentune.cli.interrupted_index import IndexState
from sentune.cli.interrupted_index import what_is_left as left_of_index
from sentune.files import write_json
from sentune.tuning import RunFolder

NOTHING = "interrupted; nothing was written"
RESUME = "interrupted; the same command with --resume continues after step 3"


def _checkpoint(folder: RunFolder) -> None:
    (folder.checkpoints / "checkpoint-3").mkdir(parents=True)


def _result(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "evaluation.json", {})
    write_json(path / "config.json", {})


def _interrupted(folder: RunFolder) -> None:
    with telling_what_is_left(folder):
        try:
            raise KeyboardInterrupt
        finally:
            folder.tidy()


INSTANTS = ("reading", "training", "checkpoint", "evaluating", "publishing", "printing")


@pytest.mark.parametrize("instant", INSTANTS)
def test_the_message_tells_what_is_there_and_resuming_agrees(instant: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    said = NOTHING
    match instant:
        case "training":
            folder.checkpoints.mkdir(parents=True)
        case "checkpoint" | "evaluating":
            _checkpoint(folder)
            said = RESUME
        case "publishing":
            _checkpoint(folder)
            folder.checkpoints.joinpath("finished").mkdir()
            _result(folder.checkpoints / "finished")
            said = "interrupted; the result is whole, and the same command with --resume moves it"
        case "printing":
            _result(folder.path)
            said = "interrupted; the run had ended, and "
        case _:
            pass
    with pytest.raises(KeyboardInterrupt) as told:
        _interrupted(folder)
    assert str(told.value).startswith(said)
    assert folder.path.exists() == (said != NOTHING)
    if "with --resume" in said:
        begun = RunFolder(folder.path).begin(resume=True)
        assert begun == (instant != "publishing")
        assert RunFolder(folder.path).finished == (instant == "publishing")
    assert what_is_left(RunFolder(tmp_path / "other")) == NOTHING


NO_INDEX, WHOLE = IndexState(), IndexState(1, 4)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (NO_INDEX, NO_INDEX, "nothing was written"),
        (NO_INDEX, IndexState(begun=4096), "D keeps 4,096 passages that are encoded, and the same"),
        (WHOLE, IndexState(1, 4, 1), "D keeps 1 passage that"),
        (WHOLE, WHOLE, "D is as it was"),
        (WHOLE, IndexState(1, 5), "D keeps what was written, and the same command does the rest"),
        (NO_INDEX, WHOLE, "D holds the whole index"),
    ],
)
def test_each_state_of_an_index_has_its_message(
    before: IndexState, after: IndexState, said: str
) -> None:
    told = left_of_index("D", before, after)
    assert told.startswith(f"interrupted; {said}")


def test_an_index_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert IndexState.read(str(tmp_path / "nothing")) == NO_INDEX
    (tmp_path / "index.json").write_text("{", encoding="utf-8")
    assert IndexState.read(str(tmp_path)) == NO_INDEX
