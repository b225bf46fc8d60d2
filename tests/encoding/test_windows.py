"""Long texts in overlapping windows: nothing is left out, and the mean is the documented one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.windows import Windows
from sentune.errors import ArgumentError
from sentune.network.pack import pack
from sentune.tokens.truncation import count_truncation

FRAME = (1, 1)
quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def numbered(length: int) -> list[int]:
    """A text of so many tokens with different ids: [CLS] is −1 and [SEP] −2."""
    return [-1, *range(length), -2]


# ── the windows ───────────────────────────────────────────────────────────────────────────────


@quick
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=8), st.integers(3, 60), st.integers(0, 40)
)
def test_windows_hold_every_token_within_the_limit(
    lengths: list[int], limit: int, prompt: int
) -> None:
    room = limit - 2 - prompt
    texts = [numbered(prompt + length) for length in lengths]
    if room < 1:
        with pytest.raises(ArgumentError, match="room for the text"):
            Windows.of(texts, limit=limit, frame=FRAME, prompt=prompt)
        return
    made = Windows.of(texts, limit=limit, frame=FRAME, prompt=prompt)
    assert len(made.token_ids) == len(made.weights) == sum(made.counts)
    windows = iter(zip(made.token_ids, made.weights, strict=True))
    for text, count, length in zip(texts, made.counts, lengths, strict=True):
        assert count >= 1
        if length <= room:
            assert [next(windows)[0] for _ in range(count)] == [text]
            continue
        pieces: list[list[int]] = []
        for _ in range(count):
            window, weight = next(windows)
            assert len(window) <= limit
            assert window[: 1 + prompt] == text[: 1 + prompt]
            assert window[-1] == -2
            pieces.append(window[1 + prompt : -1])
            assert weight == len(pieces[-1]) > 0
        for piece, following in pairwise(pieces):
            assert len(piece) == room
            assert following[0] == piece[-1] + 1 - room // 8
            assert following[-1] > piece[-1]
        assert sorted({token for piece in pieces for token in piece}) == text[1 + prompt : -1]


def test_the_documented_overlap() -> None:
    made = Windows.of([numbered(600)], limit=256, frame=FRAME, prompt=0)
    firsts = [window[1] for window in made.token_ids]
    assert firsts == [0, 254 - 31, 2 * (254 - 31)]
    assert made.weights == [254, 254, 600 - 446]


# ── the vectors ───────────────────────────────────────────────────────────────────────────────


def by_hand(model: SentenceTransformer, folder: Path, text: str, prompt: str = "") -> Any:
    """The formula of docs/encode.md, over windows cut by the test."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    start = tokenizer.encode(prompt).ids[:-1]
    (*body, end) = tokenizer.encode(prompt + text).ids
    body = body[len(start) :]
    room = model.max_seq_length - len(start) - 1
    windows = []
    at = 0
    while True:
        windows.append(body[at : at + room])
        if at + room >= len(body):
            break
        at += room - room // 8
    with torch.no_grad():
        skipped = len(start) if prompt else 0
        vectors = torch.cat([model(pack([[*start, *w, end]]), skipped) for w in windows])
    weights = np.array([len(window) for window in windows], dtype=np.float64)
    mean = (weights[:, None] * vectors.numpy()).sum(axis=0) / weights.sum()
    return mean / np.linalg.norm(mean) if model.normalize else mean


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("prompt", ["", "find the words "])
def test_vectors_are_the_documented_mean(
    prompt: str,
    include_prompt: bool,
    normalize: bool,
    tiny_folder: Path,
    real_texts: list[str],
) -> None:
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    model.normalize, model.pooling.include_prompt = normalize, include_prompt
    long = [text for text in real_texts if text.count(" ") > 60][:4]
    texts = [long[0], "short", *long[1:], ""]
    with count_truncation() as truncation:
        found = model.encode(texts, prompt=prompt, long_text="chunk")
    assert (truncation.texts, truncation.truncated, truncation.windowed) == (6, 0, 4)
    assert truncation.describe(48) == ("6 texts, 4 encoded in windows of 48 tokens")
    plain = model.encode(texts, prompt=prompt)
    for place, text in enumerate(texts):
        if text in long:
            expected = by_hand(model, tiny_folder, text, prompt)
            np.testing.assert_allclose(found[place], expected, rtol=0, atol=2e-6)
            assert np.abs(found[place] - plain[place]).max() > 1e-3


def test_a_text_within_the_limit_has_the_bits_that_it_has_by_default(
    tiny: SentenceTransformer, real_texts: list[str]
) -> None:
    short = [text for text in real_texts if len(tiny.tokenizer.whole([text])[0]) <= 48][:100]
    assert len(short) > 50
    np.testing.assert_array_equal(tiny.encode(short, long_text="chunk"), tiny.encode(short))
    text: Any = tiny.encode(short[9], long_text="chunk")
    np.testing.assert_array_equal(text, tiny.encode(short[9]))


def test_a_window_that_is_a_whole_text_keeps_its_bits() -> None:
    made = Windows.of([numbered(3), numbered(30), numbered(2)], limit=20, frame=FRAME, prompt=0)
    assert made.counts == [1, 2, 1]
    vectors = torch.randn(4, 7)
    pooled = made.pool(vectors, normalize=True)
    assert torch.equal(pooled[[0, 2]], vectors[[0, 3]])
    torch.testing.assert_close(pooled[1].norm(), torch.tensor(1.0))


def test_truncation_and_normalization_come_after_the_mean(tiny: SentenceTransformer) -> None:
    text = "the words of a list " * 40
    whole = tiny.encode(text, long_text="chunk")
    np.testing.assert_allclose(np.linalg.norm(whole), 1, rtol=0, atol=1e-6)
    cut = tiny.encode(text, long_text="chunk", truncate_dim=8)
    np.testing.assert_array_equal(cut, whole[:8])
    unit = tiny.encode(text, long_text="chunk", truncate_dim=8, normalize_embeddings=True)
    np.testing.assert_allclose(unit, cut / np.linalg.norm(cut), rtol=0, atol=1e-6)


def test_what_stands_late_in_a_text_is_found(
    model: SentenceTransformer, real_texts: list[str]
) -> None:
    filler = next(text for text in real_texts if text.count(" ") > 250)
    late = "The capital of France is Paris, and its river is the Seine."
    question = model.encode("Which river flows through the capital of France?")
    (cut,) = model.encode([f"{filler}\n\n{late}"])
    (windows,) = model.encode([f"{filler}\n\n{late}"], long_text="chunk")
    np.testing.assert_allclose(cut, model.encode(filler), rtol=0, atol=0.05)
    assert question @ windows > question @ cut + 0.03


def test_what_cannot_be_windowed_is_refused(tiny: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="long_text is 'whole'"):
        tiny.encode("a", long_text="whole")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="long_text is 'chunk' and output_value is"):
        tiny.encode("a", long_text="chunk", output_value="token_embeddings")
    with pytest.raises(ArgumentError, match="a prompt of 46 tokens and a length limit of 48"):
        tiny.encode("a", long_text="chunk", prompt="the " * 46)
