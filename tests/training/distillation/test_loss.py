"""The distance from a teacher, in float64 written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch, Collator
from sentune.training.batches.examples import Row
from sentune.training.distillation import (
    Shape,
    TeacherVectorsLoss,
    student_of,
    target_of,
    with_layers,
)

TEXTS = ["a file is read by a thread", "sockets", "paths and bytes", "how does a lock work"]


@pytest.fixture
def student(tiny: SentenceTransformer) -> SentenceTransformer:
    return with_layers(tiny, [1])


def batch_of(model: SentenceTransformer) -> Batch:
    return Collator(model.tokenizer)([Row((text,)) for text in TEXTS])["batch"]


def exact(model: SentenceTransformer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The vectors of the texts, and of all tokens scaled to unit length."""
    tokens = np.concatenate(
        [each.numpy() for each in model.encode(TEXTS, output_value="token_embeddings")]
    ).astype(np.float64)
    return (
        model.encode(TEXTS).astype(np.float64),
        tokens / np.linalg.norm(tokens, axis=1, keepdims=True),
    )


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize("unit", [True, False])
def test_the_loss_is_the_formula(
    weight: float, unit: bool, tiny: SentenceTransformer, student: SentenceTransformer
) -> None:
    tiny.normalize = student.normalize = unit
    try:
        loss = TeacherVectorsLoss(student, tiny, weight).compute(student, batch_of(student))
        (found, tokens), (wanted, known) = exact(student), exact(tiny)
    finally:
        tiny.normalize = True
    apart = ((found - wanted) ** 2).sum(axis=1) / (wanted**2).sum(axis=1)
    expected = apart.mean() + weight * ((tokens - known) ** 2).sum(axis=1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert expected > 0.05


def test_a_target_of_fewer_dimensions(tiny: SentenceTransformer, real_texts: list[str]) -> None:
    shape = Shape((0,), 8)
    student = student_of(tiny, shape, tiny.encode(real_texts[:40]))
    target = target_of(student, shape)
    assert target is not None
    loss = TeacherVectorsLoss(student, tiny, 0.0, target=target).compute(student, batch_of(tiny))
    wanted = target(torch.from_numpy(tiny.encode(TEXTS))).numpy()
    expected = ((student.encode(TEXTS) - wanted) ** 2).sum(axis=1).mean()  # both of unit length
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert expected > 0.05


def test_the_teacher_has_no_gradient_and_no_weights_in_the_loss(
    tiny: SentenceTransformer, student: SentenceTransformer
) -> None:
    loss = TeacherVectorsLoss(student, tiny)
    loss.compute(student, batch_of(student)).backward()
    assert all(each.grad is None for each in tiny.parameters())
    assert all(each.grad is not None for each in student.encoder.layers.parameters())
    theirs = {id(each) for each in tiny.parameters()}
    assert not theirs & {id(each) for each in loss.parameters()}
    assert loss.describe() == {"teacher": "SentenceTransformer", "token_weight": 1.0}


def test_a_student_equal_to_its_teacher_has_no_loss(tiny_folder: Path) -> None:
    both = [
        SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32") for _ in range(2)
    ]
    loss = TeacherVectorsLoss(both[0], both[1]).compute(both[0], batch_of(both[0]))
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(loss)


def test_a_weight_below_zero_is_refused(
    tiny: SentenceTransformer, student: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match="token_weight is -1"):
        TeacherVectorsLoss(student, tiny, -1)
