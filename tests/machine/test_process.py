"""What is set for the whole process, and that other systems are left alone."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.machine.hardware import Compute
from sentune.machine.process import _has_glibc, reuse_freed_memory


def test_freed_memory_is_reused() -> None:
    """In a process of its own: the setting cannot be taken back."""
    code = (
        "from sentune.machine.process import reuse_freed_memory\n"
        "from sentune.machine import process\n"
        "done = [reuse_freed_memory(size << 20) for size in (64, 32, 128)]\n"
        "assert process._kept == [128 << 20 if done[2] else 0]\n"
        "done += [reuse_freed_memory(), reuse_freed_memory(1)]\n"
        "assert len(set(done)) == 1\n"
        "assert process._kept == [2**31 - 1 if done[0] else 0]\n"
        "print(done[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() in ("True", "False")


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: Any) -> None:
        raise AssertionError("no C library may be called")

    monkeypatch.setattr("ctypes.CDLL", touched)
    monkeypatch.setattr("sentune.machine.process._has_glibc", _has_glibc.__wrapped__)
    monkeypatch.setattr("sentune.machine.process._kept", [0])
    monkeypatch.setattr("platform.libc_ver", lambda: ("musl", "1"))
    assert reuse_freed_memory() is False
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.35"))
    monkeypatch.setattr("sys.platform", "darwin")
    assert reuse_freed_memory() is False


def test_cudnn_attention_is_disabled_for_a_model_on_cuda(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: list[bool] = []
    monkeypatch.setattr(torch.backends.cuda, "enable_cudnn_sdp", settings.append)
    monkeypatch.setattr(tiny, "to", lambda _: None)
    before = tiny.compute
    for device in ("cpu", "cuda"):
        tiny.compute_as(Compute(torch.device(device), torch.float32, "asked for"))
        assert settings == [False] * (device == "cuda")
    monkeypatch.undo()
    tiny.compute_as(before)
