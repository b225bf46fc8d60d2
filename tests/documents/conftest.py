"""What the tests of documents share: a tokenizer, and one reader's parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.documents.formats import reader_of
from sentune.documents.limits import Limits
from sentune.documents.parts import Block, Part
from sentune.documents.readers.source import Source
from sentune.model_folder.folder import ModelFolder
from sentune.tokens.tokenizer import Tokenizer

Parts = Callable[..., list[Part]]


@pytest.fixture(scope="session")
def tokenizer(base_folder: Path) -> Tokenizer:
    """That of all-MiniLM-L6-v2."""
    return ModelFolder.read(base_folder).tokenizer


@pytest.fixture
def parts() -> Parts:
    """Read a file in this process."""

    def read(
        path: Path, limits: Limits | None = None, notes: list[str] | None = None
    ) -> list[Part]:
        source = Source(path, limits or Limits(), [] if notes is None else notes)
        return list(reader_of(path)(source))

    return read


@pytest.fixture
def shown() -> Callable[[list[Part]], list[str]]:
    """Blocks in short: ``# heading``, ``| row`` under ``|| header``, other texts as they are."""

    def short(found: list[Part]) -> list[str]:
        return [line for part in found for block in part.blocks for line in _short(block)]

    return short


def _short(block: Block) -> list[str]:
    if block.kind == "heading":
        return [f"{'#' * block.level} {block.text}"]
    if block.kind == "row":
        header = [f"|| {block.header}"] if block.first and block.header else []
        return [*header, f"| {block.text}"]
    return [block.text]
