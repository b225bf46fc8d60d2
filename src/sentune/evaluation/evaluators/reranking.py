"""Given passages of a query in the order of their similarity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import encode, encode_options
from sentune.evaluation.thresholds import average_precision
from sentune.vectors import require_finite

__all__ = ["RerankingEvaluator", "ranking_figures"]

Sample = Mapping[str, Any]


class RerankingEvaluator(SentenceEvaluator):
    """How well a model puts the right passages of a query before the wrong ones.

    Example::

        >>> from sentune import SentenceTransformer
        >>> from sentune.evaluation import RerankingEvaluator
        >>> sample = {"query": "a pet", "positive": ["a cat"], "negative": ["tax law", "a car"]}
        >>> RerankingEvaluator([sample])(SentenceTransformer("all-MiniLM-L6-v2"))["map"]
        1.0

    Args:
        samples: for each query its ``query``, ``positive`` and ``negative`` texts, one or several.
            Samples that lack positives or negatives are left out.
        at_k: the cutoff of MRR and nDCG.
        name: in front of every key.
        write_csv: append a row to ``RerankingEvaluator_{name}_results_@{k}.csv`` when called with
            an ``output_path``.
        similarity_fct: the vectors of a query (1, dim) and of its passages (m, dim), tensors →
            (1, m) scores; the cosine when None.
        batch_size, show_progress_bar, truncate_dim: passed to the model.
        use_batched_encoding: encode all texts together. One sample at a time when False, which
            needs less memory.
        mrr_at_k: the older name of ``at_k``.

    Attributes:
        primary_metric: ``{name}_ndcg@{k}``.

    Raises:
        DataError: no sample with positives and negatives, or one without ``query``,
            ``positive`` and ``negative``.
        ArgumentError: a cutoff below 1.
    """

    def __init__(
        self,
        samples: Iterable[Sample] | Mapping[Any, Sample],
        at_k: int = 10,
        name: str = "",
        write_csv: bool = True,
        similarity_fct: Callable[..., Any] | None = None,
        batch_size: int = 64,
        show_progress_bar: bool = False,
        use_batched_encoding: bool = True,
        truncate_dim: int | None = None,
        mrr_at_k: int | None = None,
    ) -> None:
        super().__init__()
        given = samples.values() if isinstance(samples, Mapping) else samples
        read = [_sample(number, sample) for number, sample in enumerate(given)]
        self.samples = [one for one in read if one["positive"] and one["negative"]]
        if not self.samples:
            raise DataError(
                f"{len(read)} samples, none of them with positives and negatives",
                expected="at least one",
                fix="add wrong passages as negative",
            )
        self.at_k = require_whole("at_k", at_k if mrr_at_k is None else mrr_at_k)
        self.name, self.write_csv, self.similarity_fct = name, write_csv, similarity_fct
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.use_batched_encoding, self.truncate_dim = use_batched_encoding, truncate_dim
        self.csv_file = f"RerankingEvaluator_{named(name, 'results')}_@{self.at_k}.csv"
        self.primary_metric = named(name, f"ndcg@{self.at_k}")

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode, rank and measure.

        Returns:
            ``{name}_map``, ``{name}_mrr@{k}`` and ``{name}_ndcg@{k}``: means over the samples.

        Raises:
            ModelError: a score is not finite.
            OutputError: the CSV file cannot be written.
        """
        size = len(self.samples) if self.use_batched_encoding else 1
        found = []
        for start in range(0, len(self.samples), size):
            found += self._figures(model, self.samples[start : start + size])
        of_map, mrr, ndcg = (float(np.mean(values)) for values in zip(*found, strict=True))
        k = self.at_k
        if output_path is not None and self.write_csv:
            row = {"MAP": of_map, f"MRR@{k}": mrr, f"NDCG@{k}": ndcg}
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **row})
        metrics = {"map": of_map, f"mrr@{k}": mrr, f"ndcg@{k}": ndcg}
        return self._finished(model, metrics, epoch, steps)

    def _figures(self, model: Any, samples: Sequence[Sample]) -> list[tuple[float, float, float]]:
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        queries = encode(model, [one["query"] for one in samples], "encode_query", **options)
        texts = [text for one in samples for text in (*one["positive"], *one["negative"])]
        passages = encode(model, texts, "encode_document", **options)
        figures, start = [], 0
        for query, sample in zip(queries, samples, strict=True):
            positives = len(sample["positive"])
            stop = start + positives + len(sample["negative"])
            scores = self._scores(query[None], passages[start:stop])
            relevant = np.arange(stop - start) < positives
            figures.append(ranking_figures(scores, relevant, self.at_k))
            start = stop
        return figures

    def _scores(self, query: NDArray[Any], passages: NDArray[Any]) -> NDArray[Any]:
        import torch

        from sentune.encoding.similarity import cos_sim

        compare = self.similarity_fct or cos_sim
        scores = compare(torch.from_numpy(query), torch.from_numpy(passages))
        found = np.asarray(scores).reshape(-1)
        require_finite(found, "the similarities")
        return found

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        given = {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}
        return {"at_k": self.at_k, **given}


def _sample(number: int, given: Sample) -> dict[str, Any]:
    lacking = [key for key in ("query", "positive", "negative") if key not in given]
    if lacking:
        raise DataError(
            f"sample {number} without {', '.join(lacking)}",
            expected="a query with its positive and negative texts",
            fix="give every sample the three keys",
        )
    sides = {key: given[key] for key in ("positive", "negative")}
    lists = {key: [text] if isinstance(text, str) else list(text) for key, text in sides.items()}
    return {"query": given["query"], **lists}


def ranking_figures(
    scores: NDArray[Any], relevant: NDArray[np.bool_], k: int
) -> tuple[float, float, float]:
    """Average precision, reciprocal rank and nDCG of one query."""
    order = np.argsort(-scores, kind="stable")
    hits = np.flatnonzero(relevant[order][:k])
    reciprocal_rank = 1.0 / (int(hits[0]) + 1) if len(hits) else 0.0
    return average_precision(scores, relevant), reciprocal_rank, _ndcg(scores, relevant, k)


def _ndcg(scores: NDArray[Any], relevant: NDArray[np.bool_], k: int) -> float:
    """nDCG@k; passages of equal scores share the mean of the discounts of their ranks.

    Source: McSherry and Najork 2008, doi:10.1007/978-3-540-78646-7_38.
    """
    discounts = 1.0 / np.log2(np.arange(len(scores)) + 2.0)
    discounts[k:] = 0.0
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.add.reduceat(discounts, np.cumsum(sizes) - sizes) / sizes
    ideal = discounts[: int(relevant.sum())].sum()
    return float(shared[group][relevant].sum() / ideal)
