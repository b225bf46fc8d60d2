"""A classifier over pairs of vectors, trained together with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, Encode, require_columns, require_labels
from sentune.training.losses.shared.features import Features, vectors_of

__all__ = ["SoftmaxLoss"]

_CITATION = """\
@inproceedings{reimers2019sentence,
    title = {Sentence-{BERT}: Sentence Embeddings using {Siamese} {BERT}-Networks},
    author = {Nils Reimers and Iryna Gurevych},
    booktitle = {Proceedings of the 2019 Conference on Empirical Methods in Natural Language
                 Processing},
    year = {2019},
    eprint = {1908.10084},
    archivePrefix = {arXiv}
}"""


class SoftmaxLoss(EmbeddingLoss):
    r"""Classes of pairs of texts (Reimers and Gurevych 2019, arXiv:1908.10084, section 3).

    With :math:`u_i` and :math:`v_i` the vectors of the two texts and :math:`y_i` their class:

    .. math::  L = \frac1n \sum_i - \log \operatorname{softmax}
               \bigl( W (u_i, v_i, |u_i - v_i|) + b \bigr)_{y_i}

    The classifier, W and b, is the attribute ``classifier``. Training changes it with the model.
    Saving the model leaves it out; a checkpoint has it. Cost: n · dim · classes multiplications.

    Args:
        model: encodes texts where the loss is called with tokens; the classifier is on its device.
        embedding_dimension: dimensions of the vectors.
        num_labels: classes; labels are from 0 to num_labels - 1.
        concatenation_sent_rep: use the two vectors.
        concatenation_sent_difference: use the absolute values of their difference.
        concatenation_sent_multiplication: use the products of their components.
        loss_fct: compares (n, num_labels) with (n,) classes; the cross entropy when None.
        sentence_embedding_dimension: the older name of ``embedding_dimension``.

    Raises:
        ArgumentError: no dimension, no class, nothing to use, more or fewer than two columns, or
            a label that is no class.
    """

    citation = _CITATION
    settings = (
        "num_labels",
        "concatenation_sent_rep",
        "concatenation_sent_difference",
        "concatenation_sent_multiplication",
    )

    def __init__(
        self,
        model: nn.Module | None = None,
        embedding_dimension: int | None = None,
        num_labels: int | None = None,
        concatenation_sent_rep: bool = True,
        concatenation_sent_difference: bool = True,
        concatenation_sent_multiplication: bool = False,
        loss_fct: Callable[..., Tensor] | None = None,
        *,
        sentence_embedding_dimension: int | None = None,
    ) -> None:
        super().__init__(model)
        given = (
            embedding_dimension
            if embedding_dimension is not None
            else (sentence_embedding_dimension)
        )
        dimension = require_whole("embedding_dimension", given)
        self.num_labels = require_whole("num_labels", num_labels)
        self.concatenation_sent_rep = concatenation_sent_rep
        self.concatenation_sent_difference = concatenation_sent_difference
        self.concatenation_sent_multiplication = concatenation_sent_multiplication
        parts = 2 * concatenation_sent_rep + concatenation_sent_difference
        parts += concatenation_sent_multiplication
        if not parts:
            raise ArgumentError(
                "a SoftmaxLoss with every concatenation False",
                expected="something to classify",
                fix="leave concatenation_sent_rep at True",
            )
        self.classifier = nn.Linear(parts * dimension, self.num_labels)
        self.classifier.to(getattr(model, "device", None))
        self.loss_fct = loss_fct or nn.CrossEntropyLoss()

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """As the base class. Raises ArgumentError where the data has no labels."""
        require_labels(batch.labels, f"the class of each pair, 0 to {self.num_labels - 1}")
        return super().compute(encode, batch)

    def forward(
        self,
        sentence_features: Sequence[Tensor | Features],
        labels: Tensor | None = None,
        **context: Any,
    ) -> Any:
        """As the base class; without labels the columns, and the (n, num_labels) logits."""
        if labels is not None:
            return super().forward(sentence_features, labels, **context)
        columns = vectors_of(self.model, sentence_features)
        return list(columns), self._logits(columns)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Two columns of (n, dim), (n,) classes → scalar."""
        logits = self._logits(columns)
        classes = require_labels(labels, f"the class of each pair, 0 to {self.num_labels - 1}")
        numbers = classes.view(-1).long()
        wrong = (numbers < 0) | (numbers >= self.num_labels) | (numbers != classes.view(-1))
        if wrong.any():
            raise ArgumentError(
                f"the label {classes.view(-1)[wrong][0].item():g}",
                expected=f"the number of a class, 0 to {self.num_labels - 1}",
                fix="number the labels from 0, or raise num_labels",
            )
        loss: Tensor = self.loss_fct(logits, numbers)
        return loss

    def _logits(self, columns: Sequence[Tensor]) -> Tensor:
        require_columns(columns, 2, "two columns of texts and a class", most=2)
        first, second = columns
        parts = [first, second] if self.concatenation_sent_rep else []
        if self.concatenation_sent_difference:
            parts.append((first - second).abs())
        if self.concatenation_sent_multiplication:
            parts.append(first * second)
        joined = torch.cat(parts, dim=1)
        logits: Tensor = self.classifier(joined.to(self.classifier.weight.dtype))
        return logits
