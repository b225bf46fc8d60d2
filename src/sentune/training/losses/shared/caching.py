"""Gradient caching: a batch of any size in the memory of a mini-batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from sentune.network.pack import Pack
from sentune.training.batches.collator import Batch

__all__ = ["encode_in_mini_batches"]

_Encode = Callable[[Pack], Tensor]


def encode_in_mini_batches(
    encode: _Encode, batch: Batch, mini_batch_size: int, mini_batch_num_tokens: int | None = None
) -> Tensor:
    """Vectors of a batch (texts, dim), with the activations of one mini-batch at a time in memory.

    Source: Gao et al. 2021, arXiv:2101.06983, section 3. The texts are encoded without a graph.
    In the backward pass, each mini-batch is encoded again, now with a graph, and passes its part
    of the gradient to the weights. It starts from the random state of the first time, so that
    dropout is the same. Value and gradient are those of one forward over the same mini-batches. A
    mini-batch has texts of similar length. Without gradients enabled, texts are encoded once.
    With ``mini_batch_num_tokens`` a mini-batch has so many tokens instead, or one longer text.

    Cost: two forwards and one backward, where the plain form has one of each; memory for the
    activations of the ``mini_batch_size`` longest texts, and for all vectors. With
    ``DistributedDataParallel`` only the last mini-batch exchanges gradients, so processes may have
    different numbers of them.
    """
    lengths = [len(ids) for ids in batch.token_ids]
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    starts = range(0, len(by_length), mini_batch_size)
    parts: list[Sequence[int]]
    parts = [by_length[start : start + mini_batch_size] for start in starts]
    if mini_batch_num_tokens is not None:
        parts = _parts_by_tokens(by_length, lengths, mini_batch_num_tokens)
    if torch.is_grad_enabled():
        # The weights are not inputs of the function; without this input it would have no gradient.
        trigger = torch.zeros((), requires_grad=True)
        vectors: Tensor = _EncodeTwice.apply(  # type: ignore[no-untyped-call]
            trigger, encode, batch, parts
        )
    else:
        vectors = torch.cat([encode(batch.pack_of(part)) for part in parts])
    position = torch.argsort(torch.tensor(by_length))
    return vectors[position.to(vectors.device)]


def _parts_by_tokens(
    texts: Sequence[int], lengths: Sequence[int], most: int
) -> list[Sequence[int]]:
    parts: list[Sequence[int]] = []
    start = tokens = 0
    for number, text in enumerate(texts):
        if number > start and tokens + lengths[text] > most:
            parts.append(texts[start:number])
            start, tokens = number, 0
        tokens += lengths[text]
    return [*parts, texts[start:]]


class _EncodeTwice(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, trigger: Tensor, encode: _Encode, batch: Batch, parts: Sequence[Sequence[int]]
    ) -> Tensor:
        del trigger
        ctx.encode, ctx.batch, ctx.parts, ctx.states = encode, batch, parts, []
        vectors = []
        for part in parts:
            ctx.states.append(_random_state(torch.device(batch.device)))
            vectors.append(encode(batch.pack_of(part)))
        return torch.cat(vectors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, ...]:
        last, device = len(ctx.parts) - 1, torch.device(ctx.batch.device)
        gradients = gradient.split([len(part) for part in ctx.parts])
        for number, (part, state) in enumerate(zip(ctx.parts, ctx.states, strict=True)):
            waits = getattr(ctx.encode, "no_sync", nullcontext) if number < last else nullcontext
            with waits(), torch.enable_grad(), _repeated(state, device):
                vectors = ctx.encode(ctx.batch.pack_of(part))
                torch.autograd.backward(vectors, gradients[number])
        return None, None, None, None


def _random_state(device: torch.device) -> list[Tensor]:
    """The state of the generators of the processor and, if there is another, of the device."""
    others = () if device.type == "cpu" else (torch.get_device_module(device),)
    return [torch.get_rng_state(), *(module.get_rng_state(device) for module in others)]


def _set_random_state(state: Sequence[Tensor], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    for on_device in state[1:]:
        torch.get_device_module(device).set_rng_state(on_device, device)


@contextmanager
def _repeated(state: Sequence[Tensor], device: torch.device) -> Iterator[None]:
    """Use ``state`` inside; afterwards the generators are as they were before."""
    outside = _random_state(device)
    _set_random_state(state, device)
    try:
        yield
    finally:
        _set_random_state(outside, device)
