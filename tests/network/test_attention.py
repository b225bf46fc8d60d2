"""Attention with something added to its scores equals its definition, on every path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sentune.network import attention, grouped_attention
from sentune.network.attention import Biases, attend
from sentune.network.config import AttentionKind
from sentune.network.dropout import Masks
from sentune.network.grouped_attention import _groups, attend_in_groups
from sentune.network.pack import Pack, Run, pack
from sentune.network.positions import RelativeBias, position_inputs, rotate

HEADS, SIZE = 3, 4
LENGTHS = (7, 7, 4, 2, 2, 1)


@pytest.fixture
def packed() -> Pack:
    return pack([[0] * length for length in LENGTHS])


@pytest.fixture
def qkv() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(sum(LENGTHS), 3 * HEADS * SIZE, dtype=torch.float64)


def by_definition(
    qkv: Tensor, packed: Pack, table: Tensor, dropout: float = 0.0, one_run_each: bool = True
) -> Tensor:
    """One run after the other; ``table`` is (heads, longest, longest)."""
    rows = []
    masks, scale = drawn(packed, dropout, one_run_each) if dropout else (iter(()), 1.0)
    for block, run in zip(packed.blocks(qkv), packed.runs, strict=True):
        parts = block.view(run.texts, run.length, 3, HEADS, SIZE).permute(2, 0, 3, 1, 4)
        scores = parts[0] @ parts[1].mT / SIZE**0.5 + table[:, : run.length, : run.length]
        weights = torch.softmax(scores, dim=-1)
        if dropout:
            weights = weights * next(masks) * scale
        rows.append((weights @ parts[2]).transpose(1, 2).reshape(run.tokens, HEADS * SIZE))
    return torch.cat(rows)


def drawn(packed: Pack, dropout: float, one_run_each: bool) -> tuple[Iterator[Tensor], float]:
    """The masks of each run, as attention draws them for padded groups."""
    masks = Masks(dropout)
    draw, of_texts = masks.from_the_start(), []
    largest = grouped_attention._SCORES // (HEADS * 8)
    for group in _groups(packed.runs, largest, one_run_each=one_run_each, power_of_two=False):
        shape = (group.texts * HEADS, group.length, group.length)
        mask = draw(torch.empty(shape, dtype=torch.float64)).unflatten(0, (-1, HEADS))
        lengths = [part.length for part in group.parts for _ in range(part.texts)]
        of_texts += [text[:, :n, :n] for text, n in zip(mask, lengths, strict=True)]
    text = iter(of_texts)
    of_runs = [torch.stack([next(text) for _ in range(run.texts)]) for run in packed.runs]
    return iter(of_runs), masks.scale


def corners(table: Tensor, packed: Pack) -> Biases:
    return [table[None, :, : run.length, : run.length] for run in packed.runs]


def random_table(heads: int = HEADS) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(heads, LENGTHS[0], LENGTHS[0], dtype=torch.float64) * 2


@pytest.fixture(params=["one text at a time", "all at once"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the scores of as many texts."""
    if request.param == "one text at a time":
        monkeypatch.setattr(grouped_attention, "_SCORES", 1)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("step", [1, 3, 16])
@pytest.mark.usefixtures("memory")
def test_values_and_gradients_of_groups(
    dropout: float, step: int, qkv: Tensor, packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped_attention, "_SHORT_STEP", step)
    qkv.requires_grad_()
    torch.manual_seed(9)
    found = attend_in_groups(qkv, packed.runs, HEADS, dropout)
    (gradient,) = torch.autograd.grad(found.sin().sum(), qkv)
    torch.manual_seed(9)
    nothing = torch.zeros(HEADS, 7, 7, dtype=torch.float64)
    expected = by_definition(qkv, packed, nothing, dropout, one_run_each=False)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    (right,) = torch.autograd.grad(expected.sin().sum(), qkv)
    torch.testing.assert_close(gradient, right, rtol=0, atol=1e-12)


