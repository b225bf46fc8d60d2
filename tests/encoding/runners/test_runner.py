"""A runner of any kind encodes; whoever asks for vectors does not know which it is."""

from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.bulk.run import encode_to_file
from sentune.encoding.encode import Block, EncodeSettings
from sentune.encoding.runners.runner import Here
from sentune.errors import ArgumentError
from sentune.progress import Advance

TEXTS = [f"text {number} " * (number % 7 + 1) for number in range(50)]


class Noting:
    """A runner unlike the two of the package: small chunks, and notes on what it is asked."""

    def __init__(self, model: SentenceTransformer) -> None:
        self.model = model
        self.sizes: list[int] = []
        self.closed = 0

    def chunk_size(self, count: int | None, asked: int | None) -> int:
        return asked or 8

    def blocks(
        self, chunks: Iterable[Sequence[str]], settings: EncodeSettings, advance: Advance
    ) -> Generator[Block]:
        try:
            for chunk in chunks:
                self.sizes.append(len(chunk))
                yield from Here(self.model).blocks([chunk], settings, advance)
        finally:
            self.closed += 1


def test_encode_takes_any_runner(tiny: SentenceTransformer) -> None:
    runner = Noting(tiny)
    vectors = tiny.encode(TEXTS, pool=runner)
    np.testing.assert_allclose(vectors, tiny.encode(TEXTS), atol=1e-6)
    assert runner.sizes == [8] * 6 + [2]
    tiny.encode(TEXTS, pool=runner, chunk_size=25)
    assert runner.sizes[7:] == [25, 25]


def test_a_file_of_vectors_takes_any_runner(tiny: SentenceTransformer, tmp_path: Path) -> None:
    runner = Noting(tiny)
    encode_to_file(tiny, TEXTS, tmp_path / "v.npy", pool=runner)
    assert (runner.sizes, runner.closed) == ([len(TEXTS)], 1)
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), tiny.encode(TEXTS), atol=1e-6)


def test_a_runner_is_closed_when_no_more_blocks_are_asked_for(tiny: SentenceTransformer) -> None:
    runner = Noting(tiny)
    blocks = tiny.encode_blocks([TEXTS[:5], TEXTS[5:]], tiny.encode_settings(), pool=runner)
    assert len(list(islice(blocks, 1))) == 1
    assert not runner.closed
    blocks.close()
    assert (runner.closed, runner.sizes) == (1, [5])


def test_a_runner_of_another_model_is_refused(
    tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path
) -> None:
    runner = Noting(SentenceTransformer(tiny_folder))
    with pytest.raises(ArgumentError, match="a pool of another model"):
        tiny.encode(TEXTS, pool=runner)
    with pytest.raises(ArgumentError, match="a pool of another model"):
        encode_to_file(tiny, TEXTS, tmp_path / "v.npy", pool=runner)
    assert not list(tmp_path.iterdir())
