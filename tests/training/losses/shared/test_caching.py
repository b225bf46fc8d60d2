"""Losses in mini-batches: the value and gradient of the plain form, in less memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.machine.hardware import choose_compute
from sentune.network.pack import Pack, pack
from sentune.training.batches.collator import Batch
from sentune.training.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentune.training.losses.shared.caching import encode_in_mini_batches

MakeBatch = Callable[..., Batch]
Encode = Callable[[Pack], Tensor]


@pytest.fixture
def pairs(real_texts: list[str]) -> tuple[list[str], list[str]]:
    short = [text for text in real_texts if 10 < len(text) < 120]
    return short[:11], short[11:22]


@pytest.fixture
def dropping(tiny: SentenceTransformer) -> Iterator[SentenceTransformer]:
    """A copy of the small model that drops a third of its activations."""
    copy = deepcopy(tiny)
    copy.encoder.set_dropout(0.3)
    copy.train()
    yield copy
    copy.eval()


def gradients(model: SentenceTransformer, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def assert_close(found: dict[str, Tensor], wanted: dict[str, Tensor], atol: float) -> None:
    assert found.keys() == wanted.keys()
    assert max(gradient.abs().max().item() for gradient in wanted.values()) > 1e-2
    for name, gradient in wanted.items():
        assert torch.allclose(found[name], gradient, atol=atol, rtol=1e-4), name


def in_mini_batches(model: Encode, batch: Batch, size: int) -> Tensor:
    """The same mini-batches with the graph of all of them kept."""
    order = sorted(range(len(batch.texts)), key=lambda i: -len(batch.token_ids[i]))
    rows: dict[int, Tensor] = {}
    for start in range(0, len(order), size):
        part = order[start : start + size]
        vectors = model(pack([batch.token_ids[i] for i in part]))
        rows.update(zip(part, vectors, strict=True))
    return torch.stack([rows[i] for i in range(len(order))])


def test_equals_the_plain_loss_on_the_real_model(
    model: SentenceTransformer, make_batch: MakeBatch, pairs: tuple[list[str], list[str]]
) -> None:
    batch = make_batch(model, *pairs)
    plain = MultipleNegativesRankingLoss().compute(model, batch)
    wanted = gradients(model, plain)
    cached = CachedMultipleNegativesRankingLoss(mini_batch_size=4).compute(model, batch)
    assert cached.item() == pytest.approx(plain.item(), abs=1e-5)
    assert_close(gradients(model, cached), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [1, 4, 22, 100])
def test_dropout_drops_the_same_both_times(
    dropping: SentenceTransformer,
    make_batch: MakeBatch,
    pairs: tuple[list[str], list[str]],
    size: int,
) -> None:
    batch, loss = make_batch(dropping, *pairs), MultipleNegativesRankingLoss()
    torch.manual_seed(5)
    plain = loss(batch.columns(in_mini_batches(dropping, batch, size)))
    after = torch.get_rng_state()
    wanted = gradients(dropping, plain)
    torch.manual_seed(5)
    cached = CachedMultipleNegativesRankingLoss(mini_batch_size=size).compute(dropping, batch)
    assert torch.equal(torch.get_rng_state(), after)  # nothing drawn twice, nothing left out
    torch.manual_seed(6)
    before = torch.get_rng_state()
    found = gradients(dropping, cached)
    assert torch.equal(torch.get_rng_state(), before)
    assert cached.item() == pytest.approx(plain.item(), abs=1e-5)
    assert_close(found, wanted, atol=1e-5)


def test_dropout_in_bfloat16_is_that_of_the_first_pass(
    dropping: SentenceTransformer, pairs: tuple[list[str], list[str]]
) -> None:
    dropping.compute_as(choose_compute("bfloat16", "cpu"))
    dropping.encoder.embeddings.noise_alpha = 5.0
    packed = pack(dropping.tokenizer(pairs[0] + pairs[1])[0])
    torch.manual_seed(5)
    with torch.no_grad():
        first = dropping(packed)
    after = torch.get_rng_state()
    torch.manual_seed(5)
    second = dropping(packed)
    assert torch.equal(torch.get_rng_state(), after)
    assert (first - second).norm() < 0.02 * first.norm()  # the kernels differ, the masks do not


def test_the_gradient_follows_what_is_done_with_the_loss(
    tiny: SentenceTransformer, make_batch: MakeBatch, pairs: tuple[list[str], list[str]]
) -> None:
    batch = make_batch(tiny, *pairs)
    loss = CachedMultipleNegativesRankingLoss(mini_batch_size=5)
    once = gradients(tiny, loss.compute(tiny, batch))
    third = gradients(tiny, loss.compute(tiny, batch) / 3)
    assert_close({name: 3 * gradient for name, gradient in third.items()}, once, atol=1e-5)


def test_a_pack_under_gradient_never_exceeds_the_mini_batch(
    tiny: SentenceTransformer, make_batch: MakeBatch, pairs: tuple[list[str], list[str]]
) -> None:
    seen: list[tuple[bool, int, int]] = []

    def watched(packed: Pack) -> Tensor:
        lengths = [run.length for run in packed.runs]
        seen.append((torch.is_grad_enabled(), len(packed.index_in_pack), max(lengths)))
        return tiny(packed)  # type: ignore[no-any-return]

    batch = make_batch(tiny, *pairs)
    loss = CachedMultipleNegativesRankingLoss(mini_batch_size=4).compute(watched, batch)
    assert [grad for grad, _, _ in seen] == [False] * 6
    gradients(tiny, loss)
    assert [texts for grad, texts, _ in seen if grad] == [4, 4, 4, 4, 4, 2]
    longest = [length for _, _, length in seen[:6]]
    assert longest == sorted(longest, reverse=True)
    assert longest[0] == max(len(ids) for ids in batch.token_ids)


def test_an_evaluation_encodes_once(
    tiny: SentenceTransformer, make_batch: MakeBatch, pairs: tuple[list[str], list[str]]
) -> None:
    batch = make_batch(tiny, *pairs)
    with torch.no_grad():
        found = encode_in_mini_batches(tiny, batch, 4)
        wanted = tiny(batch.pack())
    assert not found.requires_grad
    assert torch.allclose(found, wanted, atol=1e-6)


def test_a_batch_of_4096_rows(tiny: SentenceTransformer, make_batch: MakeBatch) -> None:
    questions = [f"what is {number}" for number in range(4096)]
    answers = [f"it is {number}" for number in range(4096)]
    loss = CachedMultipleNegativesRankingLoss(mini_batch_size=512)
    found = gradients(tiny, loss.compute(tiny, make_batch(tiny, questions, answers)))
    assert all(gradient.isfinite().all() for gradient in found.values())
    assert any(gradient.any() for gradient in found.values())


class _Exchanging:
    """Stands in for DistributedDataParallel: counts the mini-batches that exchange gradients."""

    def __init__(self, model: SentenceTransformer) -> None:
        self.model, self.waiting, self.exchanged = model, False, list[bool]()

    def __call__(self, packed: Pack) -> Tensor:
        if torch.is_grad_enabled():
            self.exchanged.append(not self.waiting)
        return self.model(packed)  # type: ignore[no-any-return]

    def no_sync(self) -> _Exchanging:
        return self

    def __enter__(self) -> None:
        self.waiting = True

    def __exit__(self, *_: object) -> None:
        self.waiting = False


def test_only_the_last_mini_batch_exchanges_gradients(
    tiny: SentenceTransformer, make_batch: MakeBatch, pairs: tuple[list[str], list[str]]
) -> None:
    exchanging = _Exchanging(tiny)
    loss = CachedMultipleNegativesRankingLoss(mini_batch_size=6)
    gradients(tiny, loss.compute(exchanging, make_batch(tiny, *pairs)))
    assert exchanging.exchanged == [False, False, False, True]


@pytest.mark.parametrize("tokens", [1, 40, 10_000])
def test_mini_batches_by_tokens_change_nothing(
    tiny: SentenceTransformer, make_batch: MakeBatch, real_texts: list[str], tokens: int
) -> None:
    batch = make_batch(tiny, real_texts[20:32], real_texts[40:52])
    sizes: list[int] = []

    def encode(packed: Any) -> Tensor:
        sizes.append(len(packed.token_ids))
        return tiny(packed)  # type: ignore[no-any-return]

    cached = CachedMultipleNegativesRankingLoss(mini_batch_num_tokens=tokens)
    with torch.no_grad():
        found = cached.compute(encode, batch)
        wanted = MultipleNegativesRankingLoss().compute(tiny, batch)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)
    longest = max(map(len, batch.token_ids))
    assert max(sizes) <= max(tokens, longest)
    assert sum(sizes) == sum(map(len, batch.token_ids))
    assert cached.describe()["mini_batch_num_tokens"] == tokens


@pytest.mark.parametrize("wrong", [{"mini_batch_num_tokens": 0}, {"show_progress_bar": True}])
def test_mini_batches_that_cannot_be_are_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        CachedMultipleNegativesRankingLoss(**wrong)