@given(
    lengths=st.lists(st.integers(0, 70), min_size=1, max_size=30),
    largest=st.integers(0, 20_000),
    one_run_each=st.booleans(),
    power_of_two=st.booleans(),
)
def test_every_text_is_in_one_group(
    lengths: list[int], largest: int, one_run_each: bool, power_of_two: bool
) -> None:
    packed = pack([[0] * length for length in lengths])
    groups = _groups(packed.runs, largest, one_run_each=one_run_each, power_of_two=power_of_two)
    parts = [part for group in groups for part in group.parts]
    texts = [part.length for part in parts for _ in range(part.texts)]
    assert texts == sorted(filter(None, lengths), reverse=True)
    row = 0
    for group in groups:
        assert group.start == row
        row += sum(part.tokens for part in group.parts)
        assert group.texts == 1 or group.texts * group.length**2 <= largest
        assert group.texts == 1 or group.texts * group.length <= 1024
        given = sum(part.texts for part in group.parts)
        assert group.texts == (
            next(2**n for n in range(9) if 2**n >= given) if power_of_two else given
        )
        step = 4 if group.length <= 32 else 16
        assert group.length % step == 0
        assert all(0 <= group.length - part.length < step for part in group.parts)
        assert not one_run_each or len(group.parts) == 1
        assert packed.runs[group.run].length == group.parts[0].length


@pytest.mark.parametrize("biased", [False, True])
def test_nothing_new_is_kept_for_the_gradient(biased: bool, packed: Pack) -> None:
    qkv = torch.randn(sum(LENGTHS), 3 * HEADS * SIZE).bfloat16().requires_grad_()
    table = random_table().float().requires_grad_()
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda packed: packed):
        attend(qkv, packed, HEADS, 0.1, corners(table, packed) if biased else None)
    assert {each.data_ptr() for each in kept} <= {qkv.data_ptr(), table.data_ptr()}


def test_texts_of_similar_lengths_are_one_group() -> None:
    runs = [Run(2, 48), Run(1, 34), Run(1, 33), Run(3, 3), Run(1, 1)]
    long, short = _groups(runs, 10**6, one_run_each=False, power_of_two=False)
    assert (long.texts, long.length, long.parts) == (4, 48, runs[:3])
    assert (short.texts, short.length, short.parts) == (4, 4, runs[3:])
    assert (short.start, short.run) == (48 * 2 + 34 + 33, 3)
    first, second, _ = _groups(runs, 3 * 48**2, one_run_each=False, power_of_two=False)
    assert (first.parts, second.parts) == ([Run(2, 48), Run(1, 34)], [Run(1, 33)])
    assert (second.start, second.run) == (48 * 2 + 34, 2)
    first, second, _ = _groups(runs, 3 * 48**2, one_run_each=False, power_of_two=True)
    assert (first.parts, second.parts) == ([Run(2, 48)], [Run(1, 34), Run(1, 33)])
    (only,) = _groups([Run(5, 9)], 10**6, one_run_each=False, power_of_two=True)
    assert (only.texts, only.parts, only.full) == (8, [Run(5, 9)], False)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.usefixtures("memory")
def test_values_and_gradients(learns: bool, dropout: float, qkv: Tensor, packed: Pack) -> None:
    table = random_table().requires_grad_(learns)
    qkv.requires_grad_()
    inputs = (qkv, table) if learns else (qkv,)
    torch.manual_seed(9)
    found = attend(qkv, packed, HEADS, dropout, corners(table, packed))
    gradients = torch.autograd.grad(found.sin().sum(), inputs)
    torch.manual_seed(9)
    expected = by_definition(qkv, packed, table, dropout)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    right = torch.autograd.grad(expected.sin().sum(), inputs)
    torch.testing.assert_close(gradients, right, rtol=0, atol=1e-12)
    assert all(bool(gradient.abs().max() > 0.1) for gradient in gradients)


