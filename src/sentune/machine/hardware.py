"""Which device to compute on and in which number format, and why.

bfloat16 halves the bytes. Where the hardware multiplies it, matrix products are more than twice as
fast; elsewhere it is emulated, and slower than float32. So the format follows the hardware: on x86
AMX or the AVX-512 dot product, on Arm the bf16 instructions, on a GPU compute capability 8 and up.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.checks import require_choice
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    import torch

__all__ = [
    "COMPUTE_DTYPES",
    "Compute",
    "choose_compute",
    "choose_device",
    "int8_is_exact",
    "may_have_gpu",
    "processor_bfloat16_unit",
    "processor_features",
]

COMPUTE_DTYPES = ("auto", "float32", "bfloat16", "int8")

_MATRIX_FEATURES = {
    "amx_bf16": "AMX matrix units",
    "avx512_bf16": "AVX-512 bf16 dot products",
    "bf16": "Arm bf16 matrix instructions",
}
_SHOWN_FEATURES = ("avx2", "avx512f", "avx512_vnni", "amx_int8", "asimd", *_MATRIX_FEATURES)


@dataclass(frozen=True, slots=True)
class Compute:
    """Where and in which number format the encoder computes.

    Attributes:
        device: of the weights.
        dtype: of the activations.
        reason: for the format, in words.
        eight_bit: whether the linear layers multiply 8-bit integers.
    """

    device: torch.device
    dtype: torch.dtype
    reason: str
    eight_bit: bool = False

    @property
    def dtype_name(self) -> str:
        """``"float32"``, ``"bfloat16"`` or ``"int8"``."""
        return "int8" if self.eight_bit else str(self.dtype).removeprefix("torch.")


@cache
def processor_features() -> tuple[str, ...]:
    """The processor's instruction sets that matter here, by Linux's names; () on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    lines = (line for line in text.splitlines() if line.startswith(("flags", "Features")))
    present = set(next(lines, "").split())
    return tuple(name for name in _SHOWN_FEATURES if name in present)


def processor_bfloat16_unit() -> str | None:
    """What multiplies bfloat16 in this processor; None where that is emulated."""
    present = processor_features()
    return next((text for name, text in _MATRIX_FEATURES.items() if name in present), None)


def may_have_gpu() -> bool:
    """Whether PyTorch may find a GPU here; known without PyTorch, and True in doubt."""
    if sys.platform != "linux" or Path("/dev/kfd").exists():  # Apple's, and AMD's
        return True
    try:
        ctypes.CDLL("libcuda.so.1")  # NVIDIA's driver
    except OSError:
        return False
    return True


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """The given device; when None CUDA, else Apple's GPU, else the processor.

    Raises:
        ArgumentError: the name is no device, or this machine does not have it.
    """
    import torch

    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
        reason = "it has shapes, no numbers" if chosen.type == "meta" else None
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
    if reason is not None:
        raise ArgumentError(
            f"device {str(device)!r} cannot be used ({reason})",
            expected="a device of this machine such as 'cpu' or 'cuda'",
            fix="leave the device out to have it chosen",
        )
    return chosen


def choose_compute(
    compute_dtype: str = "auto", device: str | torch.device | None = None
) -> Compute:
    """Choose a number format and a device. Changes nothing.

    Args:
        compute_dtype: ``"auto"``, ``"float32"``, ``"bfloat16"``, or ``"int8"`` for linear layers
            of 8-bit integers and the rest as for ``"auto"``.
        device: as in :func:`choose_device`.

    Raises:
        ArgumentError: an unknown format or device, or ``"int8"`` where sums of 8-bit products are
            not exact.
    """
    import torch

    require_choice("compute_dtype", compute_dtype, COMPUTE_DTYPES)
    chosen = choose_device(device)
    if compute_dtype == "int8":
        _require_exact_int8(chosen)
        return Compute(chosen, choose_compute("auto", chosen).dtype, "asked for", eight_bit=True)
    if compute_dtype != "auto":
        return Compute(chosen, getattr(torch, compute_dtype), "asked for")
    matrix_unit = _bfloat16_unit(chosen)
    if matrix_unit is None:
        return Compute(chosen, torch.float32, "no hardware for bfloat16 products was found")
    return Compute(chosen, torch.bfloat16, f"this machine has {matrix_unit}")


def _require_exact_int8(device: torch.device) -> None:
    if device.type == "cpu" and int8_is_exact():
        return
    raise ArgumentError(
        f"compute_dtype 'int8' on {device}",
        expected="a processor that multiplies 8-bit integers exactly (VNNI, AMX)",
        fix="leave compute_dtype out to have it chosen",
    )


@cache
def int8_is_exact() -> bool:
    """Whether this processor and PyTorch give exact sums of products of 8-bit integers.

    Without the instructions, pairs of products may be added in 16 bits and overflow. So extreme
    values are multiplied and compared.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    x, weight = (torch.randint(-127, 128, size, generator=draw) for size in ((19, 64), (64, 32)))
    x[0], x[1], weight[:, 0] = 127, -127, 127
    try:
        sums = torch._int_mm(x.to(torch.int8), weight.to(torch.int8))
    except (AttributeError, RuntimeError):
        return False
    return torch.equal(sums.long(), x @ weight)


def _bfloat16_unit(device: torch.device) -> str | None:
    import torch

    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return "GPU tensor cores for bfloat16" if major >= 8 else None
    return processor_bfloat16_unit() if device.type == "cpu" else None
