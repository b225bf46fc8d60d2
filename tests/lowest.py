"""The lowest versions that ``pyproject.toml`` allows, as constraints for pip.

``make test-lowest`` installs them. torch stays at the version of ``constraints.txt``:
there is no other CPU build here.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def lowest() -> dict[str, str]:
    """Name → version, of what ``sentune[all]`` asks for."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = re.findall(r"\w+", extras["all"][0])[1:]  # "sentune[train,evaluate,…]"
    asked = [*project["dependencies"], *(line for extra in used for line in extras[extra])]
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+).*", line) for line in asked]
    floors = {match[1]: match[2] for match in found if match}
    pinned = (_ROOT / "constraints.txt").read_text(encoding="utf-8")
    torch = re.search(r"^torch==(.+)$", pinned, re.MULTILINE)
    assert torch is not None
    return floors | {"torch": torch[1]}


if __name__ == "__main__":
    for name, version in sorted(lowest().items()):
        print(f"{name}=={version}")
