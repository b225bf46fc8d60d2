"""A hub on loopback in place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.model_folder.hub_stub import Hub, hub_for_tests


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that this process reaches, with a token for it."""
    with hub_for_tests(monkeypatch, tmp_path) as running:
        yield running
