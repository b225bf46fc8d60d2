"""Every model and BM25 on every question, by blocks of questions: metrics, and what to fuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.trace import Trace
from sentune.evaluation.weights import Shortlist
from sentune.ranking.blocks import row_blocks
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import shortlist
from sentune.ranking.pieces import Pieces, Scores, encode_pieces
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import RetrievalModel, similarity_scores

__all__ = ["Measured", "Metrics", "Ranked", "joined", "measure"]

Metrics = Mapping[str, NDArray[np.float64]]
Numbers = NDArray[np.int64]


class _Vectors(NamedTuple):
    """Of one model: (Q, d) of the questions, and (n, d) of the pieces of the passages."""

    questions: NDArray[np.float32]
    pieces: NDArray[np.float32]


@dataclass(slots=True)
class Ranked:
    """One system's first passages and metrics, a block of questions each."""

    blocks: list[Numbers] = field(default_factory=list)
    _metrics: list[Metrics] = field(default_factory=list)

    def add(self, scores: Scores, relevant: Sequence[frozenset[int]]) -> None:
        """Rank the passages of a block by their scores (Q, P)."""
        self.blocks.append(rank(scores))
        self._metrics.append(question_metrics(self.blocks[-1], relevant))

    @property
    def metrics(self) -> Metrics:
        """Metric → (Q,) values."""
        return joined(self._metrics)


@dataclass(frozen=True, slots=True)
class Measured:
    """What each system found.

    Attributes:
        models: the rankings of each model.
        words: that of BM25.
        candidates: model → what its fusion orders, a block of questions each.
        read: model → the piece of each candidate that the late stage reads, likewise.
    """

    models: dict[str, Ranked]
    words: Ranked
    candidates: dict[str, list[Shortlist]]
    read: dict[str, list[Numbers]]


def measure(
    task: RetrievalTask,
    models: Mapping[str, RetrievalModel],
    pieces: Mapping[str, Pieces],
    by_words: BM25,
    fused: Sequence[str],
    show_progress_bar: bool,
    trace: Trace | None,
    tell: Callable[[str], None],
) -> Measured:
    """Rank by each model and by BM25, whose pieces are those of the last model.

    ``tell`` is called with the name of each model before it encodes.

    Cost: each model encodes each text once; then O(Q · n · d).
    """
    of_last = pieces[[*models][-1]]
    vectors = {}
    for name, model in models.items():
        tell(name)
        vectors[name] = _encoded(task, model, pieces[name], show_progress_bar)
    found = Measured(
        {name: Ranked() for name in models},
        Ranked(),
        {name: [] for name in fused},
        {name: [] for name in fused},
    )
    for rows in row_blocks(len(task.questions), max(len(each.texts) for each in pieces.values())):
        relevant, words = task.relevant[rows], by_words.scores(task.questions[rows])
        words_of_passages = of_last.best(words)
        found.words.add(words_of_passages, relevant)
        for name, model in models.items():
            scores = similarity_scores(model, vectors[name].questions[rows], vectors[name].pieces)
            of_passages = pieces[name].best(scores)
            found.models[name].add(of_passages, relevant)
            if name in found.candidates:
                first = shortlist(of_passages, words_of_passages)
                found.candidates[name].append(first)
                found.read[name].append(_read(first[0], pieces[name], of_last, scores, words))
    if trace is not None:
        _trace(trace, task, vectors, pieces, found)
    return found


def joined(blocks: Sequence[Metrics]) -> dict[str, NDArray[np.float64]]:
    """The metrics of all blocks of questions, one after the other."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _encoded(
    task: RetrievalTask, model: RetrievalModel, pieces: Pieces, show_progress_bar: bool
) -> _Vectors:
    return _Vectors(
        model.encode_query(task.questions, show_progress_bar=show_progress_bar),
        encode_pieces(model, pieces, show_progress_bar=show_progress_bar),
    )


def _read(
    passages: Numbers, pieces: Pieces, of_words: Pieces, scores: Scores, words: Scores
) -> Numbers:
    """The piece of each candidate that the late stage reads.

    BM25 has a say only where its pieces are those of the model.
    """
    if pieces.texts == of_words.texts:
        return pieces.read_of(passages, scores, words)
    return pieces.best_of(passages, scores)


def _trace(
    trace: Trace,
    task: RetrievalTask,
    vectors: Mapping[str, _Vectors],
    pieces: Mapping[str, Pieces],
    found: Measured,
) -> None:
    trace.begin(task)
    for name, of_model in vectors.items():
        trace.place(name, of_model.questions, of_model.pieces, pieces[name])
    for name, ranked in (*found.models.items(), ("bm25", found.words)):
        trace.rank(name, ranked.blocks)
