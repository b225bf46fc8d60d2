"""Busy processes beside a measurement, as other users of a machine are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["busy"]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """``count`` processes that spin, on whichever cores the system puts them."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    print(f"{count} busy neighbours; load before them {os.getloadavg()[0]:.1f}", flush=True)
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
