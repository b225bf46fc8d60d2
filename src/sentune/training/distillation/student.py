"""The student as it begins: a part of its teacher."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError
from sentune.network.vector_modules import Dense
from sentune.training.distillation.layers import chosen_layers, with_layers
from sentune.wording import counted

__all__ = ["Shape", "shape_of_student", "student_of", "target_of"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a student.

    Attributes:
        layers: the numbers of the teacher's layers that it has, from 0.
        dim: the dimensions of its vectors; None for the teacher's.
    """

    layers: tuple[int, ...]
    dim: int | None


def shape_of_student(
    teacher: SentenceTransformer, layers: int | None = None, dim: int | None = None
) -> Shape:
    """The shape for so many layers, half of the teacher's if None, and dimensions.

    Raises:
        ArgumentError: more layers or dimensions than the teacher has, or as many of both.
    """
    config = teacher.encoder.config
    most, widest = config.num_hidden_layers, teacher.get_embedding_dimension()
    wanted = max(1, most // 2) if layers is None else layers
    require_whole("layers", wanted, most=most, fix=f"the teacher has {counted(most, 'layer')}")
    if dim is not None:
        fix = f"the teacher's vectors have {counted(widest, 'dimension')}"
        require_whole("dim", dim, most=widest, fix=fix)
    if wanted == most and dim in (None, widest):
        raise ArgumentError(
            f"layers is {wanted}, as the teacher has",
            expected="fewer layers or fewer dimensions than the teacher's",
            fix="choose a smaller number of one of them",
        )
    return Shape(tuple(chosen_layers(config, wanted)), None if dim == widest else dim)


def student_of(
    teacher: SentenceTransformer, shape: Shape, vectors: NDArray[Any] | None
) -> SentenceTransformer:
    """A student that begins with weights of its teacher.

    Fewer dimensions are a linear layer after pooling. It begins with the directions in which the
    teacher's vectors are longest. Of all maps to so many dimensions, that one keeps their dot
    products best (Eckart and Young 1936, doi:10.1007/BF02288367).

    Args:
        teacher: which is not changed.
        shape: from :func:`shape_of_student`.
        vectors: the teacher's of many texts, (n, dim of the teacher). Without them,
            dimensions stay.

    Raises:
        DataError: fewer vectors than dimensions.
    """
    student = with_layers(teacher, shape.layers)
    if shape.dim is not None and vectors is not None:
        _narrow(student, torch.from_numpy(vectors), shape.dim)
    return student


def target_of(student: SentenceTransformer, shape: Shape) -> Callable[[Tensor], Tensor] | None:
    """What maps the teacher's vectors to those that the student should learn; None for no change.

    For fewer dimensions these are the modules that :func:`student_of` has added, as they are now.
    """
    if shape.dim is None:
        return None
    added = 2 if student.normalize else 1
    return copy.deepcopy(student.after_pooling[-added:]).requires_grad_(False)


def _narrow(student: SentenceTransformer, vectors: Tensor, dim: int) -> None:
    if len(vectors) < dim:
        raise DataError(
            f"{counted(len(vectors), 'text')} for vectors of {counted(dim, 'dimension')}",
            expected="at least one text for each dimension",
            fix="add texts, or choose fewer dimensions",
        )
    exact = vectors.double()
    directions = torch.linalg.eigh(exact.T @ exact).eigenvectors.flip(1)[:, :dim].T
    # What truncate_dim leaves out has no part in the new vectors.
    weight = torch.zeros(dim, student.output_dimension)
    weight[:, : directions.shape[1]] = directions.float()
    unit, device = student.normalize, student.device
    student.normalize = False  # a linear layer without a bias keeps directions: once is enough
    narrow = Dense(weight.shape[1], dim, bias=False, activation_function=nn.Identity())
    with torch.no_grad():
        narrow.linear.weight.copy_(weight)
    student.after_pooling = nn.Sequential(*student.after_pooling, narrow).to(device).eval()
    student.normalize = unit
    student.truncate_dim = None
