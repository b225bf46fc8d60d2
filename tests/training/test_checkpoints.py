"""Checkpoints are whole or not there, whatever fails while they are written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune import SentenceTransformer
from sentune.errors import OutputError, TrainingError
from sentune.training.checkpoints import (
    checkpoints,
    damage,
    last_checkpoint,
    prune_checkpoints,
    read_state,
    write_checkpoint,
)
from sentune.training.state import from_plain, random_state, set_random_state, to_plain
from sentune.tuning import RunFolder

STATE = {"optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 3)}}}}


class Faults:
    """Fails the n-th operation that changes the disk, in one of several ways."""

    def __init__(self, at: int, kind: str) -> None:
        self.at, self.kind, self.seen = at, kind, 0

    def due(self) -> bool:
        self.seen += 1
        return self.seen == self.at

    def error(self) -> OSError:
        return OSError(errno.ENOSPC, "No space left on device")


class _Stream:
    def __init__(self, inner: BinaryIO, faults: Faults) -> None:
        self._inner, self._faults = inner, faults

    def write(self, content: bytes) -> int:
        if not self._faults.due():
            return self._inner.write(content)
        if self._faults.kind == "short":
            self._inner.write(content[: len(content) // 2])
        raise self._faults.error()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.close()


@contextmanager
def faulty(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Iterator[None]:
    opened, replaced, made, synced = Path.open, Path.replace, Path.mkdir, os.fsync

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if faults.due():
                raise faults.error()
            return call(*arguments, **options)

        return run

    def opening(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        stream = opened(path, mode, *arguments, **options)
        return _Stream(stream, faults) if "x" in mode else stream  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opening)
        patched.setattr(Path, "replace", guarded(replaced))
        patched.setattr(Path, "mkdir", guarded(made))
        patched.setattr(os, "fsync", guarded(synced))
        yield


def save(root: Path, step: int, model: SentenceTransformer) -> None:
    write_checkpoint(
        root / f"checkpoint-{step}", write_model=model.write_into, state=STATE, trainer_state="{}"
    )


def operations(root: Path, model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> int:
    counted = Faults(-1, "none")
    with faulty(monkeypatch, counted):
        save(root, 1, model)
    return counted.seen


@pytest.mark.parametrize("kind", ["full", "short"])
def test_a_write_that_fails_leaves_the_checkpoint_before(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    count = operations(tmp_path, tiny, monkeypatch)
    assert count > 60  # about five for each file
    whole = 0
    for at in range(1, count + 1):
        with faulty(monkeypatch, Faults(at, kind)), pytest.raises(OutputError, match="No space"):
            save(tmp_path, 2, tiny)
        found = checkpoints(tmp_path)
        assert all(damage(folder) is None for folder in found), at
        assert not list(tmp_path.glob(".*")), at
        if len(found) == 2:  # only the name's own flush failed
            whole += 1
            prune_checkpoints(tmp_path, 1, str(tmp_path / "checkpoint-1"))
            (last,) = [folder for folder in checkpoints(tmp_path) if folder.name != "checkpoint-1"]
            for path in sorted(last.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            last.rmdir()
    assert whole <= 1


def test_a_result_that_cannot_be_written_leaves_the_run_to_go_on_with(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path) -> None:
        tiny.write_into(folder)
        (folder / "evaluation.json").write_text("{}")

    def begun(name: str) -> RunFolder:
        run = RunFolder(tmp_path / name)
        run.checkpoints.mkdir(parents=True)
        return run

    counted = Faults(-1, "none")
    run = begun("whole")
    with faulty(monkeypatch, counted):
        run.finish(write)
    expected = sorted(path.name for path in run.path.iterdir())
    for at in range(1, counted.seen + 1):
        run = begun(f"run-{at}")
        with faulty(monkeypatch, Faults(at, "full")), pytest.raises(OutputError):
            run.finish(write)
        assert run.unfinished or run.finished
        if run.begin(resume=True):
            run.finish(write)
        assert sorted(path.name for path in run.path.iterdir()) == expected, at
        SentenceTransformer(run.path)


def test_leftovers_of_a_kill_are_removed(tmp_path: Path, tiny: SentenceTransformer) -> None:
    save(tmp_path, 1, tiny)
    (tmp_path / ".checkpoint-2.0123.partial").mkdir()
    (tmp_path / ".checkpoint-2.0123.partial" / "config.json").touch()
    (tmp_path / ".some.json.0123.partial").touch()
    said: list[str] = []
    assert last_checkpoint(tmp_path, said.append) == tmp_path / "checkpoint-1"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]
    assert said == []


def test_steps_are_ordered_as_numbers(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-old").mkdir()
    assert [folder.name for folder in checkpoints(tmp_path)] == [
        "checkpoint-100",
        "checkpoint-20",
        "checkpoint-9",
    ]


def test_the_state_comes_back(tmp_path: Path, tiny: SentenceTransformer) -> None:
    save(tmp_path, 1, tiny)
    found = read_state(tmp_path / "checkpoint-1")
    assert torch.equal(found["optimizer"]["state"][0]["exp_avg"], torch.ones(2, 3))
    assert found["optimizer"]["state"][0]["step"].item() == 3.0


def test_what_needs_a_pickle_is_named(tmp_path: Path, tiny: SentenceTransformer) -> None:
    with pytest.raises(TrainingError, match=r"state\.optimizer\.x of the training state is a set"):
        write_checkpoint(
            tmp_path / "checkpoint-1",
            write_model=tiny.write_into,
            state={"optimizer": {"x": {1}}},
            trainer_state="{}",
        )
    assert list(tmp_path.iterdir()) == []


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@given(plain)
@settings(deadline=None)
def test_any_plain_state_comes_back_as_it_was(value: Any) -> None:
    import json

    stored = json.loads(json.dumps(to_plain(value, {}), allow_nan=False))
    assert from_plain(stored, {}) == value


def test_random_numbers_go_on_where_they_were() -> None:
    import random

    import numpy as np

    def drawn() -> tuple[float, float, float, float]:
        numbers = np.random.random(), np.random.standard_normal()
        return (random.random(), *numbers, torch.rand(1).item())

    np.random.standard_normal()
    tensors: dict[str, torch.Tensor] = {}
    stored = to_plain(random_state(), tensors)
    expected = drawn()
    set_random_state(from_plain(stored, tensors))
    assert drawn() == expected
