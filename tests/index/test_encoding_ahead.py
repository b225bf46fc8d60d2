"""An index whose texts are encoded elsewhere, some chunks ahead, is the one that is built here."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.cli.interrupted_index import IndexState
from sentune.encoding.encode import Block, EncodeSettings, encode_chunk
from sentune.errors import ArgumentError
from sentune.index import Index
from sentune.index.rows.arrow_rows import TEXT_DIGEST
from sentune.progress import Advance
from sentune.ranking.pieces import cut_texts
from sentune.tokens.truncation import count_truncation


class Ahead:
    """A runner that takes some chunks before it gives the first block."""

    def __init__(self, model: SentenceTransformer, ahead: int) -> None:
        self.model, self.ahead = model, ahead
        self.encoded: list[str] = []
        self.fail_after: int | None = None
        self.error: BaseException = ConnectionError("gone")

    def chunk_size(self, count: int | None, asked: int | None) -> int | None:
        return asked

    def blocks(
        self, chunks: Iterable[Sequence[str]], settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        taken: deque[Sequence[str]] = deque()
        for chunk in chunks:
            taken.append(chunk)
            if len(taken) > self.ahead:
                yield self._block(taken.popleft(), settings)
        while taken:
            yield self._block(taken.popleft(), settings)

    def _block(self, chunk: Sequence[str], settings: EncodeSettings) -> Block:
        if self.fail_after is not None and len(self.encoded) > self.fail_after:
            raise self.error
        self.encoded.extend(chunk)
        return encode_chunk(self.model, chunk, settings, lambda _: None)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.index.writer._CHUNK", 12)
    monkeypatch.setattr("sentune.index.writer._SHOWN", 5)


def rows(texts: Sequence[str]) -> list[dict[str, str]]:
    return [{"id": f"p{number}", "text": text} for number, text in enumerate(texts)]


def content(index: Index) -> dict[str, tuple[str, bytes]]:
    """Id → text and the bytes of its vectors."""
    found = {}
    for batch in index._version.table.batches(1000):
        for row in batch.to_pylist():
            known = index._version.vectors_of_texts([row[TEXT_DIGEST]])
            found[row["id"]] = (row["text"], known[row[TEXT_DIGEST]].vectors.tobytes())
    return found


@pytest.fixture
def texts(real_texts: list[str]) -> list[str]:
    """40 texts, and some of them again: of chunks that are written, under way, and of the last."""
    kept = [text for text in dict.fromkeys(real_texts) if text.strip()][:40]
    return [*kept, kept[3], kept[30], kept[39], "one more"]


@pytest.mark.parametrize("long_text", ["pieces", "truncate"])
@pytest.mark.parametrize("ahead", [0, 3, 100])
def test_the_rows_are_those_of_one_process(
    ahead: int, long_text: Any, tiny: SentenceTransformer, texts: list[str], tmp_path: Path
) -> None:
    with count_truncation() as cut_here:
        here = Index.build(tmp_path / "here", tiny, rows(texts), long_text=long_text)
    runner = Ahead(tiny, ahead)
    with count_truncation() as cut_there:
        there = Index.build(tmp_path / "there", tiny, rows(texts), long_text=long_text, pool=runner)
    assert content(there) == content(here)
    assert cut_there == cut_here
    pieces = cut_texts(list(dict.fromkeys(texts)), tiny, long_text)
    assert runner.encoded == pieces.texts  # once each, in order


def test_a_build_that_was_stopped_goes_on_with_the_same_rows(
    tiny: SentenceTransformer, texts: list[str], tmp_path: Path
) -> None:
    here = Index.build(tmp_path / "here", tiny, rows(texts))
    runner = Ahead(tiny, 3)
    runner.fail_after = 60
    with pytest.raises(ConnectionError):
        Index.build(tmp_path / "there", tiny, rows(texts), pool=runner)
    before = len(runner.encoded)
    runner.fail_after = None
    there = Index.build(tmp_path / "there", tiny, rows(texts), pool=runner)
    assert content(there) == content(here)
    whole = len(cut_texts(list(dict.fromkeys(texts)), tiny).texts)
    assert before < len(runner.encoded) < before + whole  # what was committed is not done again


@pytest.mark.parametrize("ahead", [0, 3, 100])
def test_an_interrupt_keeps_what_has_come(
    ahead: int,
    tiny: SentenceTransformer,
    texts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chunks of 12 passages, groups of 6: Ctrl-C in a chunk leaves its whole groups."""
    monkeypatch.setattr("sentune.index.writer._SHOWN", 6)
    here = Index.build(tmp_path / "here", tiny, rows(texts), long_text="truncate")
    runner = Ahead(tiny, ahead)
    runner.fail_after, runner.error = 17, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Index.build(tmp_path / "t", tiny, rows(texts), long_text="truncate", pool=runner)
    assert runner.encoded == list(dict.fromkeys(texts))[:18]
    # A passage of a later chunk that has one of these texts is kept, too.
    assert IndexState.read(str(tmp_path / "t")).begun in (18, 19)
    runner.fail_after = None
    there = Index.build(tmp_path / "t", tiny, rows(texts), long_text="truncate", pool=runner)
    assert content(there) == content(here)
    assert len(runner.encoded) == len(set(texts))  # nothing twice


@pytest.mark.parametrize("given", ["late", "compare"])
def test_what_a_pool_does_not_compute_is_refused(
    given: str, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    options: dict[str, Any] = {given: tiny if given == "compare" else True}
    with pytest.raises(ArgumentError, match=f"{given} and a pool: expected one of the two"):
        Index.build(tmp_path / "index", tiny, rows(["a"]), pool=Ahead(tiny, 0), **options)
    assert not list(tmp_path.iterdir())
