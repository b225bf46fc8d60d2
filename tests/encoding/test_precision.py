"""Quantization by its formula; equality with the reference is in tests/parity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sentune.encoding.precision import PRECISIONS, quantize_embeddings
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError


@pytest.fixture(scope="module")
def vectors(tiny: SentenceTransformer, real_texts: list[str]) -> Any:
    return tiny.encode(real_texts[:30])


def test_eight_bits_span_the_range_of_each_dimension(vectors: Any) -> None:
    levels: Any = quantize_embeddings(vectors, "uint8")
    assert levels.dtype == np.uint8
    assert set(levels.min(axis=0)) == {0}
    assert (levels.max(axis=0) >= 254).all()
    width = (vectors.max(axis=0) - vectors.min(axis=0)) / 255
    restored = vectors.min(axis=0) + (levels + 0.5) * width
    assert (np.abs(restored - vectors) <= 0.51 * width).all()
    signed = quantize_embeddings(vectors, "int8")
    assert signed.dtype == np.int8
    np.testing.assert_array_equal(signed.astype(int) + 128, levels)


def test_values_outside_the_ranges_are_clipped() -> None:
    ranges = np.array([[0.0, 0.0], [255.0, 1.0]])
    found = quantize_embeddings(np.array([[-9.0, 2.0], [1.9, 0.5], [255, 0]]), "uint8", ranges)
    np.testing.assert_array_equal(found, [[0, 255], [1, 127], [255, 0]])
    found = quantize_embeddings(np.array([[-9.0, 2.0], [1.9, 0.5], [255, 0]]), "int8", ranges)
    np.testing.assert_array_equal(found, [[-128, 127], [-127, -1], [127, -128]])


def test_calibration_sets_the_ranges_and_ranges_beat_it(vectors: Any) -> None:
    alone = quantize_embeddings(vectors[:1], "int8", calibration_embeddings=vectors)
    np.testing.assert_array_equal(alone, quantize_embeddings(vectors, "int8")[:1])
    ranges = np.vstack([vectors.min(axis=0), vectors.max(axis=0)])
    both = quantize_embeddings(vectors[:1], "int8", ranges, vectors[:2])
    np.testing.assert_array_equal(both, alone)


def test_a_dimension_that_never_changes() -> None:
    same = np.full((3, 4), 0.25)
    np.testing.assert_array_equal(quantize_embeddings(same, "uint8"), np.zeros((3, 4)))


def test_one_bit_a_dimension(vectors: Any) -> None:
    bits: Any = quantize_embeddings(vectors, "ubinary")
    assert bits.shape == (30, 4)
    np.testing.assert_array_equal(np.unpackbits(bits, axis=1), vectors > 0)
    signed = quantize_embeddings(vectors, "binary")
    assert signed.dtype == np.int8
    np.testing.assert_array_equal(signed.astype(int) + 128, bits)
    one = quantize_embeddings(np.array([[1.0, -1.0, 0.0]]), "ubinary")
    np.testing.assert_array_equal(one, [[0b1000_0000]])


@pytest.mark.parametrize(
    ("precision", "dtype", "width"),
    [
        ("float32", np.float32, 32),
        ("int8", np.int8, 32),
        ("uint8", np.uint8, 32),
        ("binary", np.int8, 4),
        ("ubinary", np.uint8, 4),
    ],
)
def test_encode_quantizes(
    precision: str, dtype: Any, width: int, tiny: SentenceTransformer
) -> None:
    texts = ["one", "two words", "three"]
    found = tiny.encode(texts, precision=precision)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, quantize_embeddings(tiny.encode(texts), precision))
    tensor: Any = tiny.encode(texts, precision=precision, convert_to_tensor=True)
    np.testing.assert_array_equal(tensor.numpy(), found)
    nothing = tiny.encode([], precision=precision)
    assert (nothing.dtype, nothing.shape) == (dtype, (0, width))


def test_eight_bits_need_ranges(tiny: SentenceTransformer) -> None:
    for precision in ("int8", "uint8"):
        with pytest.raises(ArgumentError, match=f"ranges of {precision} cannot be taken from 1"):
            tiny.encode("one text", precision=precision)
    assert tiny.encode("one text", precision="binary").shape == (4,)


def test_unknown_precisions_are_refused(vectors: Any) -> None:
    assert PRECISIONS == ("float32", "int8", "uint8", "binary", "ubinary")
    with pytest.raises(ArgumentError, match="precision is 'int4'"):
        quantize_embeddings(vectors, "int4")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_sixteen_bits_are_quantized_as_their_values_in_float32(
    precision: str, vectors: Any
) -> None:
    for dtype in (torch.bfloat16, torch.float16):
        short = torch.from_numpy(vectors).to(dtype)
        expected = quantize_embeddings(short.float().numpy(), precision)
        forms = [short, list(short), short.requires_grad_()]
        forms += [short.detach().numpy()] if dtype == torch.float16 else []
        for form in forms:
            found = quantize_embeddings(form, precision)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("precision", [p for p in PRECISIONS if p != "float32"])
def test_token_vectors_are_quantized_together(precision: str, tiny: SentenceTransformer) -> None:
    texts = ["one", "two words", "three"]
    options: Any = {"output_value": "token_embeddings", "precision": precision}
    found: Any = tiny.encode(texts, **options)
    tokens: Any = tiny.encode(texts, output_value="token_embeddings")
    whole = quantize_embeddings(torch.cat(tokens), precision)
    assert [len(each) for each in found] == [len(each) for each in tokens]
    assert all(isinstance(each, np.ndarray) and each.dtype == whole.dtype for each in found)
    np.testing.assert_array_equal(np.concatenate(found), whole)
    single: Any = tiny.encode(texts[1], **options)
    np.testing.assert_array_equal(single, quantize_embeddings(tokens[1], precision))
    assert tiny.encode([], **options) == []
