"""What the tests of the index share: passages of real text, and an index over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.index import Index


@pytest.fixture(scope="session")
def texts(real_texts: list[str]) -> list[str]:
    """120 different real texts of a few words to a paragraph."""
    return [text for text in dict.fromkeys(real_texts) if 20 < len(text) < 400][:120]


@pytest.fixture
def rows(texts: list[str]) -> list[dict[str, Any]]:
    """The texts as passages with two fields."""
    return [
        {"id": f"a{number}", "text": text, "page": number, "part": ["even", "odd"][number % 2]}
        for number, text in enumerate(texts)
    ]


@pytest.fixture
def index(tmp_path: Path, tiny: SentenceTransformer, rows: list[dict[str, Any]]) -> Index:
    """An index of the rows, by the small model."""
    return Index.build(tmp_path / "index", tiny, rows)


Counted = Callable[[SentenceTransformer], AbstractContextManager[list[str]]]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """The texts that a model is asked to encode as passages while a block runs."""

    @contextmanager
    def _counted(model: SentenceTransformer) -> Iterator[list[str]]:
        seen: list[str] = []
        encode = model.encode_document

        def spy(inputs: Sequence[str], **options: Any) -> Any:
            seen.extend(inputs)
            return encode(inputs, **options)

        with monkeypatch.context() as patch:
            patch.setattr(model, "encode_document", spy)
            yield seen

    return _counted


@pytest.fixture
def write_jsonl() -> Callable[[Path, Sequence[dict[str, Any]]], Path]:
    """Write a file of passages."""

    def _write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return _write
