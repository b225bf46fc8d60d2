"""The machine on which a run was, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from sentune.wording import counted

__all__ = ["machine"]


def machine() -> str:
    """Processor, number of cores, memory and system; nothing that names its owner."""
    parts = [_processor(), counted(os.cpu_count() or 1, "core")]
    if memory := _memory():
        parts.append(f"{memory / 2**30:.0f} GB of memory")
    return ", ".join([*parts, platform.system()])


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return next(filter(None, [*names, platform.processor(), platform.machine()]), "unknown")


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return None
