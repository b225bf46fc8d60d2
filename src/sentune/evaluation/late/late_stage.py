"""The late stage measured: its weight and depth chosen on some questions, measured on others.

It is a stage over the fusion, so the questions that choose its weight and depth are ranked by the
fusion under the weight that the same questions chose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.late.late_scores import LateScores
from sentune.evaluation.report import PRIMARY_METRIC, LateStage, WeightFrom
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.trace import KEPT, Trace
from sentune.evaluation.weights import TOLERANCE, WEIGHTS, Shortlist, best_weight, stacked
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse
from sentune.ranking.late_interaction import LATE_DEPTH, LATE_WEIGHT, LateChoice, add_late
from sentune.ranking.rank import DEPTH, rank
from sentune.ranking.token_weights import Idf

if TYPE_CHECKING:
    from sentune.encoding.text_encoder import TextEncoder

__all__ = ["LATE_DEPTHS", "FusionFit", "ReadPieces", "choose_late", "measure_late"]

LATE_DEPTHS = (LATE_DEPTH, 50)
"""The depths to choose from."""

_LEAST_GAIN = TOLERANCE / 2

Metrics = Mapping[str, NDArray[np.float64]]
Curves = Mapping[int, Metrics]
"""Depth → metric → (Q, W) values."""


@dataclass(frozen=True, slots=True)
class FusionFit:
    """What the fusion was measured with.

    Attributes:
        weight: for new questions.
        folds: (Q,) the fold of each question; None if there is one group, and nothing to choose
            with.
        fold_weights: fold → the fusion's weight there.
    """

    weight: float
    folds: NDArray[np.int64] | None
    fold_weights: Mapping[int, float]

    def weights(self, questions: int) -> NDArray[np.float64]:
        """The weight that each question was measured with, (Q,)."""
        folds = np.zeros(questions, dtype=np.int64) if self.folds is None else self.folds
        return np.array([self.fold_weights.get(fold, self.weight) for fold in folds.tolist()])


@dataclass(frozen=True, slots=True)
class ReadPieces:
    """What the late stage reads: of every candidate one piece, see ``Pieces.read_of``.

    Attributes:
        texts: the pieces of all passages.
        numbers: for one block of questions after the other, the piece of each candidate (n, C).
        idf: of the words of the questions.
    """

    texts: Sequence[str]
    numbers: Sequence[NDArray[np.int64]]
    idf: Idf


@dataclass(frozen=True, slots=True)
class _Head:
    """The first passages of a block of questions by the fusion: (n, at most 100) each."""

    questions: NDArray[np.int64]
    passages: NDArray[np.int64]
    pieces: NDArray[np.int64]
    scores: NDArray[np.float64]

    def first(self, depth: int) -> NDArray[np.int64]:
        """Pieces of the first passages; in places without one, the first of all once more."""
        empty = np.isneginf(self.scores[:, :depth])
        return np.where(empty, self.pieces[:, :1], self.pieces[:, :depth])

    def late(self, scores: LateScores, depth: int) -> NDArray[np.float64]:
        """Their late scores, NaN in places without a passage."""
        found = scores.of(self.questions, self.first(depth))
        found[np.isneginf(self.scores[:, :depth])] = np.nan
        return found


def measure_late(
    task: RetrievalTask,
    model: TextEncoder,
    candidates: Sequence[Shortlist],
    fusion: FusionFit,
    given: LateChoice | None = None,
    *,
    read: ReadPieces | None = None,
    show_progress_bar: bool = False,
    trace: Trace | None = None,
) -> tuple[Metrics, LateStage]:
    """Metrics (Q,) of the late stage over the fusion, and the weight and depth for new questions.

    Args:
        task: the questions and passages.
        model: gives the token vectors.
        candidates: of ``shortlist``, for one block of questions after the other.
        fusion: what the fusion was measured with.
        given: to measure with this weight and depth. Otherwise each fold is measured with those
            that the other folds choose.
        read: the pieces that are compared; the passages themselves when None.
        trace: gets the ranking.

    Cost: of every passage that is among the first 50 of a question, the piece is encoded once more.

    Raises:
        ModelError: a token vector is not finite.
    """
    origin: WeightFrom = "cross-fitted" if given is None else "given"
    if given is None and fusion.folds is None:
        given, origin = LateChoice(), "default"
    if read is None:
        places = [columns for columns, _, _ in candidates]
        read = ReadPieces(task.passages, places, BM25(task.passages).idf)
    weights = sorted({fusion.weight, *fusion.fold_weights.values()})
    depths = LATE_DEPTHS if given is None else (given.depth,)
    tried = WEIGHTS if given is None else (given.weight,)
    heads = {weight: list(_heads(candidates, read, weight)) for weight in weights}
    late = LateScores(
        model,
        task.questions,
        read.texts,
        read.idf,
        [(one.questions, one.first(max(depths))) for each in heads.values() for one in each],
        show_progress_bar=show_progress_bar,
    )
    curves = {
        weight: {depth: _curves(task, each, late, depth, tried) for depth in depths}
        for weight, each in heads.items()
    }
    of_folds = {}
    if given is None:
        given = choose_late(_primary(curves[fusion.weight]))
        of_folds = {
            fold: choose_late(_primary(curves[weight], np.flatnonzero(fusion.folds != fold)))
            for fold, weight in fusion.fold_weights.items()
        }
    if trace is not None:
        trace.rank("late", [_ranking(heads, late, fusion, of_folds, given)])
    found = _assembled(curves, fusion, of_folds, given)
    return found, LateStage(given.weight, given.depth, origin)


def choose_late(curves: Mapping[int, NDArray[np.float64]]) -> LateChoice:
    """Weight and depth from the nDCG@10 of questions: depth → (Q, 11) values.

    The weight is chosen as that of the fusion, but of those within .0025 of the best, and drawn
    towards .6. It is 0 unless its mean is more than .0025 above that of 0. A larger depth costs
    more, and is chosen only if its mean is more than .005 higher. nDCG@10 of the late stage,
    cross-fitted at depth 20, on four sets (the untuned model on governance600, a tuned one there,
    the untuned one on governance180 in pieces and on Python's documentation):

        drawn to .5 of those within .005     .921 .930 .936 .617
        drawn to .6 of those within .005     .924 .930 .940 .620
        this rule                            .925 .932 .940 .630
    """
    weights = {
        depth: best_weight(curve, LATE_WEIGHT, _LEAST_GAIN) for depth, curve in curves.items()
    }
    means = {
        depth: float(curve[:, WEIGHTS.index(weights[depth])].mean())
        for depth, curve in curves.items()
    }
    least = max(means.values()) - TOLERANCE
    depth = min(depth for depth, mean in means.items() if mean >= least)
    helps = means[depth] > float(curves[depth][:, 0].mean()) + _LEAST_GAIN
    return LateChoice(weights[depth] if helps else 0.0, depth)


def _heads(candidates: Iterable[Shortlist], read: ReadPieces, weight: float) -> Iterable[_Head]:
    start = 0
    for (columns, dense, words), pieces in zip(candidates, read.numbers, strict=True):
        scores = fuse(dense, words, weight)
        order = rank(scores, DEPTH)
        yield _Head(
            questions=np.arange(start, start + len(columns)),
            passages=np.take_along_axis(columns, order, axis=1),
            pieces=np.take_along_axis(pieces, order, axis=1),
            scores=np.take_along_axis(scores, order, axis=1),
        )
        start += len(columns)


def _curves(
    task: RetrievalTask,
    heads: Iterable[_Head],
    late: LateScores,
    depth: int,
    weights: Sequence[float],
) -> Metrics:
    blocks = []
    for head in heads:
        relevant = [task.relevant[question] for question in head.questions]
        scores = head.late(late, depth)
        each = []
        for weight in weights:
            order = rank(add_late(head.scores, scores, weight))
            ranking = np.take_along_axis(head.passages, order, axis=1)
            each.append(question_metrics(ranking, relevant))
        blocks.append(stacked(each))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _ranking(
    heads: Mapping[float, Sequence[_Head]],
    late: LateScores,
    fusion: FusionFit,
    of_folds: Mapping[int, LateChoice],
    otherwise: LateChoice,
) -> NDArray[np.int64]:
    """The first passages of every question under the choice of its fold."""
    parts = []
    for blocks in zip(*heads.values(), strict=True):
        of_weight = dict(zip(heads, blocks, strict=True))
        rows = blocks[0].questions
        folds = np.zeros(len(rows), dtype=np.int64) if fusion.folds is None else fusion.folds[rows]
        part = np.empty((len(rows), min(KEPT, blocks[0].passages.shape[1])), dtype=np.int64)
        for fold in np.unique(folds).tolist():
            choice = of_folds.get(fold, otherwise)
            head = of_weight[fusion.fold_weights.get(fold, fusion.weight)]
            scores = add_late(head.scores, head.late(late, choice.depth), choice.weight)
            ranked = np.take_along_axis(head.passages, rank(scores, KEPT), axis=1)
            part[folds == fold] = ranked[folds == fold]
        parts.append(part)
    return np.concatenate(parts)


def _primary(
    curves: Curves, rows: NDArray[np.int64] | slice = slice(None)
) -> dict[int, NDArray[np.float64]]:
    return {depth: metrics[PRIMARY_METRIC][rows] for depth, metrics in curves.items()}


def _assembled(
    curves: Mapping[float, Curves],
    fusion: FusionFit,
    of_folds: Mapping[int, LateChoice],
    otherwise: LateChoice,
) -> Metrics:
    """The metrics of every question under the choice of its fold."""
    first = next(iter(curves[fusion.weight].values()))
    found = {name: np.empty(len(values)) for name, values in first.items()}
    folds = np.zeros(len(first[PRIMARY_METRIC]), dtype=np.int64)
    folds = folds if fusion.folds is None else fusion.folds
    for fold in np.unique(folds).tolist():
        rows, choice = folds == fold, of_folds.get(fold, otherwise)
        measured = curves[fusion.fold_weights.get(fold, fusion.weight)][choice.depth]
        for name, values in measured.items():
            column = WEIGHTS.index(choice.weight) if values.shape[1] > 1 else 0
            found[name][rows] = values[rows, column]
    return found
