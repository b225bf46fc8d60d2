"""No text is shortened in silence: what the length limit cuts is counted, or logged."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tokenizers

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.tokens.truncation import Truncation, count_truncation

LONG = "the list of words " * 40


def lengths(folder: Path, texts: list[str]) -> list[int]:
    """Tokens of each whole text, by a tokenizer of the test's own."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(tokenizer.encode(text).ids) for text in texts]


def test_counts_equal_full_length_less_the_limit(
    model: SentenceTransformer, base_folder: Path, real_texts: list[str]
) -> None:
    full = lengths(base_folder, real_texts)
    ids, truncation = model.tokenizer(real_texts)
    assert [len(text) for text in ids] == [min(length, 256) for length in full]
    over = [length - 256 for length in full if length > 256]
    assert over
    assert truncation == Truncation(1000, len(over), sum(over))


@pytest.mark.parametrize("limit", [3, 47, 48, 49, 64])
def test_counts_at_the_edge_of_the_limit(limit: int, tiny_folder: Path) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.max_seq_length = limit
    texts = ["the " * count for count in (0, 1, 2, 44, 45, 46, 47, 62, 63, 200)]
    over = [n - limit for n in lengths(tiny_folder, texts) if n > limit]
    with count_truncation() as truncation:
        model.encode(texts)
    assert truncation == Truncation(len(texts), len(over), sum(over))


def test_the_prompt_counts_too(tiny: SentenceTransformer, tiny_folder: Path) -> None:
    text = "the " * 46
    assert lengths(tiny_folder, [text]) == [48]
    with count_truncation() as without:
        tiny.encode(text)
    with count_truncation() as prompted:
        tiny.encode(text, prompt="find ")
    assert without.truncated == 0
    assert prompted.truncated == 1
    assert prompted.tokens_left_out == lengths(tiny_folder, ["find " + text])[0] - 48


def test_blocks_add_up_and_nest(tiny: SentenceTransformer) -> None:
    with count_truncation() as outer:
        tiny.encode(["short", LONG])
        with count_truncation() as inner:
            tiny.encode([LONG, LONG, "short"])
        tiny.encode("short")
    assert (inner.texts, inner.truncated) == (3, 2)
    assert (outer.texts, outer.truncated) == (6, 3)
    assert outer.tokens_left_out * 2 == inner.tokens_left_out * 3
    tiny.encode("short")
    assert outer.texts == 6


def test_an_error_in_the_block_loses_no_count(tiny: SentenceTransformer) -> None:
    def fail() -> None:
        with count_truncation():
            tiny.encode(LONG)
            raise KeyError

    with count_truncation() as outer:
        with pytest.raises(KeyError):
            fail()
        tiny.encode("short")
    assert (outer.texts, outer.truncated) == (2, 1)


def test_every_way_of_encoding_counts(tiny: SentenceTransformer) -> None:
    with count_truncation() as truncation:
        tiny.encode([LONG], output_value="token_embeddings")
        tiny.encode_query(LONG)
        tiny.encode_document([LONG], batch_size=1)
    assert (truncation.texts, truncation.truncated) == (3, 3)


def test_chunks_are_counted_once(
    tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK", 2)
    with count_truncation() as truncation:
        tiny.encode([LONG, "a", LONG, "b", LONG])
    assert (truncation.texts, truncation.truncated) == (5, 3)


def test_threads_do_not_mix(tiny: SentenceTransformer) -> None:
    together = threading.Barrier(4)

    def work(number: int) -> Truncation:
        with count_truncation() as truncation:
            together.wait(30)
            for _ in range(number):
                tiny.encode([LONG, "short"])
            together.wait(30)
        return truncation

    with count_truncation() as outside, ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(work, range(4)))
    assert [(t.texts, t.truncated) for t in counted] == [(0, 0), (2, 1), (4, 2), (6, 3)]
    assert outside.texts == 0


def test_tasks_do_not_mix(tiny: SentenceTransformer) -> None:
    async def work(number: int) -> Truncation:
        with count_truncation() as truncation:
            for _ in range(number):
                await asyncio.sleep(0)
                tiny.encode(LONG)
        return truncation

    async def both() -> list[Truncation]:
        return list(await asyncio.gather(work(1), work(3)))

    assert [t.truncated for t in asyncio.run(both())] == [1, 3]


def test_a_warning_is_logged_when_nobody_counts(
    tiny: SentenceTransformer, tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.encode(["short", LONG])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    left_out = lengths(tiny_folder, [LONG])[0] - 48
    assert record.getMessage() == (f"2 texts, 1 cut at 48 tokens: {left_out} tokens left out")


def test_nothing_is_logged_when_nothing_is_cut_or_a_block_counts(
    tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.encode(["short", "texts"])
    with count_truncation():
        tiny.encode(LONG)
    assert not caplog.records


def test_descriptions() -> None:
    assert Truncation(1500, 0, 0).describe(256) == "1,500 texts, none cut"
    assert Truncation(1500, 1200, 34567).describe(256) == (
        "1,500 texts, 1,200 cut at 256 tokens: 34,567 tokens left out"
    )
    assert Truncation(1, 0, 0).describe(256) == "1 text, none cut"
    assert Truncation(2, 1, 1).describe(256) == "2 texts, 1 cut at 256 tokens: 1 token left out"
    assert Truncation(3, windowed=2).describe(256) == "3 texts, 2 encoded in windows of 256 tokens"
