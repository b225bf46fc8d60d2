"""The retrieval task, and how good each question's ranking is.

scores (Q, P) → ``rank`` → passage indices (Q, depth) → ``question_metrics`` → values (Q,)

Nothing is averaged here: intervals and paired tests need the values of each question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.data.pairs import Pairs
from sentune.data.split import question_groups
from sentune.errors import DataError
from sentune.evaluation.metrics import (
    accuracy_at,
    average_precision_at,
    find_hits,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank_at,
    relevant_counts,
)

__all__ = ["CUTOFFS", "RetrievalTask", "question_metrics"]

CUTOFFS: Mapping[str, Sequence[int]] = {
    **dict.fromkeys(("accuracy", "precision", "recall"), (1, 3, 5, 10)),
    "mrr": (10,),
    "ndcg": (10,),
    "map": (100,),
}


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """Questions, and the passages in which their answers are searched.

    Attributes:
        questions: Q texts.
        passages: P texts, each once.
        relevant: for each question the indices into ``passages`` that answer it, never empty.
        groups: (Q,) numbers. Questions that share a passage, directly or through other questions,
            have the same number. They are not independent, so intervals and tests resample groups.

    Raises:
        DataError: Nothing to rank, lengths that differ, a passage twice, a question without a
            relevant passage, or an index outside the passages.
    """

    questions: list[str]
    passages: list[str]
    relevant: list[frozenset[int]]
    groups: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that the task can be measured."""
        if not (len(self.questions) == len(self.relevant) == len(self.groups) > 0):
            raise DataError(
                f"{len(self.questions)} questions, {len(self.relevant)} sets of relevant passages "
                f"and {len(self.groups)} group numbers",
                expected="the same number of each, and at least one",
                fix="give every question its relevant passages and its group",
            )
        if len(set(self.passages)) != len(self.passages):
            raise DataError(
                "a list of passages that holds a text twice",
                expected="every text once",
                fix="merge equal passages, or build the task with RetrievalTask.from_pairs",
            )
        relevant_counts(self.relevant)
        known = range(len(self.passages))
        if any(index not in known for indices in self.relevant for index in indices):
            raise DataError(
                "a relevant passage outside the list of passages",
                expected=f"indices from 0 to {len(self.passages) - 1}",
                fix="count relevant passages from 0 in the order of the passages",
            )

    @classmethod
    def from_pairs(cls, pairs: Pairs, *others: Pairs) -> RetrievalTask:
        """The questions of ``pairs`` against all passages.

        The passages of ``others`` (the training part, say) come after those of ``pairs``. With
        them, the task is as hard as the real search; with the held-out passages alone, all figures
        would be too good. Hard negatives of all come last. Equal texts under several ids are one
        passage.

        Raises:
            DataError: ``pairs`` holds no question.
        """
        sources = (pairs, *others)
        texts = [text for source in sources for text in source.passages.values()]
        # Hard negatives are the nearest wrong answers known.
        texts += (text for source in sources for row in source.negatives.values() for text in row)
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        return cls(
            questions=[pairs.questions[key] for key in pairs.relevant],
            passages=list(rows),
            relevant=[
                frozenset(rows[pairs.passages[passage_id]] for passage_id in passage_ids)
                for passage_ids in pairs.relevant.values()
            ],
            groups=np.asarray(question_groups(pairs), dtype=np.int64),
        )


def question_metrics(
    ranking: NDArray[np.int64],
    relevant: Sequence[frozenset[int]],
    cutoffs: Mapping[str, Sequence[int]] = CUTOFFS,
) -> dict[str, NDArray[np.float64]]:
    """Every metric of every question, by the names that sentence-transformers gives them.

    Args:
        ranking: (Q, depth) passage indices, best first. A ranking shorter than a cutoff counts as
            if wrong passages followed, which is exact if it holds the whole corpus.
        relevant: For each question the indices of the passages that answer it.
        cutoffs: Metric → its cutoffs k.

    Returns:
        By default ``accuracy@k``, ``precision@k`` and ``recall@k`` for k in 1, 3, 5, 10, then
        ``mrr@10``, ``ndcg@10`` and ``map@100``: (Q,) values in [0, 1], defined in ``metrics``.

    Raises:
        DataError: Shapes that do not fit, or a question without a relevant passage.
    """
    hits, counts = find_hits(ranking, relevant), relevant_counts(relevant)
    metrics = {f"accuracy@{k}": accuracy_at(hits, k) for k in cutoffs["accuracy"]}
    metrics |= {f"precision@{k}": precision_at(hits, k) for k in cutoffs["precision"]}
    metrics |= {f"recall@{k}": recall_at(hits, counts, k) for k in cutoffs["recall"]}
    metrics |= {f"mrr@{k}": reciprocal_rank_at(hits, k) for k in cutoffs["mrr"]}
    metrics |= {f"ndcg@{k}": ndcg_at(hits, counts, k) for k in cutoffs["ndcg"]}
    return metrics | {f"map@{k}": average_precision_at(hits, counts, k) for k in cutoffs["map"]}
