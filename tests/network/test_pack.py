"""Packs hold every token exactly once."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.network.pack import pack, plan_packs, share_packs

Texts = list[list[int]]

texts = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=12), min_size=1, max_size=20)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(texts)
def test_a_pack_holds_every_token_once_in_its_place(batch: Texts) -> None:
    packed = pack(batch)
    order = np.argsort(packed.index_in_pack.numpy())
    assert packed.token_ids.tolist() == [token for i in order for token in batch[i]]
    assert packed.positions.tolist() == [p for i in order for p in range(len(batch[i]))]
    assert sorted(packed.index_in_pack.tolist()) == list(range(len(batch)))
    assert packed.token_ids.dtype == packed.positions.dtype == torch.int64


@quick
@given(texts)
def test_runs_cover_the_pack_longest_first(batch: Texts) -> None:
    packed = pack(batch)
    assert sum(run.tokens for run in packed.runs) == len(packed.token_ids)
    assert sum(run.texts for run in packed.runs) == len(batch)
    lengths = [run.length for run in packed.runs]
    assert lengths == sorted(set(lengths), reverse=True)
    assert [n for run in packed.runs for n in [run.length] * run.texts] == sorted(
        (len(text) for text in batch), reverse=True
    )


@quick
@given(texts)
def test_split_and_restore_give_back_the_order(batch: Texts) -> None:
    packed = pack(batch)
    assert [piece.tolist() for piece in packed.split(packed.token_ids)] == batch
    first_tokens = torch.cat([block[:, 0] for block in packed.blocks(packed.token_ids)])
    assert packed.restore(first_tokens).tolist() == [text[0] for text in batch]


@quick
@given(texts)
def test_blocks_are_views_of_the_pack(batch: Texts) -> None:
    packed = pack(batch)
    rows = torch.randn(len(packed.token_ids), 3)
    blocks = packed.blocks(rows)
    assert [block.shape for block in blocks] == [(r.texts, r.length, 3) for r in packed.runs]
    assert torch.equal(torch.cat([block.flatten(0, 1) for block in blocks]), rows)
    storage = rows.untyped_storage().data_ptr()
    assert {block.untyped_storage().data_ptr() for block in blocks} == {storage}


@quick
@given(
    st.lists(st.integers(1, 50), max_size=60), st.integers(1, 120), st.none() | st.integers(1, 9)
)
def test_plans_take_every_text_once_within_the_limits(
    lengths: list[int], budget: int, max_texts: int | None
) -> None:
    packs = plan_packs(lengths, budget, max_texts)
    assert sorted(index for group in packs for index in group) == list(range(len(lengths)))
    for number, group in enumerate(packs):
        taken = [lengths[index] for index in group]
        left = [lengths[index] for later in packs[number + 1 :] for index in later]
        assert taken
        assert taken == sorted(taken, reverse=True)
        assert sum(taken) <= budget or len(taken) == 1
        assert max_texts is None or len(taken) <= max_texts
        if left:  # the longest come first, and no pack is closed while anything fits
            assert taken[0] >= max(left)
            full = max_texts is not None and len(taken) == max_texts
            assert full or sum(taken) + min(left) > budget


@quick
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=60),
    st.integers(1, 9),
    st.none() | st.integers(1, 9),
)
def test_shared_packs_take_every_text_once_and_are_of_nearly_one_size(
    lengths: list[int], count: int, max_texts: int | None
) -> None:
    packs = share_packs(lengths, count, max_texts)
    assert sorted(index for group in packs for index in group) == list(range(len(lengths)))
    in_order = [lengths[index] for group in packs for index in group]
    assert in_order == sorted(lengths, reverse=True)
    assert all(packs)
    if max_texts is None:
        even = sum(lengths) / count
        assert len(packs) <= count
        assert all(sum(lengths[i] for i in group) <= even + max(lengths) for group in packs)
    else:
        assert all(len(group) <= max_texts for group in packs)


def test_packs_of_many_texts_are_nearly_full() -> None:
    draw = random.Random(0)
    lengths = [draw.randint(5, 256) for _ in range(3000)]
    packs = plan_packs(lengths, 4096)
    assert all(4096 - 5 <= sum(lengths[index] for index in group) <= 4096 for group in packs[:-9])


def test_chunks_do_not_change_vectors(
    tiny: SentenceTransformer, real_texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiny.encode(real_texts[:100])
    monkeypatch.setattr("sentune.encoding.chunks._CHUNK", 7)
    np.testing.assert_allclose(tiny.encode(real_texts[:100]), whole, rtol=0, atol=1e-6)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_a_rounded_pack_is_the_pack_and_a_little_padding(lengths: list[int]) -> None:
    packed = pack([list(range(1, length + 1)) for length in lengths])
    rounded = packed.rounded()
    tokens, total = len(packed.token_ids), len(rounded.token_ids)
    assert torch.equal(rounded.token_ids[:tokens], packed.token_ids)
    assert torch.equal(rounded.positions[:tokens], packed.positions)
    assert not rounded.token_ids[tokens:].any()
    assert not rounded.positions[tokens:].any()
    assert rounded.runs[: len(packed.runs)] == packed.runs
    assert sum(run.tokens for run in rounded.runs) == total
    assert max(run.length for run in rounded.runs) == max(lengths)
    assert tokens <= total <= tokens * 17 / 16


def test_packs_round_to_few_sizes() -> None:
    sizes = {len(pack([[1] * length]).rounded().token_ids) for length in range(512, 1024)}
    assert len(sizes) == 17
