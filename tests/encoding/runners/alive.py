"""Whether a process is alive, and waiting until something holds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sentune.encoding.runners.pool import Pool

PATIENCE = 60  # seconds, on a machine that does other things as well


def processes(pool: Pool) -> list[int]:
    found = [worker._process for worker in pool._workers]
    return [process.pid for process in found if process is not None]


def is_alive(process: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):  # it may end in between
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2][:3]
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
