"""The most similar pairs of a list of texts, beside the pairs known to be paraphrases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.vectors import encode, encode_options
from sentune.ranking.blocks import row_blocks
from sentune.ranking.rank import rank
from sentune.vectors import require_finite

__all__ = ["ParaphraseMiningEvaluator"]

Duplicates = dict[str, dict[str, bool]]
_CSV = ("precision", "recall", "f1", "threshold", "average_precision")


class ParaphraseMiningEvaluator(SentenceEvaluator):
    """How well the pairs that are most alike are those known to be paraphrases.

    Args:
        sentences_map: id → text.
        duplicates_list: pairs of ids of paraphrases. A pair of an id with itself counts as one
            that was not found, as in the reference.
        duplicates_dict: id → id → True; symmetric. Both are joined.
        add_transitive_closure: if a is a paraphrase of b, and b of c, then a is one of c.
        query_chunk_size, corpus_chunk_size: accepted, and without an effect: the comparison
            works in blocks of about a million scores.
        max_pairs: the most pairs considered.
        top_k: how many neighbours of each text are considered.
        show_progress_bar, batch_size, truncate_dim: passed to the model.
        name: in front of every key.
        write_csv: append a row to ``paraphrase_mining_evaluation_{name}_results.csv`` when called
            with an ``output_path``.

    Attributes:
        primary_metric: ``{name}_average_precision``.

    Raises:
        ArgumentError: a size below 1.
    """

    def __init__(
        self,
        sentences_map: Mapping[str, str],
        duplicates_list: Iterable[tuple[str, str]] | None = None,
        duplicates_dict: Mapping[str, Mapping[str, bool]] | None = None,
        add_transitive_closure: bool = False,
        query_chunk_size: int = 5000,
        corpus_chunk_size: int = 100000,
        max_pairs: int = 500000,
        top_k: int = 100,
        show_progress_bar: bool = False,
        batch_size: int = 16,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        super().__init__()
        require_whole("query_chunk_size", query_chunk_size)
        require_whole("corpus_chunk_size", corpus_chunk_size)
        self.ids, self.sentences = list(sentences_map), list(sentences_map.values())
        self.max_pairs = require_whole("max_pairs", max_pairs)
        self.top_k = require_whole("top_k", top_k)
        self.name, self.write_csv, self.truncate_dim = name, write_csv, truncate_dim
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        known = _symmetric(duplicates_list or [], duplicates_dict or {}, set(self.ids))
        self._closed = add_transitive_closure
        self.duplicates = self.add_transitive_closure(known) if add_transitive_closure else known
        pairs = {frozenset((a, b)) for a, others in self.duplicates.items() for b in others}
        self.total_num_duplicates = len(pairs)
        self.csv_file = f"paraphrase_mining_evaluation_{named(name, 'results')}.csv"
        self.primary_metric = named(name, "average_precision")

    @staticmethod
    def add_transitive_closure(graph: Duplicates) -> Duplicates:
        """Join everything that is connected: id → id → True, without an id to itself."""
        closed: Duplicates = {}
        for start in graph:
            if start in closed:
                continue
            group, left = {start}, [start]
            while left:
                new = set(graph.get(left.pop(), {})) - group
                group |= new
                left += new
            for one in group:
                closed[one] = dict.fromkeys(group - {one}, True)
        return closed

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode, find the pairs that are most alike by cosine, and measure.

        Returns:
            ``{name}_average_precision``; and ``{name}_f1``, the highest of all thresholds, with
            its ``{name}_precision``, ``{name}_recall`` and ``{name}_threshold``. All are 0 where
            no paraphrase is found.

        Cost: encoding; then O(n² · dim), and memory for n · top_k pairs.

        Raises:
            ModelError: a vector is not finite.
            OutputError: the CSV file cannot be written.
        """
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        scores, pairs = _nearest_pairs(
            encode(model, self.sentences, **options), self.top_k, self.max_pairs
        )
        right = [self.duplicates.get(self.ids[a], {}).get(self.ids[b], False) for a, b in pairs]
        metrics = _figures(scores, np.asarray(right, dtype=bool), self.total_num_duplicates)
        if output_path is not None and self.write_csv:
            row = {"epoch": epoch, "steps": steps, **{key: metrics[key] for key in _CSV}}
            append_row(output_path, self.csv_file, row)
        return self._finished(model, metrics, epoch, steps)

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        given = {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}
        return {
            "add_transitive_closure": self._closed,
            "max_pairs": self.max_pairs,
            "top_k": self.top_k,
            **given,
        }


def _symmetric(
    pairs: Iterable[tuple[str, str]], given: Mapping[str, Mapping[str, bool]], ids: set[str]
) -> Duplicates:
    """Both kinds of input as one, without ids that have no text."""
    found: Duplicates = defaultdict(dict)
    for a, others in given.items():
        for b, same in others.items():
            if same and a in ids and b in ids:
                found[a][b] = True
    for a, b in pairs:
        if a in ids and b in ids:
            found[a][b] = found[b][a] = True
    return dict(found)


def _nearest_pairs(
    vectors: NDArray[Any], top_k: int, most: int
) -> tuple[NDArray[Any], list[tuple[int, int]]]:
    """Cosines and rows of the pairs that are most alike, best first; equal ones by rows."""
    require_finite(vectors, "the vectors")
    count = len(vectors)
    if count < 2:
        return np.empty(0), []
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    keys, values = [], []
    for rows in row_blocks(count, count):
        scores = unit[rows] @ unit.T
        own = np.arange(rows.start, rows.stop)
        scores[own - rows.start, own] = -np.inf
        best = rank(scores, min(top_k, count - 1))
        low, high = np.minimum(own[:, None], best), np.maximum(own[:, None], best)
        keys.append((low * count + high).ravel())
        values.append(np.take_along_axis(scores, best, axis=1).ravel())
    unique, first = np.unique(np.concatenate(keys), return_index=True)
    of_pairs = np.concatenate(values)[first]
    order = np.argsort(-of_pairs, kind="stable")[:most]
    rows_of = [divmod(int(key), count) for key in unique[order]]
    return of_pairs[order], rows_of


def _figures(scores: NDArray[Any], right: NDArray[np.bool_], total: int) -> dict[str, float]:
    hits = np.flatnonzero(right)
    if not len(hits):
        return dict.fromkeys(("average_precision", "f1", "precision", "recall", "threshold"), 0.0)
    found = np.arange(1, len(hits) + 1)
    precision, recall = found / (hits + 1), found / total
    f1 = 2 * precision * recall / (precision + recall)
    best = int(f1.argmax())
    last = min(int(hits[best]) + 1, len(scores) - 1)
    return {
        "average_precision": float(precision.sum() / total),
        "f1": float(f1[best]),
        "precision": float(precision[best]),
        "recall": float(recall[best]),
        "threshold": float((scores[hits[best]] + scores[last]) / 2),
    }
