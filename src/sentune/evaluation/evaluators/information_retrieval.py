"""Passages of a corpus ranked for queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentune.checks import require_whole
from sentune.errors import ArgumentError, DataError
from sentune.evaluation.evaluators.base import SentenceEvaluator, append_row, named
from sentune.evaluation.evaluators.ranked_corpus import Ranking, Score, ranked
from sentune.evaluation.evaluators.vectors import encode_options
from sentune.evaluation.retrieval import question_metrics
from sentune.files import make_folder, write_text
from sentune.ranking.retrieval_model import RetrievalModel

__all__ = ["InformationRetrievalEvaluator"]

_COLUMNS = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "mrr": "MRR",
    "ndcg": "NDCG",
    "map": "MAP",
}
_KEY_ORDER = ("accuracy", "precision", "recall", "ndcg", "mrr", "map")
_CSV_ORDER = (("accuracy",), ("precision", "recall"), ("mrr",), ("ndcg",), ("map",))


class InformationRetrievalEvaluator(SentenceEvaluator):
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
        show_progress_bar, batch_size, truncate_dim: passed to the model.
        name: in front of every key.
        write_csv: append a row to ``Information-Retrieval_evaluation_{name}_results.csv`` when
            called with an ``output_path``.
        score_functions: name → function of tensors (Q, dim), (P, dim) → (Q, P), higher for more
            alike; the model's own ``similarity`` when None.
        main_score_function: the one of ``primary_metric``; that with the highest nDCG when None.
        query_prompt, query_prompt_name, corpus_prompt, corpus_prompt_name: the prompts, or their
            names; those of the model when None.
        write_predictions: write the ranking of each query, by each function, into
            ``Information-Retrieval_evaluation_{name}_predictions_{function}.jsonl`` when called
            with an ``output_path``.

    Attributes:
        primary_metric: the key of nDCG at its highest cutoff, ``{name}_cosine_ndcg@10`` by
            default. The similarity in it is that of the last model evaluated.

    Raises:
        DataError: No passage, or no query with a relevant passage.
        ArgumentError: A cutoff or a chunk size below 1, no cutoff of nDCG, or score functions
            that are not functions.
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
        truncate_dim: int | None = None,
        score_functions: Mapping[str, Score] | None = None,
        main_score_function: Any = None,
        query_prompt: str | None = None,
        query_prompt_name: str | None = None,
        corpus_prompt: str | None = None,
        corpus_prompt_name: str | None = None,
        write_predictions: bool = False,
    ) -> None:
        super().__init__()
        self._take(queries, corpus, relevant_docs)
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
        self.corpus_chunk_size = require_whole("corpus_chunk_size", corpus_chunk_size)
        self.show_progress_bar, self.batch_size = show_progress_bar, batch_size
        self.name, self.write_csv, self.truncate_dim = name, write_csv, truncate_dim
        self.score_functions = _functions(score_functions)
        self.main_score_function = getattr(main_score_function, "value", main_score_function)
        self.query_prompt, self.query_prompt_name = query_prompt, query_prompt_name
        self.corpus_prompt, self.corpus_prompt_name = corpus_prompt, corpus_prompt_name
        self.write_predictions = write_predictions
        self._file = named("Information-Retrieval_evaluation", name).rstrip("_")
        self.csv_file = f"{self._file}_results.csv"
        first = next(iter(self.score_functions), "cosine")
        self.primary_metric = self._primary_metric(self.main_score_function or first)

    def _take(
        self,
        queries: Mapping[str, str],
        corpus: Mapping[str, str],
        relevant_docs: Mapping[str, Collection[str]],
    ) -> None:
        kept = [key for key in queries if relevant_docs.get(key)]
        if not kept or not corpus:
            raise DataError(
                f"{len(kept)} queries with a relevant passage, {len(corpus)} passages",
                expected="at least one of each",
                fix="check that relevant_docs uses the ids of queries",
            )
        # Sorted by id, so that ties are ranked as in the reference: by (−score, id).
        self.queries_ids, self.corpus_ids = kept, sorted(corpus)
        self.queries = [queries[key] for key in kept]
        self.corpus = [corpus[key] for key in self.corpus_ids]
        rows = {key: row for row, key in enumerate(self.corpus_ids)}
        self.relevant = [
            frozenset(rows.setdefault(key, len(rows)) for key in relevant_docs[query])
            for query in kept
        ]

    def _primary_metric(self, function: str) -> str:
        return named(self.name, f"{function}_ndcg@{max(self.cutoffs['ndcg'])}")

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
            output_path: folder of the files.
            epoch, steps: written into the CSV file.

        Returns:
            ``{name}_{function}_{metric}@{k}`` → mean over the queries.

        Cost: encoding; then O(Q · P · d) for each function. Vectors of one chunk and of the
        queries are in memory.

        Raises:
            ModelError: A similarity is not finite.
            ArgumentError: A function that gives no (Q, P) scores.
            OutputError: A file cannot be written.
        """
        found = self._ranked(model)
        means = {name: self._means(ranking) for name, ranking in found.items()}
        highest = f"ndcg@{max(self.cutoffs['ndcg'])}"
        best = max(means, key=lambda name: means[name][highest])
        self.primary_metric = self._primary_metric(self.main_score_function or best)
        if output_path is not None:
            self._write(output_path, found, means, epoch, steps)
        metrics = {f"{name}_{key}": n for name, of in means.items() for key, n in of.items()}
        return self._finished(model, metrics, epoch, steps)

    def _ranked(self, model: RetrievalModel) -> dict[str, Ranking]:
        options = encode_options(
            self.batch_size, self.show_progress_bar, truncate_dim=self.truncate_dim
        )
        prompts = {
            "query": {"prompt": self.query_prompt, "prompt_name": self.query_prompt_name},
            "document": {"prompt": self.corpus_prompt, "prompt_name": self.corpus_prompt_name},
        }
        return ranked(
            model,
            self.queries,
            self.corpus,
            self.score_functions,
            depth=max(k for ks in self.cutoffs.values() for k in ks),
            chunk=self.corpus_chunk_size,
            options={
                side: options | {key: text for key, text in given.items() if text is not None}
                for side, given in prompts.items()
            },
        )

    def _means(self, ranking: Ranking) -> dict[str, float]:
        metrics = question_metrics(ranking.rows, self.relevant, self.cutoffs)
        return {
            f"{metric}@{k}": float(metrics[f"{metric}@{k}"].mean())
            for metric in _KEY_ORDER
            for k in self.cutoffs[metric]
        }

    def _write(
        self,
        folder: str | Path,
        found: Mapping[str, Ranking],
        means: Mapping[str, Mapping[str, float]],
        epoch: int,
        steps: int,
    ) -> None:
        if self.write_csv:
            keys = [
                f"{metric}@{k}"
                for metrics in _CSV_ORDER
                for k in self.cutoffs[metrics[0]]
                for metric in metrics
            ]
            row = {_column(name, key): of[key] for name, of in means.items() for key in keys}
            full = {"epoch": epoch, "steps": steps, **row}
            append_row(folder, self.csv_file, full, end="\n")
        for name, ranking in found.items() if self.write_predictions else ():
            make_folder(folder)
            path = Path(folder) / f"{self._file}_predictions_{name}.jsonl"
            write_text(path, "".join(self._predictions(ranking)))

    def _predictions(self, ranking: Ranking) -> list[str]:
        lines = []
        for number, (rows, scores) in enumerate(zip(ranking.rows, ranking.scores, strict=True)):
            results = [
                {"corpus_id": self.corpus_ids[row], "score": float(score)}
                for row, score in zip(rows, scores, strict=True)
            ]
            line = {
                "query_id": self.queries_ids[number],
                "query": self.queries[number],
                "results": results,
            }
            lines.append(json.dumps(line) + "\n")
        return lines

    def get_config_dict(self) -> dict[str, Any]:
        """As the base class."""
        names = ("truncate_dim", "query_prompt", "query_prompt_name")
        given = {n: getattr(self, n) for n in (*names, "corpus_prompt", "corpus_prompt_name")}
        return {name: value for name, value in given.items() if value is not None}


def _functions(given: Mapping[str, Score] | None) -> dict[str, Score]:
    if not given:
        return {}
    if not isinstance(given, Mapping) or not all(map(callable, given.values())):
        raise ArgumentError(
            f"score_functions is {given!r}",
            expected="functions of two matrices of vectors by name, such as {'cosine': cos_sim}",
            fix="pass a dictionary of functions, or leave it out for the model's similarity",
        )
    return {str(name): function for name, function in given.items()}


def _cutoffs(name: str, values: Sequence[int]) -> tuple[int, ...]:
    return tuple(require_whole(name, k) for k in values)


def _column(function: str, key: str) -> str:
    metric, _, cutoff = key.partition("@")
    return f"{function}-{_COLUMNS[metric]}@{cutoff}"
