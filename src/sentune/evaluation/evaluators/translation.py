"""Whether each text's translation is the nearest text of the other language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import encode, encode_options, require_equal_lengths
from sentune.vectors import require_finite

__all__ = ["TranslationEvaluator"]

_SHOWN = 5


class TranslationEvaluator(SentenceEvaluator):
    """The share of texts whose nearest text by cosine, in the other list, is their translation.

    Args:
        source_sentences: n texts.
        target_sentences: their translations. Another text with the same words is right too.
        show_progress_bar, batch_size, truncate_dim: passed to the model.
        name: in front of every key.
        print_wrong_matches: print the sources whose translation is not the nearest, with the five
            nearest texts.
        write_csv: append a row to ``translation_evaluation_{name}_results.csv`` when called with
            an ``output_path``.

    Attributes:
        primary_metric: ``{name}_mean_accuracy``.

    Raises:
        DataError: lengths that differ.
    """

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        show_progress_bar: bool = False,
        batch_size: int = 16,
        name: str = "",
        print_wrong_matches: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.source_sentences = list(source_sentences)
        self.target_sentences = list(target_sentences)
        require_equal_lengths(
            "give each source its translation",
            source_sentences=self.source_sentences,
            target_sentences=self.target_sentences,
        )
        self.name = name
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.print_wrong_matches = print_wrong_matches
        self.write_csv, self.truncate_dim = write_csv, truncate_dim
        self.csv_file = f"translation_evaluation_{named(name, 'results')}.csv"
        self.primary_metric = named(name, "mean_accuracy")

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode both lists and compare all pairs.

        Returns:
            ``{name}_src2trg_accuracy``, ``{name}_trg2src_accuracy`` and their mean,
            ``{name}_mean_accuracy``.

        Cost: encoding; then n² · dim operations and memory for n² numbers.

        Raises:
            ModelError: a vector is not finite.
            OutputError: the CSV file cannot be written.
        """
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        sources, targets = (
            encode(model, texts, **options)
            for texts in (self.source_sentences, self.target_sentences)
        )
        scores = _unit(sources) @ _unit(targets).T
        if self.print_wrong_matches:
            self._print_wrong(scores)
        forward = _accuracy(scores, self.target_sentences)
        backward = _accuracy(scores.T, self.source_sentences)
        if output_path is not None and self.write_csv:
            row = {"epoch": epoch, "steps": steps, "src2trg": forward, "trg2src": backward}
            append_row(output_path, self.csv_file, row)
        metrics = {
            "src2trg_accuracy": forward,
            "trg2src_accuracy": backward,
            "mean_accuracy": (forward + backward) / 2,
        }
        return self._finished(model, metrics, epoch, steps)

    def _print_wrong(self, scores: NDArray[Any]) -> None:
        for row, of_row in enumerate(scores):
            order = np.argsort(-of_row, kind="stable")[:_SHOWN]
            if self.target_sentences[order[0]] == self.target_sentences[row]:
                continue
            lines = [
                f"source {row}: {self.source_sentences[row]}",
                f"  translation {row} ({of_row[row]:.4f}): {self.target_sentences[row]}",
                *(f"  near {n} ({of_row[n]:.4f}): {self.target_sentences[n]}" for n in order),
            ]
            sys.stdout.write("\n".join(lines) + "\n")

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        return {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    require_finite(vectors, "the vectors")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def _accuracy(scores: NDArray[Any], texts: Sequence[str]) -> float:
    nearest = scores.argmax(axis=1)
    right = [texts[found] == texts[row] for row, found in enumerate(nearest)]
    return sum(right) / len(right) if right else float("nan")
