"""The number format follows the hardware, and a device that is not there is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sentune.errors import ArgumentError
from sentune.machine import hardware
from sentune.machine.hardware import (
    COMPUTE_DTYPES,
    choose_compute,
    choose_device,
    processor_features,
)

INTEL = "processor : 0\nflags\t\t: fpu avx2 avx512f amx_bf16 amx_int8 avx512_bf16\nflags : none\n"
ARM = "processor : 0\nFeatures\t: fp asimd bf16 i8mm\n"
OLD = "processor : 0\nflags\t\t: fpu sse2 avx2 bf16x\n"


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the processor look like another."""

    def _set(content: str | None) -> tuple[str, ...]:
        def read_text(path: Path, *_: Any, **__: Any) -> str:
            assert str(path) == "/proc/cpuinfo"
            if content is None:
                raise FileNotFoundError(path)
            return content

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", read_text)
            found = processor_features.__wrapped__()
        monkeypatch.setattr(hardware, "processor_features", lambda: found)
        return found

    return _set


@pytest.mark.parametrize(
    ("content", "features", "dtype", "reason"),
    [
        (
            *(INTEL, ("avx2", "avx512f", "amx_int8", "amx_bf16", "avx512_bf16")),
            *(torch.bfloat16, "this machine has AMX matrix units"),
        ),
        (ARM, ("asimd", "bf16"), torch.bfloat16, "this machine has Arm bf16 matrix instructions"),
        (OLD, ("avx2",), torch.float32, "no hardware for bfloat16 products was found"),
        ("", (), torch.float32, "no hardware for bfloat16 products was found"),
        (None, (), torch.float32, "no hardware for bfloat16 products was found"),
    ],
    ids=["intel", "arm", "old", "empty", "not Linux"],
)
def test_the_format_follows_the_processor(
    content: str | None,
    features: tuple[str, ...],
    dtype: torch.dtype,
    reason: str,
    processor: Any,
) -> None:
    assert processor(content) == features
    compute = choose_compute("auto", "cpu")
    assert (compute.dtype, compute.reason) == (dtype, reason)
    assert compute.device == torch.device("cpu")
    assert compute.dtype_name in COMPUTE_DTYPES


@pytest.mark.parametrize(
    ("platform", "amd", "nvidia", "found"),
    [
        ("linux", False, False, False),
        ("linux", True, False, True),
        ("linux", False, True, True),
        ("darwin", False, False, True),
    ],
)
def test_a_gpu_that_pytorch_may_find(
    platform: str, amd: bool, nvidia: bool, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        assert name == "libcuda.so.1"
        if not nvidia:
            raise OSError

    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "exists", lambda path: amd and str(path) == "/dev/kfd")
    monkeypatch.setattr("ctypes.CDLL", load)
    assert hardware.may_have_gpu() == found


def test_no_gpu_is_overlooked() -> None:
    assert hardware.may_have_gpu() or choose_device().type == "cpu"


def test_this_machines_features_are_known_ones() -> None:
    assert set(processor_features()) <= set(hardware._SHOWN_FEATURES)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_format_that_is_asked_for_is_taken(name: str, processor: Any) -> None:
    for content in (INTEL, OLD):
        processor(content)
        compute = choose_compute(name, "cpu")
        assert compute.dtype_name == name
        assert compute.reason == "asked for"


@pytest.mark.parametrize(("major", "dtype"), [(7, torch.float32), (8, torch.bfloat16)])
def test_the_format_follows_the_gpu(
    major: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "choose_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (major, 0))
    assert choose_compute("auto").dtype == dtype


def test_other_devices_compute_in_float32(monkeypatch: pytest.MonkeyPatch, processor: Any) -> None:
    processor(INTEL)
    monkeypatch.setattr(hardware, "choose_device", lambda _: torch.device("mps"))
    assert choose_compute("auto").dtype == torch.float32


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_device_that_is_chosen(
    cuda: bool, mps: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device().type == chosen


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "cpu:0"])
def test_a_device_that_is_asked_for_is_taken(device: Any) -> None:
    assert choose_device(device).type == "cpu"


@pytest.mark.parametrize("device", ["bogus", "", "cuda:99", "meta", 3.5, ["cpu"], "xpu:7"])
def test_a_device_that_is_not_there(device: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        choose_device(device)
    message = str(caught.value)
    assert f"device {str(device)!r} cannot be used (" in message
    assert "\n" not in message


def test_an_error_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(torch, "empty", fail)
    with pytest.raises(ArgumentError, match="AssertionError"):
        choose_device("cpu")


@pytest.mark.parametrize("name", ["float16", "", "Float32", None, torch.float32])
def test_an_unknown_format(name: Any) -> None:
    with pytest.raises(ArgumentError, match="one of auto, float32, bfloat16"):
        choose_compute(name)
