"""What a teacher model says as labels: its vectors, or its scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sentune.checks import require_choice, require_number, require_whole
from sentune.errors import ArgumentError
from sentune.files import write_bytes
from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels
from sentune.training.losses.shared.pair_functions import Similarity, require_shape, row_by_row

__all__ = ["DistillKLDivLoss", "EmbedDistillLoss", "MSELoss", "MarginMSELoss"]

_MULTILINGUAL = """\
@inproceedings{reimers2020making,
    title = {Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation},
    author = {Nils Reimers and Iryna Gurevych},
    booktitle = {Proceedings of the 2020 Conference on Empirical Methods in Natural Language
                 Processing},
    year = {2020},
    eprint = {2004.09813},
    archivePrefix = {arXiv}
}"""
_EMBED_DISTILL = """\
@misc{kim2023embeddistill,
    title = {{EmbedDistill}: A Geometric Knowledge Distillation for Information Retrieval},
    author = {Seungyeon Kim and Ankit Singh Rawat and Manzil Zaheer and others},
    year = {2023},
    eprint = {2301.12005},
    archivePrefix = {arXiv}
}"""
_MARGIN = """\
@misc{hofstatter2020improving,
    title = {Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
             Distillation},
    author = {Sebastian Hofst{\\"a}tter and Sophia Althammer and Michael Schr{\\"o}der and Mete
              Sertkan and Allan Hanbury},
    year = {2020},
    eprint = {2010.02666},
    archivePrefix = {arXiv}
}"""
_KL = """\
@misc{lin2020distilling,
    title = {Distilling Dense Representations for Ranking using Tightly-Coupled Teachers},
    author = {Sheng-Chieh Lin and Jheng-Hong Yang and Jimmy Lin},
    year = {2020},
    eprint = {2010.11386},
    archivePrefix = {arXiv}
}"""

_TO_TEACHER: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "l2": lambda student, teacher: (student - teacher).norm(dim=-1).mean(),
    "cosine": lambda student, teacher: (1 - F.cosine_similarity(student, teacher, dim=-1)).mean(),
}


class EmbedDistillLoss(EmbeddingLoss):
    r"""Vectors near those of a teacher (Kim et al. 2023, arXiv:2301.12005, equations 7 and 8).

    With :math:`s_i` a vector of the model and :math:`t_i` the teacher's, the label of the row:

    .. math::  L = \frac1n \sum_i d(s_i, t_i)

    With several columns, L is the mean over the columns. Cost: n · dim operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: ``cosine`` (1 - cosine), ``l2`` (the length of the difference) or ``mse``
            (the mean square of its components).
        projection_dim: the teacher's dimension where it is another one. A linear layer, the
            attribute ``projection``, then maps the model's vectors to it, and trains with the
            model. Saving the model leaves it out.

    Raises:
        ArgumentError: an unknown distance, a projection without the model, no labels, or labels
            that do not fit the columns or the dimension.
    """

    citation = _EMBED_DISTILL
    settings: tuple[str, ...] = ("distance_metric", "projection_dim")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str = "cosine",
        projection_dim: int | None = None,
    ) -> None:
        super().__init__(model)
        self.distance_metric = require_choice(
            "distance_metric", distance_metric, tuple(_TO_TEACHER)
        )
        self.projection_dim = projection_dim
        self.projection: nn.Linear | None = None
        if projection_dim is not None:
            dimension = getattr(model, "get_embedding_dimension", None)
            if dimension is None:
                raise ArgumentError(
                    "projection_dim without a model",
                    expected="the model whose vectors are mapped",
                    fix="pass the model as the first argument of the loss",
                )
            require_whole("projection_dim", projection_dim)
            self.projection = nn.Linear(dimension(), projection_dim)
            self.projection.to(getattr(model, "device", None))

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Columns of (n, dim), teacher's vectors (n, dim) or (n, columns, dim) → scalar."""
        require_columns(columns, 1, "at least one column of texts")
        teacher = require_labels(labels, "the teacher's vector of each text")
        apart = _TO_TEACHER[self.distance_metric]
        given = columns if self.projection is None else [self.projection(one) for one in columns]
        each = teacher.dim() == 3
        targets = list(teacher.unbind(dim=1)) if each else [teacher] * len(given)
        if [one.shape for one in targets] != [one.shape for one in given]:
            raise ArgumentError(
                f"labels of shape {tuple(teacher.shape)} with vectors {tuple(given[0].shape)}",
                expected="the teacher's vector of each row, in the dimension of the model's",
                fix="encode the texts with the teacher, or set projection_dim to its dimension",
            )
        losses = [apart(one, to.to(one.dtype)) for one, to in zip(given, targets, strict=True)]
        return torch.stack(losses).mean()

    def save_projection(self, path: str | Path) -> None:
        """Write the projection as safetensors. Raises ArgumentError, OutputError."""
        write_bytes(path, save(self._projected().state_dict()))

    def load_projection(self, path: str | Path) -> None:
        """Read a projection of the same sizes. Raises ArgumentError."""
        projection = self._projected()
        try:
            projection.load_state_dict(load_file(path))
        except Exception as error:
            raise ArgumentError(
                f"{path} cannot be read as a projection ({str(error).splitlines()[0]})",
                expected="a file of save_projection, of the same dimensions",
                fix="check the file and projection_dim",
            ) from error

    def _projected(self) -> nn.Linear:
        if self.projection is None:
            raise ArgumentError(
                "a loss without a projection",
                expected="one that was made with projection_dim",
                fix="set projection_dim to the teacher's dimension",
            )
        return self.projection


