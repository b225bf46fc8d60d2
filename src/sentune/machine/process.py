"""Settings of the whole process: how its memory, threads and kernels behave from now on.

They apply to everything in the process. So only the command line sets them, but for cuDNN's
attention, which a model on CUDA disables.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
from functools import cache

__all__ = ["disable_cudnn_attention", "reuse_freed_memory", "share_processor"]

_ALL = 2**31 - 1
_kept = [0]  # bytes, by the whole process
_memory_lock = threading.Lock()


def share_processor() -> None:
    """Let compute threads sleep after a short wait. Call it before torch is loaded.

    At the end of each parallel region the threads of GNU OpenMP spin for a long time. On a busy
    machine the thread they wait for is not running: a training step took 10 s, not 1.4 s. With
    10,000 spins it took 3.3 s there, and still 1.4 s on a quiet machine. Values that the
    environment has already are kept.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


@cache
def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc" and sys.platform == "linux"


def reuse_freed_memory(most: int = _ALL) -> bool:
    """Have glibc keep freed memory for the next allocation; True where that is possible.

    By default glibc maps every block above 32 MiB anew, and returns free memory at the end of the
    heap to the system: large activations then cost their page faults each time. Measured here: a
    GELU forward and backward over (5600, 1536) went from 34 ms to 10 ms, encoding took 3% less. The
    price: the process keeps that memory until it ends, in training all of it.

    Args:
        most: bytes of free heap kept by the process. Later calls can only raise it. The heaps of
            threads other than the main one keep all.
    """
    if not _has_glibc():
        return False
    with _memory_lock:
        if most <= _kept[0]:
            return True
        trim_threshold, mmap_threshold, top_pad = -1, -3, -2  # the constants of glibc's malloc.h
        mallopt = ctypes.CDLL(None).mallopt
        # Older versions refuse more than 32 MiB for a block.
        blocks = any(mallopt(mmap_threshold, size) for size in (most // 2, 32 << 20))
        if not (blocks and mallopt(trim_threshold, most) and mallopt(top_pad, 64 << 20)):
            return False
        _kept[0] = most
        return True


def disable_cudnn_attention() -> None:
    """Use PyTorch's other fused kernels on CUDA, from now on and in all threads.

    cuDNN's attention makes a plan for each shape, in each thread, and texts have many lengths: on
    an H100 training in bfloat16 made 2.5 steps a second with it and 17 without.
    """
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)
