"""Evaluators of pairs of texts with a score or a label each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError
from sentune.evaluation.classification import confusion_matrix, label_figures
from sentune.evaluation.correlation import pearson, require_different, spearman
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.thresholds import average_precision, best_accuracy, best_f1
from sentune.vectors import require_finite
from sentune.wording import counted

__all__ = ["CrossEncoderClassificationEvaluator", "CrossEncoderCorrelationEvaluator"]

Pairs = Sequence[Sequence[str]]
Scores = NDArray[np.floating[Any]]


class _PairEvaluator(SentenceEvaluator):
    """Pairs of texts with a value each."""

    def __init__(
        self,
        pairs: Pairs,
        values: Sequence[float],
        *,
        name: str,
        prompt_name: str | None,
        batch_size: int,
        show_progress_bar: bool | None,
        write_csv: bool,
    ) -> None:
        super().__init__()
        if len(pairs) != len(values) or not len(pairs):
            raise DataError(
                f"{counted(len(pairs), 'pair')} and {counted(len(values), 'value')}",
                expected="at least one pair, and a value for each",
                fix="give each pair a value",
            )
        self.sentence_pairs = [tuple(pair) for pair in pairs]
        self.name, self.prompt_name, self.write_csv = name, prompt_name, write_csv
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        kind = type(self).__name__
        self.csv_file = f"{kind}_{named(name, 'results')}.csv"

    @classmethod
    def from_input_examples(cls, examples: Sequence[Any], **options: Any) -> Any:
        """The evaluator of objects with two ``.texts`` and a ``.label``."""
        pairs = [list(one.texts) for one in examples]
        return cls(pairs, [one.label for one in examples], **options)

    def _predicted(self, model: Any) -> Scores:
        found: Scores = np.asarray(
            model.predict(
                self.sentence_pairs,
                prompt_name=self.prompt_name,
                batch_size=self.batch_size,
                show_progress_bar=self.show_progress_bar,
            )
        )
        require_finite(found, "the scores")
        return found

    def _written(self, path: str | Path | None, row: Mapping[str, object], **step: int) -> None:
        if path is not None and self.write_csv:
            append_row(path, self.csv_file, {**step, **row})


class CrossEncoderCorrelationEvaluator(_PairEvaluator):
    """How well a model's scores agree with those that people gave to pairs.

    Args:
        sentence_pairs: n pairs of texts.
        scores: how similar people found them, on any scale.
        name: in front of every key.
        prompt_name, batch_size, show_progress_bar: passed to the model.
        write_csv: append a row to ``CrossEncoderCorrelationEvaluator_{name}_results.csv`` when
            called with an ``output_path``.

    Attributes:
        primary_metric: ``{name}_spearman``.

    Raises:
        DataError: lengths that differ, or scores without two different finite values.
    """

    def __init__(
        self,
        sentence_pairs: Pairs,
        scores: Sequence[float],
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        write_csv: bool = True,
    ) -> None:
        super().__init__(
            sentence_pairs,
            scores,
            name=name,
            prompt_name=prompt_name,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            write_csv=write_csv,
        )
        self.scores = np.asarray(scores, dtype=np.float64)
        require_different("scores", self.scores, fix="check the column of the scores")
        self.primary_metric = named(name, "spearman")

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """``{name}_pearson`` and ``{name}_spearman``. Raises ModelError, OutputError."""
        found = self._predicted(model)
        metrics = {"pearson": pearson(self.scores, found), "spearman": spearman(self.scores, found)}
        row = {f"{key.capitalize()}_Correlation": value for key, value in metrics.items()}
        self._written(output_path, row, epoch=epoch, steps=steps)
        return self._finished(model, metrics, epoch, steps)


class CrossEncoderClassificationEvaluator(_PairEvaluator):
    """How well a model's scores tell the labels of pairs.

    Args:
        sentence_pairs: n pairs of texts.
        labels: 0 or 1 for a model with one label, else the number of the right label.
        name, prompt_name, batch_size, show_progress_bar, write_csv: as for
            :class:`CrossEncoderCorrelationEvaluator`.

    Attributes:
        primary_metric: ``{name}_average_precision``, or ``{name}_f1_macro`` with several labels.

    Raises:
        DataError: lengths that differ, or labels that are no whole numbers from 0.
    """

    def __init__(
        self,
        sentence_pairs: Pairs,
        labels: Sequence[int],
        *,
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        write_csv: bool = True,
    ) -> None:
        super().__init__(
            sentence_pairs,
            labels,
            name=name,
            prompt_name=prompt_name,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            write_csv=write_csv,
        )
        self.labels = np.asarray(labels)
        if (
            self.labels.dtype.kind not in "iufb"
            or (self.labels % 1 != 0).any()
            or (self.labels < 0).any()
        ):
            raise DataError(
                "labels other than whole numbers",
                expected="0 or 1, or the numbers of labels",
                fix="number the labels from 0",
            )
        self.labels = self.labels.astype(np.int64)
        self.csv_file = f"CrossEncoderClassificationEvaluator_{named(name, 'results')}.csv"
        several = self.labels.max() > 1
        self.primary_metric = named(name, "f1_macro" if several else "average_precision")

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Measure the model.

        Returns:
            For one label ``accuracy``, ``f1``, their thresholds, ``precision``, ``recall`` (at the
            threshold of F1) and ``average_precision``; for several ``f1_macro``, ``f1_micro`` and
            ``f1_weighted``.

        Raises:
            DataError: labels that the model cannot give.
            ModelError, OutputError: a score is not finite, the file cannot be written.
        """
        scores = self._predicted(model)
        most = 2 if scores.ndim == 1 else scores.shape[1]
        if self.labels.max() >= most:
            raise DataError(
                f"the label {self.labels.max()} for a model with {counted(most, 'label')}",
                expected=f"labels from 0 to {most - 1}",
                fix="number the labels from 0, or choose another model",
            )
        metrics = self._binary(scores) if scores.ndim == 1 else self._several(scores)
        row = {_column(key): value for key, value in metrics.items()}
        self._written(output_path, row, epoch=epoch, steps=steps)
        self.primary_metric = named(self.name, list(metrics)[-1 if scores.ndim == 1 else 0])
        return self._finished(model, metrics, epoch, steps)

    def _binary(self, scores: Scores) -> dict[str, Any]:
        right = self.labels == 1
        accuracy, threshold = best_accuracy(scores, right)
        f1 = best_f1(scores, right)
        return {
            "accuracy": accuracy,
            "accuracy_threshold": scores.dtype.type(threshold),
            "f1": f1.f1,
            "f1_threshold": scores.dtype.type(f1.threshold),
            "precision": f1.precision,
            "recall": f1.recall,
            "average_precision": average_precision(scores, right),
        }

    def _several(self, scores: Scores) -> dict[str, Any]:
        """Macro F1 is the mean over the labels that occur in truth or prediction."""
        count = scores.shape[1]
        confusion = confusion_matrix(self.labels, scores.argmax(axis=1), count)
        occurs = confusion.sum(axis=0) + confusion.sum(axis=1) > 0
        figures = label_figures(confusion, [str(number) for number in range(count)])
        f1 = np.array([of_label.f1 for of_label in figures])
        support = confusion.sum(axis=1)
        return {
            "f1_macro": float(f1[occurs].mean()),
            "f1_micro": float(np.diag(confusion).sum() / confusion.sum()),
            "f1_weighted": float((f1 * support).sum() / support.sum()),
        }


def _column(key: str) -> str:
    """The key in the file: ``accuracy_threshold`` → ``Accuracy_Threshold``, ``f1_macro`` → …"""
    if key.startswith("f1_") and key != "f1_threshold":
        return f"{key.removeprefix('f1_').capitalize()}_F1"
    return "_".join(part.capitalize() for part in key.split("_"))
