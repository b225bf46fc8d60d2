"""What an evaluation saw beside its figures: who ranked what, for which question, and where.

A report shows single questions and draws a map. Both need what the figures are means of. Nothing is
computed for it but the order of the fusion and of the late stage; the rest is kept as it passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.metrics import find_hits, recall_at, relevant_counts
from sentune.evaluation.retrieval import RetrievalTask
from sentune.evaluation.weights import Shortlist
from sentune.ranking.fusion import fuse
from sentune.ranking.pieces import Pieces
from sentune.ranking.rank import rank

__all__ = ["KEPT", "Trace", "fused_ranking"]

KEPT = 20
"""How many passages of each ranking are kept."""

_MOST_QUESTIONS, _MOST_PASSAGES = 200, 600  # a map of more is a cloud

Numbers = NDArray[np.int64]
Metrics = Mapping[str, NDArray[np.float64]]


@dataclass(slots=True)
class Trace:
    """Give an empty one to ``evaluate_systems`` or ``evaluate_models``, which fills it.

    Attributes:
        metrics: system → metric → (Q,) values.
        rankings: system → (Q, at most 20) passage indices, best first.
        questions, passages: (n,) and (m,) the rows of the task that a map shows.
        vectors: model → (n + m, d) vectors of these questions, then of these passages. A passage
            in pieces stands where its first piece is.
        task: what was measured.

    The systems are those of the report; of several models, each by its name, and the fusion and the
    late stage of the last.
    """

    metrics: dict[str, Metrics] = field(default_factory=dict)
    rankings: dict[str, Numbers] = field(default_factory=dict)
    questions: Numbers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    passages: Numbers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    task: RetrievalTask | None = None

    def begin(self, task: RetrievalTask) -> None:
        """Choose what a map shows: questions from all over the list, and what answers them."""
        self.task = task
        self.questions = _spread(len(task.questions), _MOST_QUESTIONS)
        right = dict.fromkeys(p for q in self.questions.tolist() for p in sorted(task.relevant[q]))
        others = _spread(len(task.passages), _MOST_PASSAGES)
        chosen = list(dict.fromkeys([*right, *others.tolist()]))[:_MOST_PASSAGES]
        self.passages = np.array(sorted(chosen), dtype=np.int64)

    def place(
        self,
        name: str,
        questions: NDArray[np.float32],
        of_pieces: NDArray[np.float32],
        pieces: Pieces,
    ) -> None:
        """Keep the vectors of one model that a map shows."""
        parts = (questions[self.questions], of_pieces[pieces.starts[:-1][self.passages]])
        self.vectors[name] = np.concatenate([np.asarray(part, np.float32) for part in parts])

    def rank(self, name: str, blocks: Iterable[Numbers]) -> None:
        """Keep the first passages of a ranking, given by blocks of questions."""
        self.rankings[name] = np.concatenate([block[:, :KEPT] for block in blocks])

    def recall(self, name: str, most: int = KEPT) -> NDArray[np.float64]:
        """Mean recall of a system at 1, 2, … ``most``."""
        relevant = self.task.relevant if self.task is not None else []
        hits, counts = find_hits(self.rankings[name], relevant), relevant_counts(relevant)
        return np.array([recall_at(hits, counts, k).mean() for k in range(1, most + 1)])

    def right_ranks(self, name: str) -> list[int | None]:
        """Of each question the rank of its first right passage; None if the first 20 have none."""
        relevant = self.task.relevant if self.task is not None else []
        hits = find_hits(self.rankings[name], relevant)
        return [int(row.argmax()) + 1 if row.any() else None for row in hits]


def fused_ranking(candidates: Sequence[Shortlist], weights: NDArray[np.float64]) -> list[Numbers]:
    """The first passages of each question by the fusion under its weight, by blocks."""
    found, start = [], 0
    for columns, dense, words in candidates:
        end = start + len(columns)
        own = weights[start:end]
        block = np.empty((len(columns), min(KEPT, columns.shape[1])), dtype=np.int64)
        for weight in np.unique(own).tolist():
            rows = own == weight
            order = rank(fuse(dense[rows], words[rows], weight), KEPT)
            block[rows] = np.take_along_axis(columns[rows], order, axis=1)
        found.append(block)
        start = end
    return found


def _spread(count: int, most: int) -> Numbers:
    """Up to ``most`` numbers below ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