class MSELoss(EmbedDistillLoss):
    """Mean squared error to a teacher's vectors (Reimers and Gurevych 2020, arXiv:2004.09813).

    It is :class:`EmbedDistillLoss` with the distance ``mse``, and has its arguments and errors.
    """

    citation = _MULTILINGUAL
    settings = ("projection_dim",)

    def __init__(self, model: nn.Module | None = None, projection_dim: int | None = None) -> None:
        super().__init__(model, "mse", projection_dim)


class MarginMSELoss(EmbeddingLoss):
    r"""The margins between passages as a teacher has them (Hofstätter et al. 2020, 2010.02666).

    With :math:`m_{ik} = \text{sim}(q_i, p_i) - \text{sim}(q_i, n_{ik})` over k negatives, and
    :math:`t_{ik}` the teacher's:

    .. math::  L = \operatorname*{mean}_{ik} (m_{ik} - t_{ik})^2

    Cost: n · dim operations for each column.

    Args:
        model: encodes texts where the loss is called with tokens.
        similarity_fct: ``pairwise_dot_score``, ``pairwise_cos_sim``, or another function of two
            (n, dim) that returns (n,).

    Raises:
        ArgumentError: fewer than three columns, no labels, or labels that are neither a margin
            for each negative nor a score for each passage.
    """

    citation = _MARGIN
    settings = ("similarity_fct",)

    def __init__(
        self,
        model: nn.Module | None = None,
        similarity_fct: str | Similarity = "pairwise_dot_score",
    ) -> None:
        super().__init__(model)
        self.similarity_fct = row_by_row(similarity_fct)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Questions, positives, negatives …; margins (n, k) or scores (n, 1 + k) → scalar."""
        require_columns(columns, 3, "questions, positives and one or more columns of negatives")
        teacher = require_labels(labels, "the teacher's margins or scores")
        question, positive, *negatives = columns
        near = require_shape(self.similarity_fct(question, positive), len(question))
        margins = torch.stack([near - self.similarity_fct(question, n) for n in negatives], dim=1)
        if teacher.dim() == 1:
            teacher = teacher[:, None]
        if teacher.dim() == 2 and teacher.shape[1] == len(negatives) + 1:
            teacher = teacher[:, :1] - teacher[:, 1:]
        if teacher.shape != margins.shape:
            raise ArgumentError(
                f"labels of shape {tuple(teacher.shape)} with {len(negatives)} negatives",
                expected=f"{len(negatives)} margins or {len(negatives) + 1} scores in each row",
                fix="write the teacher's scores of the positive and of each negative as a list",
            )
        return F.mse_loss(margins, teacher.to(margins.dtype))


class DistillKLDivLoss(EmbeddingLoss):
    r"""The teacher's distribution over the passages of a row (Lin et al. 2020, arXiv:2010.11386).

    With :math:`s_i` the model's scores of the passages of row :math:`i`, :math:`t_i` the
    teacher's, :math:`T_s` and :math:`T_t` the temperatures, and :math:`\sigma` the softmax:

    .. math::  L = \frac{T_s^2}{n} \sum_i \operatorname{KL}
               \bigl( \sigma(t_i / T_t) \,\|\, \sigma(s_i / T_s) \bigr)

    Cost: n · dim operations for each column.

    Args:
        model: encodes texts where the loss is called with tokens.
        similarity_fct: as for :class:`MarginMSELoss`.
        temperature: divides the scores of both.
        student_temperature, teacher_temperature: another one for the model's, or the teacher's.

    Raises:
        ArgumentError: a temperature that is not above 0, fewer than three columns, no labels, or
            not a score for each passage.
    """

    citation = _KL
    settings = ("similarity_fct", "temperature")
    optional: Mapping[str, Any] = {"student_temperature": None, "teacher_temperature": None}

    def __init__(
        self,
        model: nn.Module | None = None,
        similarity_fct: str | Similarity = "pairwise_dot_score",
        temperature: float = 1.0,
        student_temperature: float | None = None,
        teacher_temperature: float | None = None,
    ) -> None:
        super().__init__(model)
        self.similarity_fct = row_by_row(similarity_fct)
        self.temperature = _above_zero("temperature", temperature)
        self.student_temperature, self.teacher_temperature = (
            None if given is None else _above_zero(name, given)
            for name, given in (
                ("student_temperature", student_temperature),
                ("teacher_temperature", teacher_temperature),
            )
        )

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Questions, positives, negatives …, teacher's scores (n, passages) → scalar."""
        require_columns(columns, 3, "questions, positives and one or more columns of negatives")
        teacher = require_labels(labels, "the teacher's score of each passage")
        question, *passages = columns
        student = torch.stack([self.similarity_fct(question, one) for one in passages], dim=1)
        require_shape(student, len(question), len(passages))
        if teacher.shape != student.shape:
            raise ArgumentError(
                f"labels of shape {tuple(teacher.shape)} with {len(passages)} columns of passages",
                expected=f"{len(passages)} scores in each row",
                fix="write the teacher's scores of the positive and of each negative as a list",
            )
        of_student = self.student_temperature or self.temperature
        of_teacher = self.teacher_temperature or self.temperature
        wanted = (teacher.to(student.dtype) / of_teacher).softmax(dim=1)
        found = (student / of_student).log_softmax(dim=1)
        return F.kl_div(found, wanted, reduction="batchmean") * of_student**2


def _above_zero(name: str, value: float) -> float:
    return require_number(name, value, least=5e-324, expected="a number greater than 0")
