"""What is installed, without importing it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_versions"]

_PACKAGES = {
    "sentune": "sentune",
    "Transformers": "transformers",
    "PyTorch": "torch",
    "Accelerate": "accelerate",
    "Datasets": "datasets",
    "Tokenizers": "tokenizers",
}


def installed_versions() -> dict[str, str]:
    """Label → version of Python and of the packages that are there."""
    found = {"Python": platform.python_version()}
    for label, package in _PACKAGES.items():
        try:
            found[label] = version(package)
        except PackageNotFoundError:
            continue
    return found
