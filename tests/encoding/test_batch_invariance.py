"""A text's vector alone, in any batch and in any order; to the bit where that is asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.network.pack import pack

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Compute with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny_bfloat16(tiny_folder: Path) -> SentenceTransformer:
    return SentenceTransformer(tiny_folder, device="cpu", compute_dtype="bfloat16")


# ── within rounding, always ───────────────────────────────────────────────────────────────────


def test_a_text_has_one_vector_in_any_company(
    model: SentenceTransformer, real_texts: list[str], threads: int
) -> None:
    draw = random.Random(1)
    short = [text for text in real_texts if len(text) < 300]
    long = next(text for text in real_texts if text.count(" ") > 200)
    chosen = [*draw.sample(short, 39), long]
    together = model.encode(chosen)
    for index in range(0, 40, 4):
        np.testing.assert_allclose(model.encode(chosen[index]), together[index], rtol=0, atol=1e-6)
    order = draw.sample(range(40), 40)
    shuffled = model.encode([chosen[i] for i in order])
    np.testing.assert_allclose(shuffled, together[order], rtol=0, atol=1e-6)
    for batch_size in (1, 7):
        vectors = model.encode(chosen, batch_size=batch_size)
        np.testing.assert_allclose(vectors, together, rtol=0, atol=1e-6)


def test_a_text_has_one_vector_in_any_company_in_bfloat16(
    tiny_bfloat16: SentenceTransformer, real_texts: list[str]
) -> None:
    draw = random.Random(2)
    together = tiny_bfloat16.encode(real_texts)
    for _ in range(20):
        chosen = draw.sample(range(len(real_texts)), draw.randint(1, 40))
        vectors = tiny_bfloat16.encode([real_texts[place] for place in chosen])
        np.testing.assert_allclose(vectors, together[chosen], rtol=0, atol=1e-3)


def test_the_first_ten_do_not_depend_on_the_batch(
    model: SentenceTransformer, real_texts: list[str]
) -> None:
    passages = [text for text in real_texts if 20 < len(text) < 400][:100]
    questions = [" ".join(text.split()[:8]) for text in passages[:40]]
    together = model.encode(questions) @ model.encode(passages).T
    apart = model.encode(questions, batch_size=1) @ model.encode(passages[::-1], batch_size=5).T
    apart = apart[:, ::-1]
    for row, other in zip(together, apart, strict=True):
        first, second = (np.argsort(-scores, kind="stable")[:10] for scores in (row, other))
        for left, right in zip(first, second, strict=True):
            assert left == right or abs(row[left] - row[right]) < 2e-6  # a tie


# ── a neighbour of the same length ────────────────────────────────────────────────────────────

token_lists = st.lists(
    st.lists(st.integers(5, 90), min_size=1, max_size=40), min_size=2, max_size=12
)


@quick
@given(token_lists, st.data())
def test_a_neighbour_of_the_same_length_changes_no_bit(
    tiny: SentenceTransformer,
    tiny_bfloat16: SentenceTransformer,
    texts: list[list[int]],
    data: st.DataObject,
) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    length = len(texts[place])
    other = data.draw(st.lists(st.integers(5, 90), min_size=length, max_size=length))
    changed = [*texts[:place], other, *texts[place + 1 :]]
    kept = [index for index in range(len(texts)) if index != place]
    for each in (tiny, tiny_bfloat16):
        with torch.inference_mode():
            first, second = each(pack(texts)), each(pack(changed))
        assert torch.equal(first[kept], second[kept])


@pytest.mark.parametrize("length", [6, 40])
def test_a_neighbour_of_the_same_length_changes_no_bit_of_the_base_model(
    model: SentenceTransformer, real_texts: list[str], length: int, threads: int
) -> None:
    ids, _ = model.tokenizer(real_texts)
    same = [text for text in ids if len(text) == length][:4]
    others = [text for text in ids if 10 < len(text) < 30][:5]
    assert len(same) >= 2
    with torch.inference_mode():
        first = model(pack([same[0], *others, same[0]]))
        second = model(pack([same[1], *others, same[0]]))
    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[1:], second[1:])


# ── to the bit, when asked for ────────────────────────────────────────────────────────────────


def in_many_companies(model: SentenceTransformer, texts: list[str], rounds: int) -> None:
    """Check that every text has the bits that it has alone."""
    draw = random.Random(3)
    alone = np.stack([model.encode(text) for text in texts])
    for _ in range(rounds):
        chosen = draw.choices(range(len(texts)), k=draw.randint(1, len(texts)))
        options: dict[str, Any] = {"batch_size": draw.choice([None, 1, 3, 64])}
        vectors = model.encode([texts[place] for place in chosen], **options)
        np.testing.assert_array_equal(vectors, alone[chosen])


@pytest.mark.parametrize("compute_dtype", ["float32", "bfloat16"])
def test_batch_invariant_vectors_have_the_same_bits(
    compute_dtype: str, tiny_folder: Path, real_texts: list[str], threads: int
) -> None:
    model = SentenceTransformer(
        tiny_folder, device="cpu", compute_dtype=compute_dtype, batch_invariant=True
    )
    in_many_companies(model, real_texts[:100], rounds=6)


def test_batch_invariant_vectors_of_the_base_model(
    model: SentenceTransformer, real_texts: list[str], threads: int
) -> None:
    short = [text for text in real_texts if len(text) < 120][:30]
    model.batch_invariant = True
    try:
        in_many_companies(model, short, rounds=2)
    finally:
        model.batch_invariant = False


def test_batch_invariant_packs_hold_one_text(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason why this holds on every machine: nothing else is there to depend on."""
    model = SentenceTransformer(
        tiny_folder, device="cpu", compute_dtype="float32", batch_invariant=True
    )
    packed: list[int] = []

    def noted(texts: Any) -> Any:
        packed.append(len(texts))
        return pack(texts)

    monkeypatch.setattr("sentune.encoding.encode.pack", noted)
    model.encode(["one", "two words", "the third"], batch_size=32)
    model.encode(["the words " * 60, "short"], long_text="chunk")
    assert set(packed) == {1}
    assert len(packed) > 5


# ── a text without a token ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_text_without_a_token_is_zeros_in_any_company(
    architecture_folder: Path, dtype: str
) -> None:
    model = SentenceTransformer(architecture_folder, device="cpu", compute_dtype=dtype)
    text = [5, 6, 7]
    with torch.inference_mode():
        alone = model(pack([[]]))
        with_others = model(pack([[], text, *[text * 15] * 4, []]))
        expected = model(pack([text]))
    assert not alone.any()
    assert not with_others[[0, -1]].any()
    torch.testing.assert_close(with_others[1:2], expected, rtol=0, atol=0.1)
