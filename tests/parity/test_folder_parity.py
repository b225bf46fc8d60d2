"""Folders with one thing changed: the reference's vectors, or an error or a note that says why.

All of them in ``make test-long``, a fixed sample otherwise.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.long import LONG
from tests.parity.folders.added_tokens import ADDED_TOKENS
from tests.parity.folders.bases import make_base
from tests.parity.folders.change import Change
from tests.parity.folders.layout import LAYOUT
from tests.parity.folders.odd import ODD
from tests.parity.folders.outcome import outcome
from tests.parity.folders.tokenizers import TOKENIZERS
from tests.parity.folders.weights import WEIGHTS

MakeFolder = Callable[..., Path]

FOLDERS = [
    (base, change)
    for change in (*TOKENIZERS, *ADDED_TOKENS, *LAYOUT, *ODD, *WEIGHTS)
    for base in change.bases
]
SAMPLE = FOLDERS if LONG else FOLDERS[::23]


@pytest.fixture(scope="module")
def bases(
    make_folder: MakeFolder,
    make_architecture: MakeFolder,
    vocabulary: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Path]:
    """The unchanged folder of an architecture, made when it is first asked for."""
    made: dict[str, Path] = {}
    root = tmp_path_factory.mktemp("bases")

    def _base(name: str) -> Path:
        if name not in made:
            words = len(vocabulary)
            made[name] = make_base(name, root / name, make_folder, make_architecture, words)
        return made[name]

    return _base


@pytest.mark.parametrize(
    ("base", "change"), SAMPLE, ids=[f"{base}, {change.name}" for base, change in SAMPLE]
)
def test_a_changed_folder(
    base: str, change: Change, bases: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bases(base), tmp_path / "folder"))
    change.apply(folder)
    kind, why = outcome(folder)
    assert kind != "DIFFERENT", why
