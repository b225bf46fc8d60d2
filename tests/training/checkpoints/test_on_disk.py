"""Checkpoints as they are written and found again; tests/crash/ makes the writing fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune import SentenceTransformer
from sentune.errors import TrainingError
from sentune.training.checkpoints.on_disk import (
    checkpoints,
    last_checkpoint,
    read_state,
    write_checkpoint,
)
from sentune.training.checkpoints.state import from_plain, random_state, set_random_state, to_plain

STATE = {"optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 3)}}}}


def save(root: Path, step: int, model: SentenceTransformer) -> None:
    write_checkpoint(
        root / f"checkpoint-{step}", write_model=model.write_into, state=STATE, trainer_state="{}"
    )


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
