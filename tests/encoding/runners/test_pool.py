"""Several processes give the vectors of one, whatever becomes of them, and leave nothing behind."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.encoding.runners.alive import processes, wait_until

from sentune.encoding.encode import EncodeSettings
from sentune.encoding.runners.pool import Pool
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.tokens.truncation import count_truncation


@pytest.fixture(scope="module")
def pool(tiny: SentenceTransformer) -> Iterator[Pool]:
    with tiny.start_multi_process_pool(["cpu", "cpu"]) as started:
        yield started


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


# ── the same vectors ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunk_size": 1},
        {"chunk_size": 7, "batch_size": 3},
        {"prompt": "find the "},
        {"truncate_dim": 9, "normalize_embeddings": True},
        {"precision": "int8"},
        {"precision": "ubinary"},
        {"long_text": "chunk"},
        {"convert_to_tensor": True},
    ],
    ids=str,
)
def test_vectors(
    options: dict[str, Any], pool: Pool, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    texts = [*real_texts[:6], *real_texts[50:80]]
    here = {name: value for name, value in options.items() if name != "chunk_size"}
    with count_truncation() as expected_counts:
        expected = tiny.encode(texts, **here)
    with count_truncation() as counts:
        found = tiny.encode(texts, pool=pool, **options)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    if options.get("precision") == "int8":
        assert np.abs(found.astype(int) - expected).max() <= 1  # at the border of a bucket
    else:
        close(found, expected)
    assert counts == expected_counts
    assert counts.truncated + counts.windowed > 0


def test_shapes(pool: Pool, tiny: SentenceTransformer) -> None:
    assert tiny.encode([], pool=pool).shape == (0, 32)
    assert tiny.encode("one", pool=pool).shape == (32,)
    assert tiny.encode((text for text in ["one", "two"]), pool=pool).shape == (2, 32)
    ours = tiny.encode(["one", "", "two words"], pool=pool, output_value="token_embeddings")
    theirs = tiny.encode(["one", "", "two words"], output_value="token_embeddings")
    assert [rows.shape for rows in ours] == [rows.shape for rows in theirs]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    assert tiny.encode([], pool=pool, output_value="token_embeddings") == []


def test_several_threads_share_a_pool(
    pool: Pool, tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    shares = [real_texts[start : start + 20] for start in range(0, 160, 20)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda share: tiny.encode(share, pool=pool, chunk_size=3), shares))
    for vectors, share in zip(found, shares, strict=True):
        close(vectors, tiny.encode(share))


def test_texts_are_taken_as_workers_get_free(pool: Pool) -> None:
    taken = 0

    def chunks() -> Iterator[list[str]]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield [f"text {number}"]

    blocks = pool.blocks(chunks(), EncodeSettings(), lambda _: None)
    for number, _ in enumerate(blocks, start=1):
        assert taken <= number + 2 * len(pool)
    assert taken == 40


def test_an_error_of_the_callers_generator_is_its_own(
    pool: Pool, tiny: SentenceTransformer
) -> None:
    def texts() -> Iterator[str]:
        yield from ["one", "two", "three"]
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        tiny.encode(texts(), pool=pool, chunk_size=1)
    close(tiny.encode(["one"], pool=pool), tiny.encode(["one"]))


def test_errors_are_those_of_one_process(pool: Pool, tiny: SentenceTransformer) -> None:
    def message(**options: Any) -> str:
        with pytest.raises(ArgumentError) as caught:
            tiny.encode(["a"], long_text="chunk", prompt="the " * 46, **options)
        return str(caught.value)

    assert message(pool=pool) == message()
    close(tiny.encode(["one"], pool=pool), tiny.encode(["one"]))


# ── what cannot be ────────────────────────────────────────────────────────────────────────────


def test_a_pool_of_another_model_is_refused(pool: Pool, tiny_folder: Path) -> None:
    other = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    with pytest.raises(ArgumentError, match="a pool of another model"):
        other.encode(["a"], pool=pool)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": []}, "the list of devices is empty"),
        ({"device": ["cpu", "bogus"]}, "device 'bogus'"),
        ({"chunk_size": 0}, "chunk_size is 0"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be(
    options: dict[str, Any], said: str, tiny: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match=said):
        tiny.encode(["a"], **options)


# ── workers that die ──────────────────────────────────────────────────────────────────────────


def test_a_worker_killed_between_calls_is_replaced(
    pool: Pool, tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    victim = processes(pool)[0]
    os.kill(victim, signal.SIGKILL)
    texts = [f"text number {number}" for number in range(12)]
    close(tiny.encode(texts, pool=pool, chunk_size=1), tiny.encode(texts))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert (
        f"on cpu (process {victim}) was ended by signal 9; another one encodes its 1 text"
        in record.getMessage()
    )
    wait_until(lambda: len(processes(pool)) == 2)
    assert victim not in processes(pool)


def test_workers_killed_at_work_lose_nothing(
    pool: Pool, tiny: SentenceTransformer, real_texts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    texts = real_texts[:400]
    expected = tiny.encode(texts)

    def taken() -> Iterator[str]:
        for number, text in enumerate(texts):
            if number in (100, 250):
                for process in processes(pool)[:1]:
                    os.kill(process, signal.SIGKILL)
            yield text

    found = tiny.encode(taken(), pool=pool, chunk_size=10)
    close(found, expected)
    assert sum("ended by signal 9" in record.getMessage() for record in caplog.records) == 2
