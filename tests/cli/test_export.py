"""``sentune export``: what it says, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_the_difference_is_told(run: Callable[..., Any], tiny_folder: Path, tmp_path: Path) -> None:
    outcome = run("export", tiny_folder, "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (0, "")
    told = outcome.err.splitlines()
    assert len(told) == 2, told  # nothing of what the exporter has to say
    assert "out/onnx/model.onnx: in ONNX Runtime" in told[1]
    assert (tmp_path / "out" / "onnx" / "model.onnx").is_file()


def test_a_folder_in_use_is_refused_before_a_model_is_loaded(
    refused: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    refused(("export", "no-such-model", "--out", tmp_path), "is not empty")
