"""Two hosts, each a network of its own, train as one process; one dies, and both go on.

Pytest does not find this file by its name: network namespaces need root. ``make hosts`` runs it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

_HOST = Path(__file__).with_name("host_process.py")
_RUN = Path(__file__).parents[1] / "training" / "process.py"
_NAMES = ("sentune-a", "sentune-b")
_DEVICES = ("snt-a", "snt-b")
_ADDRESSES = ("10.77.0.1", "10.77.0.2")
_SECONDS = 240


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hosts() -> Iterator[None]:
    """Two network namespaces with a cable between them."""
    for name in _NAMES:
        ip("netns", "add", name)
    ip("link", "add", _DEVICES[0], "type", "veth", "peer", "name", _DEVICES[1])
    for name, device, address in zip(_NAMES, _DEVICES, _ADDRESSES, strict=True):
        ip("link", "set", device, "netns", name)
        ip("-n", name, "address", "add", f"{address}/24", "dev", device)
        for each in (device, "lo"):
            ip("-n", name, "link", "set", each, "up")
    yield
    for name in _NAMES:
        die(name)
        ip("netns", "delete", name)


def die(name: str) -> None:
    """End every process of a host at once."""
    for process in ip("netns", "pids", name).split():
        with suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)


def start(rank: int, *words: str | Path | float) -> subprocess.Popen[str]:
    run = ["-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1"]
    where = [f"--master-addr={_ADDRESSES[0]}", "--master-port=29511"]
    return subprocess.Popen(
        ["ip", "netns", "exec", _NAMES[rank], sys.executable, *run, *where, str(_HOST)]
        + [str(word) for word in words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": _DEVICES[rank]},
    )


def train(*words: str | Path | float) -> None:
    for each in [start(rank, *words) for rank in range(2)]:
        told = each.communicate(timeout=_SECONDS)[1]
        assert each.returncode == 0, told[-4000:]


def losses(out: Path, name: str) -> list[float]:
    log: list[dict[str, Any]] = json.loads((out / f"{name}-0.json").read_text(encoding="utf-8"))
    return [entry["loss"] for entry in log if "loss" in entry]


@pytest.mark.usefixtures("hosts")
def test_two_hosts_are_one_process_with_the_joined_batch(tiny_folder: Path, tmp_path: Path) -> None:
    train(tiny_folder, tmp_path, "plain", 0)
    spec = importlib.util.spec_from_file_location("training_process", _RUN)
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    alone = run.trainer(str(tiny_folder), tmp_path / "alone", 8)
    alone.train()
    expected = [entry["loss"] for entry in alone.state.log_history if "loss" in entry]
    assert losses(tmp_path, "plain") == pytest.approx(expected, abs=1e-5)


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("dead", [0, 1])
def test_a_host_that_dies_ends_the_run_and_both_go_on(
    dead: int, tiny_folder: Path, tmp_path: Path
) -> None:
    train(tiny_folder, tmp_path, "whole", 0)
    begun = begin(tiny_folder, tmp_path)
    die(_NAMES[dead])
    told = begun[1 - dead].communicate(timeout=_SECONDS)[1]
    begun[dead].communicate(timeout=_SECONDS)
    assert_one_line(told)
    train(tiny_folder, tmp_path, "cut", 0, "again")
    assert losses(tmp_path, "cut") == losses(tmp_path, "whole")
    for rank in range(2):
        whole, gone_on = (
            load_file(tmp_path / f"{name}-{rank}.safetensors") for name in ("whole", "cut")
        )
        for name, value in whole.items():
            assert torch.equal(value, gone_on[name]), name


@pytest.mark.usefixtures("hosts")
def test_hosts_whose_network_is_gone_each_end_with_one_line(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """torchrun itself may wait longer, so only what the training says is awaited."""
    begun = begin(tiny_folder, tmp_path)
    ip("-n", _NAMES[1], "link", "set", _DEVICES[1], "down")
    for each in begun:
        assert each.stderr is not None
        told = ""
        while "sentune: " not in told:
            line = each.stderr.readline()
            assert line, told
            told += line
        assert_one_line(told)
    for name, each in zip(_NAMES, begun, strict=True):
        die(name)
        each.communicate(timeout=_SECONDS)


def begin(folder: Path, out: Path) -> list[subprocess.Popen[str]]:
    """Two hosts that have done some steps and are at work."""
    begun = [start(rank, folder, out, "cut", 0.5) for rank in range(2)]
    step, until = out / "cut.step", time.monotonic() + _SECONDS
    while not (step.exists() and step.read_text() in ("3", "4")):
        assert time.monotonic() < until
        time.sleep(0.05)
    return begun


def assert_one_line(told: str) -> None:
    lines = [line for line in told.splitlines() if line.startswith("sentune: ")]
    assert len(lines) == 1, told
    assert "another process of this run was lost after step" in lines[0]
    assert "Traceback" not in told.partition("sentune: ")[0]
