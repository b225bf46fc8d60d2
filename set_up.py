"""Make a virtual environment with a build of PyTorch that suits the machine.

    python3 set_up.py .venv --editable '.[dev]'

On Linux, PyPI has only the build of PyTorch for NVIDIA cards: 6 GB with its packages, where the
build for processors needs 2.5. If there is no card, this script takes the build for processors
from PyTorch's own index. If that index does not answer, or does not have the version, pip takes
what it finds, and the script says so first. Everything after the folder is for pip.

It runs with any Python from 3.11, before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import urllib.error
import urllib.request
import venv
from collections.abc import Sequence
from pathlib import Path

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
_CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_PINNED = re.compile(r"^torch==([\w.]+)", re.MULTILINE)
_WHEEL = r"torch-{version}(?:%2B|\+)cpu-(?:cp{python}|py3)-[\w.]+-[\w.]*{machine}[\w.]*\.whl"
_WAIT = 10  # seconds


def has_gpu(root: Path = Path("/")) -> bool:
    """Whether an NVIDIA card has its driver: without it, the larger build is of no use."""
    devices = root / "dev"
    return (root / "proc/driver/nvidia/version").exists() or any(devices.glob("nvidia[0-9]*"))


def pinned_torch(constraints: str) -> str | None:
    """The version of torch in a file of constraints."""
    found = _PINNED.search(constraints)
    return found[1] if found else None


def has_processor_build(index: str, version: str) -> bool:
    """Whether an index answers and has the build for this processor and Python."""
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/torch/", timeout=_WAIT) as answer:
            page = answer.read().decode("utf-8", "replace")
    except (OSError, ValueError, urllib.error.URLError):
        return False
    wheel = _WHEEL.format(
        version=re.escape(version),
        python="".join(map(str, sys.version_info[:2])),
        machine=re.escape(platform.machine()),
    )
    return re.search(wheel, page) is not None


def choice(
    version: str | None, index: str, *, system: str, gpu: bool
) -> tuple[list[str] | None, str]:
    """What pip is told to install first, and what a person is told; None for nothing."""
    if version is None or system != "Linux":
        return None, "PyTorch as pip finds it; about 2.5 GB in all"
    if gpu:
        return None, "PyTorch with CUDA for the NVIDIA card; about 6 GB in all"
    if has_processor_build(index, version):
        first = ["--no-deps", "--index-url", index, f"torch=={version}+cpu"]
        return first, f"no NVIDIA card: PyTorch for processors from {index}; about 2.5 GB in all"
    return None, (
        f"no NVIDIA card, but {index} does not answer or lacks torch {version}: pip takes the "
        "build that it finds, which may be the one with CUDA; up to 6 GB in all"
    )


def pip(python: Path, arguments: Sequence[str]) -> None:
    """Run pip; on a terminal it shows how far it is."""
    shown = [] if sys.stdout.isatty() else ["--quiet"]
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", *shown]
    subprocess.run([*command, *arguments], check=True)


def main() -> int:
    """Make the environment; pip's exit code if it fails."""
    parser = argparse.ArgumentParser(prog="set_up.py", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--torch-index", default=TORCH_INDEX)
    parser.add_argument("--constraint", type=Path, default=_CONSTRAINTS)
    given, wanted = parser.parse_known_args()
    python = given.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(given.folder, with_pip=True)
    pinned = pinned_torch(given.constraint.read_text(encoding="utf-8"))
    first, told = choice(pinned, given.torch_index, system=platform.system(), gpu=has_gpu())
    print(f"{given.folder}: {told}; some minutes", flush=True)
    try:
        if first is not None:
            print("1 of 2: PyTorch", flush=True)
            pip(python, first)
            print("2 of 2: everything else", flush=True)
        pip(python, ["--constraint", str(given.constraint), *wanted])
    except subprocess.CalledProcessError as failed:
        print(f"set_up.py: pip ended with {failed.returncode}: see above", file=sys.stderr)
        return failed.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
