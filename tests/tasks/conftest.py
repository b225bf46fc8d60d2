"""What the tests of tasks share: real texts with labels."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from sentune.data import python_docs

Labelled = tuple[list[str], list[str]]


@pytest.fixture(scope="session")
def labelled() -> Labelled:
    """Summaries of docstrings, 20 for each of four parts of the standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    texts, labels = [], []
    for label in ("asyncio", "email", "logging", "xml"):
        found = list(python_docs(library / label).pairs.questions.values())[:20]
        texts += found
        labels += [label] * len(found)
    return texts, labels
