"""The layout that CONTRIBUTING.md draws, where the import contract does not see it."""

from __future__ import annotations

from pathlib import Path

_SOURCE = Path(__file__).parents[1] / "src" / "sentune"
_MOST = 20
_VERBS = "cli"  # a module for each
_GIVEN = {"__main__.py"}  # Python says what it is called and where it stands


def test_a_room_has_at_most_twenty_modules() -> None:
    folders = [path for path in _SOURCE.rglob("*") if path.is_dir() and list(path.glob("*.py"))]
    assert len(folders) > 30
    full = {
        path.relative_to(_SOURCE).as_posix(): len(
            {each.name for each in path.glob("*.py")} - _GIVEN
        )
        for path in (_SOURCE, *folders)
        if path.name != _VERBS
    }
    assert {name: count for name, count in full.items() if count > _MOST} == {}


def test_every_room_says_what_it_is() -> None:
    for path in _SOURCE.rglob("__init__.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path
