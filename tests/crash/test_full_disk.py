"""A disk that fails at any write, flush or rename leaves the old state or the new, never a mix.

A clean pass counts the changes; then each of them in turn fails. ``make test-long`` fails every
change of a whole tuning; ``make test`` every change of a checkpoint and of the publishing, and some
of a whole tuning.
"""

from __future__ import annotations

import errno
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.long import LONG

from sentune import SentenceTransformer
from sentune.errors import OutputError
from sentune.files import remove_folder, sha256
from sentune.training.checkpoints.on_disk import (
    last_checkpoint,
    prune_checkpoints,
    write_checkpoint,
)
from sentune.tuning import RunFolder, TuneSettings, read_split, tune

STATE = {"optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 3)}}}}
Tree = dict[str, str | None]


class Disk:
    """Counts the changes that Python code asks of the disk, and fails at one of them.

    Args:
        at: the change that fails, from 1; 0 for none.
        fault: ``once``: it fails, and later ones work. ``full``: from then on nothing new can be
            written. ``short``: half of a write arrives, and the disk is full. ``split``: half of
            a write arrives, and there is room for the rest, which is no error.
    """

    def __init__(self, at: int = 0, fault: str = "once") -> None:
        self.at, self.fault, self.full = at, fault, False
        self.changes: list[str] = []

    def change(self, kind: str) -> bool:
        """Count one; whether a write is to be halved. Raises OSError when it fails."""
        self.changes.append(kind)
        due = len(self.changes) == self.at
        if due and kind == "write" and self.fault in ("short", "split"):
            self.full = self.fault == "short"
            return True
        if due and self.fault in ("full", "short"):
            self.full = True
        # Renaming and changing permissions takes no room.
        if (due and self.fault != "split") or (self.full and kind in ("open", "write", "mkdir")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return False

    @contextmanager
    def used(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Everything below goes to this disk: the operating system's calls are replaced."""
        opened = Path.open

        def opening(path: Path, mode: str = "r", buffering: int = -1, **options: Any) -> Any:
            if "x" not in mode:
                return opened(path, mode, buffering, **options)
            self.change("open")
            file = _File(path, self)
            return io.BufferedWriter(file) if buffering else file

        def counted(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
            def run(*given: Any, **options: Any) -> Any:
                self.change(kind)
                return call(*given, **options)

            return run

        with monkeypatch.context() as patched:
            patched.setattr(Path, "open", opening)
            for name in ("mkdir", "replace", "chmod"):
                patched.setattr(os, name, counted(name, getattr(os, name)))
            patched.setattr(os, "fsync", counted("fsync", lambda _: None))  # nobody pulls the plug
            yield


class _File(io.FileIO):
    """As the operating system has it: a write may take less than it was given."""

    def __init__(self, path: Path, disk: Disk) -> None:
        super().__init__(path, "x")
        self._disk = disk

    def write(self, content: Any) -> int:
        halved = self._disk.change("write")
        taken = memoryview(content)
        return super().write(taken[: max(1, len(taken) // 2)] if halved else taken)


def faults(changes: list[str]) -> Iterator[tuple[int, str]]:
    """Each change failing in each way that says something about it."""
    for at, kind in enumerate(changes, start=1):
        yield at, "once"
        if kind in ("open", "write", "mkdir"):
            yield at, "full"
        if kind == "write":
            yield at, "short"


def failed(disk: Disk, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> bool:
    """Whether ``call`` could not do its work on ``disk``, and said so."""
    caught = None
    with disk.used(monkeypatch):
        try:
            call()
        except OutputError as error:
            caught = error
    assert caught is None or "cannot be written (No space left on device)" in str(caught)
    return caught is not None


def tree(folder: Path) -> Tree:
    """Every file with its hash, and every folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): sha256(path) if path.is_file() else None
        for path in folder.rglob("*")
    }


# ── a checkpoint ──────────────────────────────────────────────────────────────────────────────


def save(root: Path, step: int, model: SentenceTransformer) -> None:
    write_checkpoint(
        root / f"checkpoint-{step}", write_model=model.write_into, state=STATE, trainer_state="{}"
    )


def test_a_checkpoint_is_there_whole_or_not_at_all(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1, tiny)
    before, clean = tree(tmp_path), Disk()
    with clean.used(monkeypatch):
        save(tmp_path, 2, tiny)
    after = tree(tmp_path)
    assert {"mkdir", "open", "write", "fsync", "replace", "chmod"} == set(clean.changes)
    assert clean.changes.count("write") >= 12  # one for each file
    ended = []
    found = after
    for at, fault in faults(clean.changes):
        if found == after:
            remove_folder(tmp_path / "checkpoint-2")
        refused = failed(Disk(at, fault), monkeypatch, lambda: save(tmp_path, 2, tiny))
        found = tree(tmp_path)
        assert found in (before, after), (at, fault)
        assert refused or found == after
        if found == after:
            ended.append(clean.changes[at - 1])
    # Making a folder that is there, and the flush after the renaming.
    assert ended == ["mkdir", "fsync"]


def test_a_write_that_takes_two_calls_is_whole(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = Disk()
    with clean.used(monkeypatch):
        save(tmp_path, 1, tiny)
    expected = tree(tmp_path)
    for at, kind in enumerate(clean.changes, start=1):
        if kind == "write":
            remove_folder(tmp_path / "checkpoint-1")
            halving = Disk(at, "split")
            with halving.used(monkeypatch):
                save(tmp_path, 1, tiny)
            assert tree(tmp_path) == expected
            assert len(halving.changes) == len(clean.changes) + 1


def test_an_old_checkpoint_that_cannot_be_removed_is_whole(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save(tmp_path, step, tiny)
    before = tree(tmp_path)
    assert failed(Disk(1), monkeypatch, lambda: prune_checkpoints(tmp_path, 1, None))
    assert tree(tmp_path) == before
    prune_checkpoints(tmp_path, 1, None)
    assert last_checkpoint(tmp_path, pytest.fail) == tmp_path / "checkpoint-2"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]


# ── the result ────────────────────────────────────────────────────────────────────────────────


def test_a_result_is_published_or_can_be(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path) -> None:
        tiny.write_into(folder)
        (folder / "evaluation.json").write_text("{}")

    def begun(name: str) -> RunFolder:
        run = RunFolder(tmp_path / name)
        (run.checkpoints / "checkpoint-1").mkdir(parents=True)
        return run

    clean = Disk()
    with clean.used(monkeypatch):
        (whole := begun("whole")).finish(write)
    expected = tree(whole.path)
    moves = len(list(whole.path.iterdir()))
    assert clean.changes[-2 * moves - 1 :].count("replace") == moves + 1
    for at in range(1, len(clean.changes) + 1):
        run = begun(f"run-{at}")
        refused = failed(Disk(at), monkeypatch, partial(run.finish, write))
        # No library takes DIR for a model before every file is there.
        if (run.path / "config.json").exists():
            shown = {name: found for name, found in tree(run.path).items() if name in expected}
            assert shown == expected, at
        assert run.resumable or not refused
        if run.begin(resume=True):
            assert not (run.path / "config.json").exists()
            run.finish(write)
        assert tree(run.path) == expected, at
        remove_folder(run.path)


def test_a_result_that_cannot_be_moved_is_moved_later(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def staged(name: str) -> RunFolder:
        run = RunFolder(tmp_path / name)
        result = run.checkpoints / "finished"
        result.mkdir(parents=True)
        tiny.write_into(result)
        (result / "evaluation.json").write_text("{}")
        return run

    clean, whole = Disk(), staged("whole")
    with clean.used(monkeypatch):
        assert not whole.begin(resume=True)
    expected = tree(whole.path)
    for at in range(1, len(clean.changes) + 1):
        run = staged(f"run-{at}")
        assert failed(Disk(at), monkeypatch, partial(run.begin, resume=True))
        assert not run.begin(resume=True)
        assert tree(run.path) == expected, at


# ── a whole tuning ────────────────────────────────────────────────────────────────────────────

_SETTINGS = {
    "num_train_epochs": 1,
    "per_device_train_batch_size": 4,
    "learning_rate": 1e-3,
    "dropout": 0.1,
    "save_strategy": "steps",
    "save_steps": 1,
}
_SOME = 9
_TIMED = {"README.md", "evaluation.json", "report.html"}  # say how long training took


@pytest.fixture
def tuned(tmp_path: Path, tiny_folder: Path) -> Callable[[Path], tuple[Tree, Any]]:
    """Tune into a folder, or go on there: every file with its hash, and the loss log."""
    words = "files threads dates sockets locks paths bytes sets queues heaps trees maps rows keys"
    rows = [
        {"anchor": f"how does {word} work", "positive": f"{word}: chapter {i} tells of {word}"}
        for i, word in enumerate(words.split())
    ]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    settings = TuneSettings(base=str(tiny_folder), training=_SETTINGS)

    def run(out: Path) -> tuple[Tree, Any]:
        done = tune(read_split(pairs, None, None, settings.seed), out, settings, resume=True)
        files = {name: found for name, found in tree(out).items() if name not in _TIMED}
        return files, done.summary["training"]["loss_log"]

    return run


def weights(folder: Path) -> Tree:
    """What a run goes on from, but for the times in it."""
    return {
        name: None if name.endswith(".json") or Path(name).name in _TIMED else found
        for name, found in tree(folder).items()
    }


def test_a_tuning_on_a_full_disk_goes_on_to_the_same_bits(
    tmp_path: Path, tuned: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = Disk()
    with clean.used(monkeypatch):
        expected = tuned(tmp_path / "whole")
    count = len(clean.changes)
    chosen = list(range(1, count + 1))
    if not LONG:
        chosen = [*chosen[:3], *random.Random(0).sample(chosen[3:], _SOME)]
    seen: list[Tree] = []
    for at in chosen:
        out = tmp_path / f"run-{at}"
        failed(Disk(at, "full"), monkeypatch, partial(tuned, out))
        left = weights(out) if out.exists() else {}
        # Many faults leave the same state, and what is the same goes on the same.
        if left not in seen:
            seen.append(left)
            with Disk().used(monkeypatch):
                assert tuned(out) == expected, at
        if out.exists():
            remove_folder(out)
    print(f"{len(chosen)} of {count} changes failed, which left {len(seen)} states")
    assert len(seen) > 3
