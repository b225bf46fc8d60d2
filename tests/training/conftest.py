"""What the tests of training share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="session", autouse=True)
def _quick_collections() -> None:
    """The loop collects garbage in every run, which would look at all of torch each time."""
    gc.collect()
    gc.freeze()
