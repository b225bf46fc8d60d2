"""A text classifier: a linear head on a model's vectors.

::

    texts ─ model ─ vectors of unit length ─ head ─ scores ─ temperature ─ probabilities

:mod:`sentune.tasks.classifier_training` trains it, :mod:`sentune.tasks.classifier_folder` saves and
loads it. Predicting needs NumPy only, no scikit-learn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.evaluation.classification import (
    LabelFigures,
    ProbabilityFigures,
    classification_intervals,
    confusion_matrix,
    label_figures,
    probability_figures,
)
from sentune.evaluation.significance import Interval
from sentune.vectors import require_finite
from sentune.wording import counted

__all__ = [
    "Evaluation",
    "Head",
    "Prediction",
    "TextClassifier",
    "require_labels",
    "softmax",
    "text_vectors",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """Scores that are linear in the vector, and the temperature that makes them probabilities.

    Logistic regression has this form, and so has the nearest centroid: the centroid c with the
    least distance to x has the greatest x·c − c·c/2.

    Attributes:
        weights: (L, dim) float64.
        intercept: (L,) float64.
        temperature: scores are divided by it before the softmax.
    """

    weights: Floats
    intercept: Floats
    temperature: float = 1.0

    def scores(self, vectors: Floats) -> Floats:
        """(n, dim) → (n, L)."""
        return vectors @ self.weights.T + self.intercept

    def probabilities(self, scores: Floats) -> Floats:
        """(n, L) scores → (n, L) rows that sum to 1."""
        return softmax(scores / self.temperature)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of a text, its probability, and the probabilities of all labels."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of a classifier on labelled texts.

    Attributes:
        accuracy, macro_f1: with 95% intervals.
        per_label: one for each label of the classifier, then for each unknown one.
        confusion: a row for each true label, a column for each predicted one, in that order.
        probabilities: over the rows whose label the classifier knows.
        unknown: labels that the classifier does not know, and how many rows have them; these
            rows count as wrong.
        rows: how many rows were measured.
    """

    accuracy: Interval
    macro_f1: Interval
    per_label: list[LabelFigures]
    confusion: list[list[int]]
    probabilities: ProbabilityFigures
    unknown: dict[str, int]
    rows: int


@dataclass(slots=True)
class TextClassifier:
    """One label for each text, with a probability.

    Attributes:
        model: makes vectors of texts.
        labels: in the order of the head's rows.
        head: makes scores of vectors.
        method: ``logistic`` or ``centroid``.
        prompt: put before every text.
        report: the results of training, as JSON: figures, baselines, calibration, notes.
    """

    model: SentenceTransformer
    labels: tuple[str, ...]
    head: Head
    method: str
    prompt: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    def predict(self, texts: Sequence[str], *, show_progress_bar: bool = False) -> list[Prediction]:
        """The most probable label of each text. Raises ArgumentError if one is not a text."""
        scores = self._scores(texts, show_progress_bar)
        probabilities = self.head.probabilities(scores)
        return [
            Prediction(
                text,
                self.labels[best],
                float(row[best]),
                dict(zip(self.labels, row.tolist(), strict=True)),
            )
            for text, best, row in zip(texts, scores.argmax(axis=1), probabilities, strict=True)
        ]

    def evaluate(
        self, texts: Sequence[str], labels: Sequence[str], *, show_progress_bar: bool = False
    ) -> Evaluation:
        """Compare the predictions with the true labels; the intervals are from resampled rows.

        Raises:
            DataError: fewer than two rows, a row without a label, or no row with a label that the
                classifier knows.
            ArgumentError: a value that is not a text, with its position.
        """
        require_labels(texts, labels)
        unknown = Counter(sorted(label for label in labels if label not in self.labels))
        if len(labels) == unknown.total():
            raise DataError(
                f"{counted(len(labels), 'row')}, none of which has a label of the classifier",
                expected=f"some of {', '.join(self.labels[:5])}{' …' * (len(self.labels) > 5)}",
                fix="check that this is the right file, and the spelling of the labels",
            )
        names = [*self.labels, *unknown]
        truth = np.array([names.index(label) for label in labels], dtype=np.int64)
        scores = self._scores(texts, show_progress_bar)
        predicted = scores.argmax(axis=1)
        known = truth < len(self.labels)
        intervals = classification_intervals(truth, predicted, len(names))
        confusion = confusion_matrix(truth, predicted, len(names))
        return Evaluation(
            **intervals,
            per_label=label_figures(confusion, names),
            confusion=confusion.tolist(),
            probabilities=probability_figures(truth[known], self.head.probabilities(scores[known])),
            unknown=dict(unknown),
            rows=len(labels),
        )

    def _scores(self, texts: Sequence[str], show_progress_bar: bool) -> Floats:
        vectors = text_vectors(self.model, texts, self.prompt, show_progress_bar=show_progress_bar)
        return self.head.scores(vectors)


def text_vectors(
    model: SentenceTransformer,
    texts: Sequence[str],
    prompt: str,
    *,
    show_progress_bar: bool = False,
) -> Floats:
    """Vectors of unit length, (n, dim) float64. Raises ArgumentError, ModelError."""
    vectors = model.encode(
        list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=show_progress_bar
    ).astype(np.float64)
    require_finite(vectors, f"the vectors of {model.base.name}")
    return vectors


def require_labels(texts: Sequence[str], labels: Sequence[str]) -> None:
    """Raise DataError unless every text has a label, and every label is a text and not blank."""
    if isinstance(texts, str) or len(texts) != len(labels):
        count = 1 if isinstance(texts, str) else len(texts)
        raise DataError(
            f"{counted(count, 'text')} and {counted(len(labels), 'label')}",
            expected="one label for each text",
            fix="give two lists of the same length",
        )
    for position, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip():
            raise DataError(
                f"the label at position {position} is {label!r}",
                expected="a text that is not blank",
                fix="label the row, or leave it out",
            )


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1, without overflow."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
