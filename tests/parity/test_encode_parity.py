"""``encode`` beside sentence-transformers 6.2: number formats, iterators, pools, and the names."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sentune.encoding.precision import PRECISIONS, quantize_embeddings
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError


@pytest.fixture(scope="module")
def short(real_texts: list[str]) -> list[str]:
    return [text for text in real_texts if len(text) < 60][:120]


# ── names ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["encode", "start_multi_process_pool", "stop_multi_process_pool"])
def test_arguments_have_the_same_names_in_the_same_places(name: str, reference: Any) -> None:
    theirs = [
        parameter.name
        for parameter in inspect.signature(getattr(type(reference), name)).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    ours = list(inspect.signature(getattr(SentenceTransformer, name)).parameters)
    assert ours[: len(theirs)] == theirs
    assert set(ours) - set(theirs) <= {"long_text", "sentences"}  # the older name of inputs


# ── number formats ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("truncate_dim", [None, 100])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_encode_in_every_number_format(
    precision: Any,
    truncate_dim: int | None,
    model: SentenceTransformer,
    reference: Any,
    short: list[str],
) -> None:
    ours = model.encode(short, precision=precision, truncate_dim=truncate_dim)
    theirs = reference.encode(short, precision=precision, truncate_dim=truncate_dim)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if precision == "float32":
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    elif precision in ("int8", "uint8"):
        # Vectors that agree to seven digits fall on different sides of a border now and then.
        assert np.abs(ours.astype(int) - theirs).max() <= 1
        assert (ours != theirs).mean() < 0.001
    else:
        bits = [np.unpackbits(vectors.view(np.uint8), axis=1) for vectors in (ours, theirs)]
        assert (bits[0] != bits[1]).mean() < 0.0001


@pytest.mark.parametrize("precision", PRECISIONS)
def test_vectors_in_whatever_they_come(precision: Any, model: Any, short: list[str]) -> None:
    from sentence_transformers.util.quantization import quantize_embeddings as theirs

    vectors = model.encode(short[:120])
    ranges = np.vstack([vectors.min(axis=0), vectors.max(axis=0)])
    given: tuple[Any, ...] = (
        *(vectors, torch.from_numpy(vectors), list(vectors), list(torch.from_numpy(vectors))),
        *(vectors[0], vectors[:1], vectors.astype(np.float64), vectors.astype(np.float16)),
    )
    for embeddings in given:
        for options in ({"ranges": ranges}, {"calibration_embeddings": vectors[:110]}):
            expected = theirs(embeddings, precision, **options)
            found = quantize_embeddings(embeddings, precision, **options)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


def test_what_cannot_be_quantized_is_an_error_for_both(model: Any, short: list[str]) -> None:
    from sentence_transformers.util.quantization import quantize_embeddings as theirs

    vectors = model.encode(short[:3])
    narrow: Any = quantize_embeddings(vectors, "int8")
    for embeddings, precision in ((vectors[0], "int8"), (vectors[:1], "uint8"), (narrow, "binary")):
        with pytest.raises(Exception, match=r"single|float"):
            theirs(embeddings, precision)
        with pytest.raises(ArgumentError):
            quantize_embeddings(embeddings, precision)
    with pytest.raises(ArgumentError, match="the ranges of int8 cannot be taken from 1 vector"):
        model.encode("one text", precision="int8")


# ── iterators and processes ───────────────────────────────────────────────────────────────────


def test_a_generator_gives_the_vectors_of_the_references_list(
    model: SentenceTransformer, reference: Any, short: list[str]
) -> None:
    ours = model.encode(text for text in short)
    np.testing.assert_allclose(ours, reference.encode(short), rtol=0, atol=1e-5)


def test_a_pool_gives_the_vectors_of_the_reference(
    base_folder: Path, reference: Any, short: list[str]
) -> None:
    """Lines written for the reference, with its names."""
    model = SentenceTransformer(base_folder, device="cpu", compute_dtype="float32")
    pool = model.start_multi_process_pool(target_devices=["cpu", "cpu"])
    try:
        ours = model.encode(short, pool=pool, chunk_size=30, normalize_embeddings=True)
        np.testing.assert_allclose(
            ours, reference.encode(short, normalize_embeddings=True), rtol=0, atol=1e-5
        )
        tensors = model.encode(short[:5], pool=pool, convert_to_tensor=True)
        assert isinstance(tensors, torch.Tensor)
    finally:
        SentenceTransformer.stop_multi_process_pool(pool)