def test_the_written_out_gradient_by_finite_differences() -> None:
    torch.manual_seed(2)
    qkv = torch.randn(8, 3 * HEADS * SIZE, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(1, HEADS, 4, 4, dtype=torch.float64, requires_grad=True)

    def written_out(qkv: Tensor, bias: Tensor) -> Tensor:
        return attend_in_groups(qkv, [Run(2, 4)], HEADS, 0.0, [bias])

    assert torch.autograd.gradcheck(written_out, (qkv, bias))


@pytest.mark.parametrize("heads", [1, HEADS])
@pytest.mark.parametrize("dropout", [0.0, 1e-30])
def test_bfloat16(heads: int, dropout: float, qkv: Tensor, packed: Pack) -> None:
    table = random_table(heads).bfloat16().float().requires_grad_()
    half = qkv.bfloat16().requires_grad_()
    found = attend(half, packed, HEADS, dropout, corners(table, packed))
    gradients = torch.autograd.grad(found.double().sin().sum(), (half, table))
    exact = half.detach().double().requires_grad_()
    exact_table = table.detach().double().requires_grad_()
    expected = by_definition(exact, packed, exact_table)
    right = torch.autograd.grad(expected.sin().sum(), (exact, exact_table))
    assert found.dtype == torch.bfloat16
    assert [g.dtype for g in gradients] == [torch.bfloat16, torch.float32]
    for value, truth in zip((found, *gradients), (expected, *right), strict=True):
        assert ((value.detach().double() - truth.detach()).norm() / truth.detach().norm()) < 0.015


def test_a_bias_of_one_run_changes_no_other(qkv: Tensor, packed: Pack) -> None:
    biases = [None, *corners(random_table(), packed)[1:2], None, None]
    plain = attend(qkv, packed, HEADS)
    found = attend(qkv, packed, HEADS, 0.0, biases)
    same = (found == plain).all(dim=1)
    assert same.tolist() == [True] * 14 + [False] * 4 + [True] * 5


# ── windows ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("window", [0, 1, 3, 5, 6, 100])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_token_sees_those_within_its_window(
    window: int, dropout: float, qkv: Tensor, packed: Pack
) -> None:
    kind = AttentionKind(window)
    biases = position_inputs(kind, packed, SIZE, torch.float64, None).biases
    qkv.requires_grad_()
    torch.manual_seed(5)
    found = attend(qkv, packed, HEADS, dropout, biases)
    (gradient,) = torch.autograd.grad(found.sin().sum(), qkv)
    table = torch.zeros(HEADS, 7, 7, dtype=torch.float64)
    for row in range(7):
        for column in range(7):
            if abs(row - column) > window:
                table[:, row, column] = -math.inf
    torch.manual_seed(5)
    expected = by_definition(qkv, packed, table, dropout, one_run_each=biases is not None)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    (right,) = torch.autograd.grad(expected.sin().sum(), qkv)
    torch.testing.assert_close(gradient, right, rtol=0, atol=1e-12)


def test_texts_that_fit_into_the_window_have_no_mask(packed: Pack) -> None:
    def masked(window: int) -> list[bool]:
        places = position_inputs(AttentionKind(window), packed, SIZE, torch.float32, None)
        return [bias is not None for bias in places.biases or [None]]

    assert masked(6) == masked(100) == [False]
    assert masked(5) == masked(3) == [True, False, False, False]
    assert masked(2) == [True, True, False, False]
    assert masked(0) == [True, True, True, False]


# ── learned distances and angles ──────────────────────────────────────────────────────────────


def test_distances_share_buckets_as_they_grow() -> None:
    bias = RelativeBias(32, 2)
    with torch.no_grad():
        bias.weight.copy_(torch.arange(32.0).unsqueeze(1) + torch.tensor([0.0, 100.0]))
    packed = pack([[0] * 300, [0] * 3])
    with torch.no_grad():
        longest, short = bias(packed, torch.float32)
    assert longest is not None
    assert short is not None
    assert longest.shape == (1, 2, 300, 300)
    row = longest[0, 0, 150].tolist()  # after it: 16 more than before it
    assert row[150:159] == [0, 17, 18, 19, 20, 21, 22, 23, 24]
    assert row[142:151] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert row[150 + 127] == row[299] == 31
    assert row[150 - 128] == row[0] == 15
    assert sorted(row[:151], reverse=True) == row[:151]
    assert torch.equal(longest[0, 1], longest[0, 0] + 100)
    assert torch.equal(short[0, 0], longest[0, 0, :3, :3])
    assert torch.equal(longest[0, 0, 1:, 1:], longest[0, 0, :-1, :-1])


def test_a_bias_that_learns_keeps_the_format_of_its_weights() -> None:
    bias = RelativeBias(32, 2)
    packed = pack([[0] * 3])
    assert bias(packed, torch.bfloat16)[0].dtype == torch.float32
    with torch.no_grad():
        assert bias(packed, torch.bfloat16)[0].dtype == torch.bfloat16


