"""Pooling over runs equals pooling over a padded batch with its mask, in float64."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.network.names import POOLING_FLAGS, POOLING_MODES
from sentune.network.pack import pack
from sentune.network.pooling import Pooling

LENGTHS = (7, 3, 12, 3, 5, 1, 7)


def padded(mode: str, states: Tensor, mask: Tensor) -> Tensor:
    """(texts, longest, hidden) and a mask of the tokens that count → (texts, hidden)."""
    some = mask.unsqueeze(-1).double()
    positions = torch.arange(1, states.shape[1] + 1).view(1, -1, 1) * some
    if mode == "cls":
        return states[torch.arange(len(states)), mask.int().argmax(dim=1)]
    if mode == "lasttoken":
        return states[torch.arange(len(states)), positions.squeeze(-1).argmax(dim=1)]
    if mode == "max":
        return states.masked_fill(some == 0, -torch.inf).amax(dim=1)
    if mode == "weightedmean":
        return (states * positions).sum(dim=1) / positions.sum(dim=1)
    count = some.sum(dim=1)
    return (states * some).sum(dim=1) / (count if mode == "mean" else count.sqrt())


@pytest.mark.parametrize("skipped", [0, 2])
@pytest.mark.parametrize(
    "modes",
    [
        *((mode,) for mode in POOLING_MODES),
        *itertools.combinations(POOLING_MODES, 2),
        ("mean", "cls"),
        POOLING_MODES,
    ],
    ids=str,
)
def test_modes_equal_a_masked_padded_batch(modes: Sequence[str], skipped: int) -> None:
    torch.manual_seed(0)
    lengths = [length + skipped for length in LENGTHS]
    texts = [torch.randn(length, 6, dtype=torch.float64) for length in lengths]
    packed = pack([[0] * length for length in lengths])
    rows = torch.cat([texts[i] for i in packed.index_in_pack.argsort().tolist()])

    states = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=99.0)
    place = torch.arange(states.shape[1])
    mask = (place < torch.tensor(lengths).unsqueeze(1)) & (place >= skipped)
    expected = torch.cat([padded(mode, states, mask) for mode in modes], dim=1)

    pooling = Pooling(6, modes, include_prompt=False)
    assert pooling.output_dimension == 6 * len(modes)
    torch.testing.assert_close(pooling(rows, packed, skipped), expected, rtol=0, atol=1e-12)
    including = Pooling(6, modes, include_prompt=True)
    whole = torch.cat([padded(mode, states, place < torch.tensor(lengths).unsqueeze(1))
                       for mode in modes], dim=1)  # fmt: skip
    torch.testing.assert_close(including(rows, packed, skipped), whole, rtol=0, atol=1e-12)


def test_sums_are_taken_in_float32() -> None:
    rows = torch.full((2000, 1), 1.0, dtype=torch.bfloat16)
    rows[0] = 0.0
    (pooled,) = Pooling(1)(rows, pack([[0] * 2000]))
    assert pooled.dtype == torch.float32
    assert float(pooled) == pytest.approx(1999 / 2000, abs=1e-6)


@pytest.mark.parametrize("mode", POOLING_MODES)
def test_a_text_that_is_only_prompt_gives_zeros(mode: str) -> None:
    pooled = Pooling(4, [mode], include_prompt=False)(
        torch.randn(9, 4), pack([[0] * 6, [0] * 3]), 3
    )
    assert bool(torch.isfinite(pooled).all())
    assert bool(pooled[0].any())
    assert not bool(pooled[1].any())


@pytest.mark.parametrize("mode", POOLING_MODES)
def test_a_prompt_that_fills_the_length_limit_gives_no_nan(
    mode: str, tiny: SentenceTransformer
) -> None:
    before = tiny.pooling
    tiny.pooling = Pooling(32, [mode], include_prompt=False)
    try:
        vectors = tiny.encode(["a text", "", "another " * 50], prompt="very " * 200)
        short = tiny.encode([""], prompt="find ")
    finally:
        tiny.pooling = before
    assert vectors.shape == (3, 32)
    assert np.isfinite(vectors).all()
    assert np.isfinite(short).all()


def test_prompt_tokens_are_left_out(tiny: SentenceTransformer) -> None:
    before = tiny.pooling
    prompt, text = "find ", "the list of words"
    (tokens,) = tiny.encode([prompt + text], output_value="token_embeddings")
    inside = tokens[1:-1].shape[0]
    skipped = tiny.tokenizer.prompt_length(prompt)
    assert skipped == inside + 2 - len(tiny.tokenizer([text])[0][0]) + 1
    expected = torch.nn.functional.normalize(tokens[skipped:].mean(dim=0), dim=0)
    tiny.pooling = Pooling(32, include_prompt=False)
    try:
        vector = tiny.encode(text, prompt=prompt)
        unprompted = tiny.encode(text)
    finally:
        tiny.pooling = before
    np.testing.assert_allclose(vector, expected.numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(unprompted, tiny.encode(text), rtol=0, atol=1e-7)


@pytest.mark.parametrize("modes", [(), ("median",), ("mean", "Mean")])
def test_unknown_modes_are_refused(modes: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError, match="pooling modes"):
        Pooling(4, modes)


def test_the_description_has_the_keys_of_the_3_1_layout_in_order() -> None:
    assert Pooling(384, ["mean"]).describe() == {
        "word_embedding_dimension": 384,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
        "pooling_mode_weightedmean_tokens": False,
        "pooling_mode_lasttoken": False,
        "include_prompt": True,
    }
    assert set(POOLING_FLAGS) == set(POOLING_MODES)
