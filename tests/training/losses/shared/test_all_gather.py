"""Two processes with gathered candidates are one process with the joined batch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.batches.collator import Collator
from sentune.training.batches.examples import Row
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.losses.shared.all_gather import gather_rows

PROCESS = Path(__file__).with_name("all_gather_process.py")


@pytest.fixture(scope="module")
def process() -> ModuleType:
    """The module that both processes run."""
    spec = importlib.util.spec_from_file_location("all_gather_process", PROCESS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def out(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes with gloo between them wrote."""
    folder = tmp_path_factory.mktemp("gathered")
    started = [
        subprocess.Popen(
            [sys.executable, str(PROCESS), str(rank), str(tiny_folder), str(folder)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=900)[1] for process in started]
    finally:
        for one in started:
            one.kill()
    assert [one.returncode for one in started] == [0, 0], errors
    return folder


def read(out: Path, name: str) -> list[dict[str, Any]]:
    return [dict(np.load(out / f"{name}-{rank}.npz")) for rank in range(2)]


@pytest.mark.parametrize("rows", ["same", "different"])
@pytest.mark.parametrize("directions", ["one", "symmetric", "doc_to_doc", "all"])
def test_loss_and_gradient_are_those_of_the_joined_batch(
    out: Path, process: ModuleType, rows: str, directions: str
) -> None:
    joined = [column.requires_grad_() for column in process.vectors(rows)]
    loss = MultipleNegativesRankingLoss(scale=3.0, **process.DIRECTIONS[directions])
    value = loss(joined)
    value.backward()
    found = read(out, f"{rows}-{directions}")
    assert np.mean([one["value"] for one in found]) == pytest.approx(value.item(), abs=1e-10)
    gradient = np.concatenate([one["gradient"] for one in found], axis=1) / 2
    wanted = np.stack([column.grad.numpy() for column in joined])
    assert np.abs(wanted).max() > 0.01
    assert gradient == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("rows", ["same", "different"])
def test_an_evaluation_stays_with_the_own_rows(out: Path, process: ModuleType, rows: str) -> None:
    sizes = process.ROWS[rows]
    for rank, one in enumerate(read(out, f"{rows}-symmetric")):
        start = sum(sizes[:rank])
        own = [column[start : start + sizes[rank]] for column in process.vectors(rows)]
        wanted = MultipleNegativesRankingLoss(scale=3.0, **process.DIRECTIONS["symmetric"])(own)
        assert one["alone"] == pytest.approx(wanted.item(), abs=1e-10)


def test_a_model_in_two_processes_gets_the_gradient_of_one(
    out: Path, process: ModuleType, tiny_folder: Path
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32").double()
    batch = Collator(model.tokenizer)([Row(pair) for pair in process.PAIRS])["batch"]
    MultipleNegativesRankingLoss().compute(model, batch).backward()
    wanted = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert max(gradient.abs().max() for gradient in wanted.values()) > 0.01
    for rank in range(2):
        found = load_file(out / f"model-{rank}.safetensors")
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            assert torch.allclose(found[name], gradient, rtol=0, atol=1e-10), name


def test_both_processes_draw_the_same_dimensions(out: Path) -> None:
    first, second = (one["drawn"].tolist() for one in read(out, "drawn"))
    assert first == second
    assert len({tuple(drawn) for drawn in first}) > 1


def test_one_process_has_all_rows() -> None:
    rows = torch.ones(3, 2)
    gathered, start = gather_rows(rows)
    assert gathered is rows
    assert start == 0
