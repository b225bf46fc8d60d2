"""Evaluators that training calls between steps: named data in, a flat dictionary of metrics out.

Constructors, keys and values are those of sentence-transformers' classes of the same names: a
script needs another import, and no other change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import ArgumentError, DataError, OutputError
from sentune.evaluation.correlation import pearson, require_different, spearman
from sentune.evaluation.retrieval import question_metrics
from sentune.files import write_text
from sentune.ranking.blocks import row_blocks
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import PairModel, RetrievalModel, similarity_scores
from sentune.vectors import require_finite

__all__ = ["EmbeddingSimilarityEvaluator", "InformationRetrievalEvaluator"]

_COLUMNS = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "mrr": "MRR",
    "ndcg": "NDCG",
    "map": "MAP",
}
_CSV_ORDER = (("accuracy",), ("precision", "recall"), ("mrr",), ("ndcg",), ("map",))


class InformationRetrievalEvaluator:
    """How well a model ranks a corpus for queries.

    Example::

        >>> from sentune import InformationRetrievalEvaluator, SentenceTransformer
        >>> corpus = {"cat": "The cat sleeps.", "car": "The car is out of petrol."}
        >>> evaluator = InformationRetrievalEvaluator({"q": "a pet"}, corpus, {"q": {"cat"}})
        >>> evaluator(SentenceTransformer("all-MiniLM-L6-v2"))["cosine_accuracy@1"]
        1.0

    Args:
        queries: query id → text. Queries without a relevant passage are left out.
        corpus: passage id → text.
        relevant_docs: query id → ids of the passages that answer it. Ids that are not in the
            corpus count as passages that were not found.
        corpus_chunk_size: passages encoded and ranked at a time; limits the memory for vectors.
        mrr_at_k, ndcg_at_k, accuracy_at_k, precision_recall_at_k, map_at_k: the cutoffs.
        show_progress_bar, batch_size: passed to the model.
        name: in front of every key.
        write_csv: append a row to ``Information-Retrieval_evaluation_{name}_results.csv`` when
            called with an ``output_path``.

    Attributes:
        primary_metric: the key of nDCG at its highest cutoff, ``{name}_cosine_ndcg@10`` by
            default. The similarity in it is that of the last model evaluated.

    Raises:
        DataError: No passage, or no query with a relevant passage.
        ArgumentError: A cutoff or a chunk size below 1, or no cutoff of nDCG.
    """

    def __init__(
        self,
        queries: Mapping[str, str],
        corpus: Mapping[str, str],
        relevant_docs: Mapping[str, Collection[str]],
        corpus_chunk_size: int = 50_000,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
    ) -> None:
        kept = [key for key in queries if relevant_docs.get(key)]
        if not kept or not corpus:
            raise DataError(
                f"{len(kept)} queries with a relevant passage, {len(corpus)} passages",
                expected="at least one of each",
                fix="check that relevant_docs uses the ids of queries",
            )
        self.cutoffs = {
            "accuracy": _cutoffs("accuracy_at_k", accuracy_at_k),
            "precision": _cutoffs("precision_recall_at_k", precision_recall_at_k),
            "recall": _cutoffs("precision_recall_at_k", precision_recall_at_k),
            "mrr": _cutoffs("mrr_at_k", mrr_at_k),
            "ndcg": _cutoffs("ndcg_at_k", ndcg_at_k),
            "map": _cutoffs("map_at_k", map_at_k),
        }
        if not self.cutoffs["ndcg"]:
            raise ArgumentError(
                "ndcg_at_k is empty", expected="at least 1 cutoff", fix="leave it out for (10,)"
            )
        # Sorted by id, so that ties are ranked as in the reference: by (−score, id).
        ids = sorted(corpus)
        self.corpus = [corpus[key] for key in ids]
        self.queries = [queries[key] for key in kept]
        rows = {key: row for row, key in enumerate(ids)}
        self.relevant = [
            frozenset(rows.setdefault(key, len(rows)) for key in relevant_docs[query])
            for query in kept
        ]
        self.corpus_chunk_size = require_whole("corpus_chunk_size", corpus_chunk_size)
        self.show_progress_bar = show_progress_bar
        self.batch_size = batch_size
        self.name = name
        self.write_csv = write_csv
        self.primary_metric = self._primary_metric("cosine")

    def _primary_metric(self, function: str) -> str:
        return _named(self.name, f"{function}_ndcg@{max(self.cutoffs['ndcg'])}")

    def __call__(
        self,
        model: RetrievalModel,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode, rank and measure.

        Args:
            model: any :class:`~sentune.ranking.retrieval_model.RetrievalModel`.
            output_path: folder of the CSV file.
            epoch, steps: written into the file.

        Returns:
            ``{name}_{similarity}_{metric}@{k}`` → mean over the queries.

        Cost: encoding; then O(Q · P · d). Vectors of one chunk and of the queries are in memory.

        Raises:
            ModelError: A similarity is not finite.
            OutputError: The CSV file cannot be written.
        """
        metrics = question_metrics(self._ranking(model), self.relevant, self.cutoffs)
        means = {key: float(values.mean()) for key, values in metrics.items()}
        function = model.similarity_fn_name
        self.primary_metric = self._primary_metric(function)
        if output_path is not None and self.write_csv:
            file = _named(self.name, "results")
            _append_row(
                Path(output_path) / f"Information-Retrieval_evaluation_{file}.csv",
                {"epoch": epoch, "steps": steps}
                | {_column(function, key): means[key] for key in self._csv_keys()},
            )
        return {_named(self.name, f"{function}_{key}"): value for key, value in means.items()}

    def _csv_keys(self) -> list[str]:
        return [
            f"{name}@{k}" for names in _CSV_ORDER for k in self.cutoffs[names[0]] for name in names
        ]

    def _ranking(self, model: RetrievalModel) -> NDArray[np.int64]:
        depth = max(k for ks in self.cutoffs.values() for k in ks)
        questions = model.encode_query(
            self.queries, batch_size=self.batch_size, show_progress_bar=self.show_progress_bar
        )
        best = np.empty((len(questions), 0), dtype=np.int64)
        best_scores = np.empty((len(questions), 0), dtype=np.float32)
        for start in range(0, len(self.corpus), self.corpus_chunk_size):
            passages = model.encode_document(
                self.corpus[start : start + self.corpus_chunk_size],
                batch_size=self.batch_size,
                show_progress_bar=self.show_progress_bar,
            )
            found, scores = _rank_chunk(model, questions, passages, depth)
            best = np.concatenate([best, found + start], axis=1)
            best_scores = np.concatenate([best_scores, scores], axis=1)
            # Chunks are in the order of ids, and a stable sort keeps ties in that order.
            order = rank(best_scores, depth)
            best = np.take_along_axis(best, order, axis=1)
            best_scores = np.take_along_axis(best_scores, order, axis=1)
        return best


