"""Tasks in threads: order, errors, settings of the threads, and the same bits as without."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.encoding.encode import pack_plan
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.machine.threads import compute_apart, threads_for
from sentune.tasks.semantic_search import semantic_search


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.0005, 0.002]), max_size=12), st.integers(1, 4))
def test_results_come_in_the_order_of_the_tasks(waits: list[float], threads: int) -> None:
    taken: list[tuple[int, float]] = []

    def work(task: tuple[int, float]) -> tuple[int, float]:
        time.sleep(task[1])
        return task

    compute_apart(work, enumerate(waits), taken.append, threads)
    assert taken == list(enumerate(waits))


def test_each_thread_computes_alone_and_none_changes_the_others(three_threads: None) -> None:
    both = threading.Barrier(2, timeout=60)
    seen: list[tuple[int, int, bool]] = []

    def work(task: int) -> tuple[int, int, bool]:
        both.wait()  # so that two threads work
        return threading.get_ident(), torch.get_num_threads(), torch.is_inference_mode_enabled()

    with torch.inference_mode():
        compute_apart(work, range(2), seen.append, 2)
    assert len({thread for thread, _, _ in seen}) == 2
    assert [each[1:] for each in seen] == [(1, True)] * 2
    assert torch.get_num_threads() == 3
    later: list[int] = []
    other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert later == [3]


@pytest.mark.parametrize("mine", [True, False])
def test_an_error_of_any_thread_is_raised_and_ends_the_rest(mine: bool) -> None:
    both = threading.Barrier(2, timeout=60)
    caller, begun = threading.get_ident(), []

    def work(task: int) -> int:
        begun.append(task)
        if len(begun) <= 2:
            both.wait()
        if (threading.get_ident() == caller) == mine:
            raise KeyboardInterrupt("stop")
        time.sleep(0.01)
        return task

    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt, match="stop"):
        compute_apart(work, range(1000), lambda _: None, 2)
    assert len(begun) < 1000
    assert torch.get_num_threads() == before


def test_threads_are_those_of_torch_and_one_under_autocast(three_threads: None) -> None:
    assert [threads_for(tasks) for tasks in (0, 1, 2, 3, 9)] == [1, 1, 2, 3, 3]
    with torch.autocast("cpu", torch.bfloat16):
        assert threads_for(9) == 1


def test_vectors_and_tokens_have_the_bits_of_one_thread(
    tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    texts, before = real_texts[:60], torch.get_num_threads()
    found: dict[int, list[Any]] = {}
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        try:
            _, planned = pack_plan(tiny, tiny.tokenizer(texts)[0], None)
            assert planned == threads
            vectors = tiny.encode(texts)
            tokens = tiny.encode(texts, output_value="token_embeddings")
            both, kept = tiny.encode_with_tokens(texts, "", lambda _, rows: rows.sum())
        finally:
            torch.set_num_threads(before)
        found[threads] = [vectors, torch.cat(list(tokens)).numpy(), both, np.array(kept)]
    for threads in (2, 4):
        for ours, alone in zip(found[threads], found[1], strict=True):
            np.testing.assert_array_equal(ours, alone)


def test_one_thread_alone_calls_hooks(
    tiny: SentenceTransformer, real_texts: list[str], three_threads: None
) -> None:
    ids = tiny.tokenizer(real_texts[:60])[0]
    handle = tiny.encoder.layers[0].register_forward_hook(lambda *_: None)
    try:
        assert pack_plan(tiny, ids, None)[1] == 1
    finally:
        handle.remove()
    assert pack_plan(tiny, ids, None)[1] == 3


def test_a_search_in_threads_finds_the_same_also_of_equal_scores(
    monkeypatch: pytest.MonkeyPatch, three_threads: None
) -> None:
    monkeypatch.setattr("sentune.tasks.semantic_search.block_width", lambda height: 64)
    draw = np.random.default_rng(0)
    corpus = draw.integers(-2, 3, (2000, 6)).astype(np.float32)  # most are there several times
    queries = corpus[:40]
    found = [semantic_search(queries, corpus, top_k=7) for _ in range(5)]
    torch.set_num_threads(1)
    alone = semantic_search(queries, corpus, top_k=7)
    assert all(each == alone for each in found)
