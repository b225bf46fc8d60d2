"""The size of a student, and how it begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError
from sentune.training.distillation import Shape, shape_of_student, student_of, target_of


def load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(folder, device="cpu", compute_dtype="float32")


def test_half_of_the_layers_unless_said(tiny: SentenceTransformer) -> None:
    assert shape_of_student(tiny) == Shape((0,), None)
    assert shape_of_student(tiny, 1, 32) == Shape((0,), None)
    assert shape_of_student(tiny, 2, 8) == Shape((0, 1), 8)


@pytest.mark.parametrize(
    ("layers", "dim", "message"),
    [
        (3, None, r"layers is 3: expected a whole number from 1 to 2\. The teacher has 2 layers"),
        (0, None, "layers is 0: expected a whole number from 1 to 2"),
        (1, 33, r"dim is 33: expected a whole number from 1 to 32\. The teacher's vectors have 32"),
        (1, 0, "dim is 0: expected a whole number from 1 to 32"),
        (2, None, "layers is 2, as the teacher has: expected fewer layers or fewer dimensions"),
        (2, 32, "layers is 2, as the teacher has: expected fewer layers or fewer dimensions"),
    ],
)
def test_sizes_that_are_not_smaller_are_refused(
    layers: int, dim: int | None, message: str, tiny: SentenceTransformer
) -> None:
    with pytest.raises(ArgumentError, match=message):
        shape_of_student(tiny, layers, dim)


@pytest.mark.parametrize("unit", [True, False])
def test_fewer_dimensions_begin_as_the_best_projection(
    unit: bool, tiny_folder: Path, real_texts: list[str], tmp_path: Path
) -> None:
    """Against the singular vectors in float64; and the folder loads in the reference."""
    teacher = load(tiny_folder)
    teacher.normalize = unit
    vectors = teacher.encode(real_texts[:200])
    shape = Shape((0, 1), 6)  # all layers, so that only the projection is new
    student = student_of(teacher, shape, vectors)
    best = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)[2][:6]
    expected = vectors @ best.T
    if unit:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = student.encode(real_texts[:200])
    # Each direction may point the other way.
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=2e-4)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)
    target = target_of(student, shape)
    assert target is not None
    np.testing.assert_allclose(target(torch.from_numpy(vectors)), found, atol=1e-5)
    assert not any(each.requires_grad for each in target.parameters())  # type: ignore[attr-defined]
    student.save_pretrained(tmp_path / "student")
    assert load(tmp_path / "student").get_embedding_dimension() == 6
    from sentence_transformers import SentenceTransformer as Reference

    theirs = Reference(str(tmp_path / "student"), device="cpu").encode(real_texts[:9])
    np.testing.assert_allclose(theirs, found[:9], atol=1e-5)


def test_what_truncate_dim_leaves_out_has_no_part(tiny_folder: Path, real_texts: list[str]) -> None:
    teacher = load(tiny_folder)
    teacher.truncate_dim = 10
    vectors = teacher.encode(real_texts[:60])
    with pytest.raises(ArgumentError, match="dim is 11: expected a whole number from 1 to 10"):
        shape_of_student(teacher, 1, 11)
    student = student_of(teacher, shape_of_student(teacher, 2, 4), vectors)
    assert student.truncate_dim is None
    best = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)[2][:4]
    expected = vectors @ best.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = student.encode(real_texts[:60])
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=2e-4)


def test_fewer_texts_than_dimensions_are_refused(tiny: SentenceTransformer) -> None:
    with pytest.raises(DataError, match="5 texts for vectors of 6 dimensions: expected at least"):
        student_of(tiny, Shape((0,), 6), np.zeros((5, 32), np.float32))


def test_the_same_dimensions_need_no_target(tiny: SentenceTransformer) -> None:
    shape = Shape((0,), None)
    student = student_of(tiny, shape, None)
    assert target_of(student, shape) is None
    assert student.output_dimension == 32
