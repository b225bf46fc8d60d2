"""The evaluator of the order that a model gives to the passages of a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.reranking import ranking_figures
from sentune.vectors import require_finite

__all__ = ["CrossEncoderRerankingEvaluator"]

Scores = NDArray[np.floating[Any]]


class CrossEncoderRerankingEvaluator(SentenceEvaluator):
    """How well a model puts the right passages of a query first.

    Args:
        samples: for each query its ``query``, its ``positive`` texts, and either ``negative``
            texts, or ``documents`` in the order of a search that came before; then the figures of
            that order are given too.
        at_k: the cutoff of MRR and nDCG.
        always_rerank_positives: also score positives that are not among the documents. Otherwise
            they do not count, but in the figures of the given order they count as found last.
        name, prompt_name, batch_size, show_progress_bar, write_csv: as for
            :class:`CrossEncoderCorrelationEvaluator`; the file ends in ``_results_@{k}.csv``.
        mrr_at_k: the older name of ``at_k``.

    Attributes:
        primary_metric: ``{name}_ndcg@{k}``.

    Raises:
        DataError: no sample, or one without these texts.
        ArgumentError: a cutoff below 1.
    """

    def __init__(
        self,
        samples: Iterable[Mapping[str, Any]] | Mapping[Any, Mapping[str, Any]],
        at_k: int = 10,
        always_rerank_positives: bool = True,
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 64,
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        mrr_at_k: int | None = None,
    ) -> None:
        super().__init__()
        given = list(samples.values() if isinstance(samples, Mapping) else samples)
        self.samples = [_sample(number, sample) for number, sample in enumerate(given)]
        if not self.samples:
            raise DataError("no sample", expected="at least one", fix="add samples")
        self.at_k = require_whole("at_k", at_k if mrr_at_k is None else mrr_at_k)
        self.always_rerank_positives = always_rerank_positives
        self.name, self.prompt_name, self.write_csv = name, prompt_name, write_csv
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.csv_file = f"CrossEncoderRerankingEvaluator_{named(name, 'results')}_@{self.at_k}.csv"
        self.primary_metric = named(name, f"ndcg@{self.at_k}")

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Score all passages of all samples together, and measure.

        Returns:
            ``{name}_map``, ``{name}_mrr@{k}`` and ``{name}_ndcg@{k}``, means over the samples, of
            which those without a right passage count 0; and with ``base_`` those of the order in
            which ``documents`` were given.

        Raises:
            ModelError: a score is not finite.
            OutputError: the file cannot be written.
        """
        listed = [self._passages(sample) for sample in self.samples]
        pairs = [
            (sample["query"], text)
            for sample, (texts, _) in zip(self.samples, listed, strict=True)
            for text in texts
        ]
        scores = np.asarray(
            model.predict(
                pairs,
                prompt_name=self.prompt_name,
                batch_size=self.batch_size,
                show_progress_bar=self.show_progress_bar,
            ),
            dtype=np.float64,
        )
        require_finite(scores, "the scores")
        ends = np.cumsum([len(texts) for texts, _ in listed])[:-1]
        figures = [
            self._figures(of_sample, relevant)
            for of_sample, (_, relevant) in zip(np.split(scores, ends), listed, strict=True)
        ]
        metrics = self._means(figures)
        row = {key.upper(): value for key, value in metrics.items()}
        if output_path is not None and self.write_csv:
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **row})
        before = [
            self._before(sample) for sample in self.samples if sample["documents"] is not None
        ]
        base = self._means(before) if before else {}
        metrics |= {f"base_{key}": value for key, value in base.items()}
        return self._finished(model, metrics, epoch, steps)

    def _means(self, figures: Sequence[tuple[float, float, float]]) -> dict[str, float]:
        names = ("map", f"mrr@{self.at_k}", f"ndcg@{self.at_k}")
        means = np.mean(figures, axis=0)
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def _passages(self, sample: Mapping[str, Any]) -> tuple[list[str], NDArray[np.bool_]]:
        """The texts to score, and which are right."""
        positive, documents = sample["positive"], sample["documents"]
        if documents is None:
            texts = [*positive, *sample["negative"]]
            return texts, np.arange(len(texts)) < len(positive)
        if self.always_rerank_positives:
            texts = [*positive, *(text for text in documents if text not in positive)]
            return texts, np.arange(len(texts)) < len(positive)
        return list(documents), np.array([text in positive for text in documents], dtype=np.bool_)

    def _before(self, sample: Mapping[str, Any]) -> tuple[float, float, float]:
        positive, documents = sample["positive"], sample["documents"]
        right = [text in positive for text in documents]
        if not any(right):
            return 0.0, 0.0, 0.0
        missing = max(0, len(positive) - sum(right))
        relevant = np.array(right + [True] * missing, dtype=np.bool_)
        return ranking_figures(-np.arange(float(len(relevant))), relevant, self.at_k)

    def _figures(self, scores: Scores, relevant: NDArray[np.bool_]) -> tuple[float, float, float]:
        return ranking_figures(scores, relevant, self.at_k) if relevant.any() else (0.0, 0.0, 0.0)

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        return {"at_k": self.at_k, "always_rerank_positives": self.always_rerank_positives}


def _sample(number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    known = "query" in given and "positive" in given
    if not known or ("negative" in given) == ("documents" in given):
        raise DataError(
            f"sample {number} with {', '.join(map(str, given)) or 'nothing'}",
            expected="query, positive, and either negative or documents",
            fix="give every sample these keys",
        )
    texts = {key: given.get(key) for key in ("positive", "negative", "documents")}
    lists = {k: [v] if isinstance(v, str) else v and list(v) for k, v in texts.items()}
    lists = {k: [] if v is None and k in given else v for k, v in lists.items()}
    return {"query": given["query"], **lists}
