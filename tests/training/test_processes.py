"""Two processes take the steps of one with the joined batch, and go on to the same bits."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sentune import SentenceTransformer
from sentune.training.checkpoints.on_disk import damage

SCRIPT = Path(__file__).with_name("process.py")


@pytest.fixture(scope="module")
def process() -> ModuleType:
    """The module that both processes run."""
    spec = importlib.util.spec_from_file_location("training_process", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def launch(*command: str | Path) -> None:
    """Run a launcher and its processes to their end; none of them is left behind."""
    launcher = subprocess.Popen(
        [sys.executable, "-m", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        told = launcher.communicate(timeout=900)[1]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
    assert launcher.returncode == 0, told[-5000:]


@pytest.fixture(scope="module")
def out(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes with gloo between them wrote."""
    folder = tmp_path_factory.mktemp("processes")
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node=2")
    launch(*torchrun, SCRIPT, tiny_folder, folder, "all")
    return folder


def log(out: Path, name: str, key: str) -> list[float]:
    entries: list[dict[str, Any]] = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    return [entry[key] for entry in entries if key in entry]


def weights(out: Path, name: str) -> dict[str, Tensor]:
    return load_file(out / f"{name}.safetensors")


def test_the_run_is_that_of_one_process_with_the_joined_batch(
    out: Path, tmp_path: Path, tiny_folder: Path, process: ModuleType
) -> None:
    alone = process.trainer(str(tiny_folder), tmp_path, 8)
    alone.train()
    losses = [entry["loss"] for entry in alone.state.log_history if "loss" in entry]
    assert len(losses) == 6  # 8 and 5 rows an epoch: the last batch is shared unevenly
    assert losses[-1] < losses[0]
    norms = [entry["grad_norm"] for entry in alone.state.log_history if "grad_norm" in entry]
    for rank in range(2):
        if rank == 0:
            assert log(out, "plain-0", "loss") == pytest.approx(losses, abs=1e-5)
            assert log(out, "plain-0", "grad_norm") == pytest.approx(norms, rel=1e-4)
        found = weights(out, f"plain-{rank}")
        for name, value in alone.model.named_parameters():
            if "qkv.bias" in name:  # that on keys has a gradient of rounding alone
                continue
            assert torch.allclose(found[name], value.detach(), rtol=0, atol=1e-5), name


def test_a_loss_of_ones_own_takes_the_same_steps(
    out: Path, tmp_path: Path, tiny_folder: Path, process: ModuleType
) -> None:
    alone = process.own(str(tiny_folder), tmp_path, 8)
    alone.train()
    losses = [entry["loss"] for entry in alone.state.log_history if "loss" in entry]
    assert log(out, "own-0", "loss") == pytest.approx(losses, abs=1e-5)
    found = weights(out, "own-0")
    for name, value in alone.model.named_parameters():
        if "qkv.bias" not in name:
            assert torch.allclose(found[name], value.detach(), rtol=0, atol=1e-5), name


@pytest.mark.parametrize("run", ["plain", "own", "whole", "resumed"])
def test_both_processes_end_with_the_same_weights(out: Path, run: str) -> None:
    first, second = (weights(out, f"{run}-{rank}") for rank in range(2))
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_going_on_gives_the_same_bits(out: Path) -> None:
    for rank in range(2):
        whole, resumed = (weights(out, f"{run}-{rank}") for run in ("whole", "resumed"))
        for name, value in whole.items():
            assert torch.equal(value, resumed[name]), name
    for key in ("loss", "eval_loss", "grad_norm", "learning_rate"):
        assert log(out, "whole-0", key) == log(out, "resumed-0", key)
    assert len(log(out, "whole-0", "eval_loss")) == 3


def test_every_process_ends_with_the_best_model(out: Path) -> None:
    losses = log(out, "whole-0", "eval_loss")
    best = 2 * (1 + losses.index(max(losses)))
    assert best < 6
    saved = SentenceTransformer(
        out / "whole" / f"checkpoint-{best}", device="cpu", compute_dtype="float32"
    )
    for rank in range(2):
        found = weights(out, f"whole-{rank}")
        for name, value in saved.named_parameters():
            assert torch.equal(found[name], value), name


def test_checkpoints_are_written_once_and_whole(out: Path) -> None:
    for run in ("whole", "cut"):
        found = sorted(path.name for path in (out / run).iterdir())
        assert found == ["checkpoint-2", "checkpoint-4", "checkpoint-6"]
        assert all(damage(out / run / name) is None for name in found)
    assert list((out / "plain").iterdir()) == []


def test_the_model_is_saved_by_one(out: Path) -> None:
    saved = SentenceTransformer(out / "saved", device="cpu", compute_dtype="float32")
    for name, value in weights(out, "resumed-0").items():
        assert torch.equal(dict(saved.named_parameters())[name], value), name


def test_accelerate_launches_the_same_run(out: Path, tmp_path: Path, tiny_folder: Path) -> None:
    # Its word for a process each; with --cpu it would start a single one.
    options = "--multi_gpu --num_processes=2 --num_machines=1"
    options += " --mixed_precision=no --dynamo_backend=no"
    with socket.socket() as probe:  # accelerate 1.3 takes the port 0 as it is, and waits for ever
        probe.bind(("127.0.0.1", 0))
        options += f" --main_process_port={probe.getsockname()[1]}"
    launcher = ("accelerate.commands.launch", *options.split())
    launch(*launcher, SCRIPT, tiny_folder, tmp_path, "plain")
    for rank in range(2):
        found = weights(tmp_path, f"plain-{rank}")
        for name, value in weights(out, f"plain-{rank}").items():
            assert torch.equal(found[name], value), name
    assert log(tmp_path, "plain-0", "loss") == log(out, "plain-0", "loss")