class EmbeddingSimilarityEvaluator:
    """How well a model's similarity agrees with the scores that people gave to sentence pairs.

    Example::

        >>> from sentune import EmbeddingSimilarityEvaluator, SentenceTransformer
        >>> left, right = ["a cat sleeps", "a cat sleeps"], ["the cat is sleeping", "tax law"]
        >>> evaluator = EmbeddingSimilarityEvaluator(left, right, scores=[5.0, 0.0])
        >>> round(evaluator(SentenceTransformer("all-MiniLM-L6-v2"))["spearman_cosine"], 6)
        1.0

    Args:
        sentences1: n sentences.
        sentences2: the other sentence of each pair.
        scores: how similar people found them, on any scale; Spearman uses their order only.
        batch_size, show_progress_bar: passed to the model.
        name: in front of every key.
        write_csv: append a row to ``similarity_evaluation_{name}_results.csv`` when called with
            an ``output_path``.

    Attributes:
        primary_metric: ``{name}_spearman_cosine``; the similarity is that of the last model.

    Raises:
        DataError: Lengths that differ, or scores without two different finite values.
    """

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        scores: Sequence[float],
        batch_size: int = 16,
        name: str = "",
        show_progress_bar: bool = False,
        write_csv: bool = True,
    ) -> None:
        self.sentences1 = list(sentences1)
        self.sentences2 = list(sentences2)
        self.scores = np.asarray(scores, dtype=np.float64)
        self.batch_size = batch_size
        self.name = name
        self.show_progress_bar = show_progress_bar
        self.write_csv = write_csv
        self.primary_metric = _named(name, "spearman_cosine")
        sizes = (len(self.sentences1), len(self.sentences2), self.scores.size)
        if len(set(sizes)) != 1:
            raise DataError(
                f"{sizes[0]} first sentences, {sizes[1]} second ones and {sizes[2]} scores",
                expected="the same number of each",
                fix="give each pair a score",
            )
        require_different("scores", self.scores, fix="check the column of the scores")

    def __call__(
        self,
        model: PairModel,
        output_path: str | Path | None = None,
        epoch: int = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Encode both sides and correlate.

        Returns:
            ``{name}_pearson_{similarity}`` and ``{name}_spearman_{similarity}``; NaN, as in the
            reference, if all similarities are equal.

        Raises:
            ModelError: A similarity is not finite.
            OutputError: The CSV file cannot be written.
        """
        found = self.similarities(model)
        function = model.similarity_fn_name
        self.primary_metric = _named(self.name, f"spearman_{function}")
        means = {"pearson": pearson(self.scores, found), "spearman": spearman(self.scores, found)}
        if output_path is not None and self.write_csv:
            file = _named(self.name, "results")
            _append_row(
                Path(output_path) / f"similarity_evaluation_{file}.csv",
                {"epoch": epoch, "steps": steps}
                | {f"{function}_{key}": value for key, value in means.items()},
            )
        return {_named(self.name, f"{key}_{function}"): value for key, value in means.items()}

    def similarities(self, model: PairModel) -> NDArray[np.floating[Any]]:
        """The model's similarity of each pair, (n,). Raises ModelError if one is not finite."""
        left, right = (
            model.encode(
                texts, batch_size=self.batch_size, show_progress_bar=self.show_progress_bar
            )
            for texts in (self.sentences1, self.sentences2)
        )
        found: NDArray[np.floating[Any]] = np.asarray(model.similarity_pairwise(left, right))
        require_finite(found, "the similarities")
        return found


def _rank_chunk(
    model: RetrievalModel, questions: NDArray[np.float32], passages: NDArray[np.float32], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best passages of a chunk and their scores, by blocks of questions."""
    rankings, values = [], []
    for rows in row_blocks(len(questions), len(passages)):
        scores = similarity_scores(model, questions[rows], passages)
        best = rank(scores, depth)
        rankings.append(best)
        values.append(np.take_along_axis(scores, best, axis=1))
    return np.concatenate(rankings), np.concatenate(values)


def _cutoffs(name: str, values: Sequence[int]) -> tuple[int, ...]:
    return tuple(require_whole(name, k) for k in values)


def _named(name: str, key: str) -> str:
    return f"{name}_{key}" if name else key


def _column(function: str, key: str) -> str:
    metric, _, cutoff = key.partition("@")
    return f"{function}-{_COLUMNS[metric]}@{cutoff}"


def _append_row(path: Path, row: Mapping[str, float]) -> None:
    """Add a line to a CSV file, with a header if the file is new."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ",".join(row) + "\n"
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror})",
            expected="a folder that can be created and written",
            fix="name another output_path",
        ) from error
    write_text(path, before + ",".join(str(value) for value in row.values()) + "\n")
