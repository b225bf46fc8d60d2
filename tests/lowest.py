"""The lowest versions that ``pyproject.toml`` allows, as constraints for pip.

``make test-lowest`` installs them. What only the tests use stays at the versions of
``constraints.txt``, or pip would search among all there are; so does torch, of which there is no
other CPU build here.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def lowest() -> dict[str, str]:
    """Name → version: the lowest of what ``sentune[all]`` asks for, and those of the tests."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = re.findall(r"\w+", extras["all"][0])[1:]  # "sentune[train,evaluate,…]"
    asked = [*project["dependencies"], *(line for extra in used for line in extras[extra])]
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+).*", line) for line in asked]
    floors = {match[1]: match[2] for match in found if match}
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", _pins(), re.MULTILINE))
    of_tests = {re.split(r"[^\w-]", line)[0].lower() for line in extras["dev"]}
    kept = {name: pin for name, pin in pinned.items() if name.lower().replace("_", "-") in of_tests}
    return kept | floors | {"torch": pinned["torch"]}


def _pins() -> str:
    return (_ROOT / "constraints.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for name, version in sorted(lowest().items()):
        print(f"{name}=={version}")