def test_turned_scores_depend_on_the_distance_alone(packed: Pack) -> None:
    torch.manual_seed(3)
    one = torch.randn(3 * HEADS * SIZE, dtype=torch.float64)
    rotation = position_inputs(
        AttentionKind(None, 50.0), packed, SIZE, torch.float64, None
    ).rotation
    assert rotation is not None
    turned = rotate(one.repeat(23, 1), HEADS, rotation)
    query, key, value = turned[:7].view(7, 3, HEADS, SIZE).unbind(1)
    scores = torch.einsum("ihd,jhd->hij", query, key)
    torch.testing.assert_close(scores[:, 1:, 1:], scores[:, :-1, :-1], rtol=0, atol=1e-6)
    assert bool((scores[:, 0, 0] - scores[:, 0, 1]).abs().min() > 1e-3)
    assert torch.equal(value.flatten(1), one[2 * HEADS * SIZE :].expand(7, -1))
    assert torch.equal(turned[7:14], turned[:7])
    assert torch.equal(turned[0], one)
    torch.testing.assert_close(turned.norm(dim=1), one.norm().expand(23))


# ── without a gradient ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("dtype", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.03)]
)
@pytest.mark.parametrize("scores", [1, 3 * HEADS * 64**2, 10**9])
@pytest.mark.parametrize("lengths", [(64,) * 5 + (7,), (70, 33, 32, 32, 31, 3, 0, 0), (5,) * 40])
def test_many_texts(
    dtype: torch.dtype,
    within: float,
    scores: int,
    lengths: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouped_attention, "_SCORES", scores * dtype.itemsize)
    torch.manual_seed(3)
    packed = pack([[0] * length for length in lengths])
    qkv = torch.randn(sum(lengths), 3 * HEADS * SIZE).to(dtype)
    with torch.no_grad():
        found = attend(qkv, packed, HEADS)
    table = torch.zeros(HEADS, 70, 70, dtype=torch.float64)
    expected = by_definition(qkv.double(), packed, table)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=within)


@pytest.mark.parametrize(
    ("dtype", "grouped"),
    [(torch.bfloat16, [128, 64, 300, 364]), (torch.float32, [129, 150, 300, 366])],
)
def test_what_is_grouped(
    dtype: torch.dtype, grouped: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(qkv: Tensor, *arguments: Any) -> Tensor:
        calls.append(len(qkv))
        return attend_in_groups(qkv, *arguments)

    monkeypatch.setattr(attention, "attend_in_groups", counted)
    for lengths in ((64, 64), (64, 63, 2), (3,) * 50, (300,), (300, 64, 2)):
        packed = pack([[0] * length for length in lengths])
        qkv = torch.randn(sum(lengths), 3 * HEADS * SIZE).to(dtype)
        attend(qkv, packed, HEADS)
        table = torch.zeros(HEADS, 300, 300)
        attend(qkv, packed, HEADS, 0.0, corners(table, packed))
    assert calls == grouped


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_company_changes_rounding_at_most(dtype: torch.dtype) -> None:
    torch.manual_seed(4)
    lengths = (140, 130, 128, 128, 100, 64, 63, 20, 19, 19, 3)
    packed = pack([[0] * length for length in lengths])
    qkv = torch.randn(sum(lengths), 3 * HEADS * SIZE).to(dtype)
    together = attend(qkv, packed, HEADS)
    rows, found = qkv.split(list(lengths)), together.split(list(lengths))
    for text, beside in zip(rows, found, strict=True):
        alone = attend(text, pack([[0] * len(text)]), HEADS)
        within = 2**-7 if dtype == torch.bfloat16 else 1e-6  # the last digit
        torch.testing.assert_close(alone, beside, rtol=within, atol=within)


def test_texts_without_a_token_have_a_gradient() -> None:
    packed = pack([[0] * length for length in (3, 0)])
    qkv = torch.randn(3, 3 * HEADS * SIZE, dtype=torch.float64, requires_grad=True)
    attend(qkv, packed, HEADS).sum().backward()
    assert qkv.grad is not None
    nothing = pack([[], []])
    empty = torch.randn(0, 3 * HEADS * SIZE, requires_grad=True)
    assert attend(empty, nothing, HEADS).shape == (0, HEADS * SIZE)
