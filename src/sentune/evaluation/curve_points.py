"""Measures the points of a learning curve, on the questions of the report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.curve import Curve, CurvePoint
from sentune.evaluation.report import PRIMARY_METRIC
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.significance import (
    Difference,
    Interval,
    bootstrap_interval,
    paired_difference,
)
from sentune.ranking.blocks import row_blocks
from sentune.ranking.pieces import LongText, cut_texts, encode_pieces
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import RetrievalModel, similarity_scores

__all__ = ["curve_of", "model_ndcg"]

Floats = NDArray[np.float64]


def model_ndcg(task: RetrievalTask, model: RetrievalModel, long_text: LongText) -> Floats:
    """nDCG@10 of each question by the model alone, (Q,), as ``evaluate_systems`` measures it.

    Cost: the model encodes each text once; O(Q · P · d).
    """
    pieces = cut_texts(task.passages, model, long_text)
    asked = model.encode_query(task.questions, show_progress_bar=False)
    vectors = encode_pieces(model, pieces, show_progress_bar=False)
    found = []
    for rows in row_blocks(len(task.questions), len(pieces.texts)):
        scores = pieces.best(similarity_scores(model, asked[rows], vectors))
        found.append(question_metrics(rank(scores), task.relevant[rows])[PRIMARY_METRIC])
    return np.concatenate(found)


def curve_of(parts: Mapping[float, tuple[int, Floats]], groups: NDArray[np.int64]) -> Curve:
    """The curve of shares → pairs and nDCG@10 of each question (Q,); 0, .75 and 1 among them."""
    _, members = np.unique(groups, return_inverse=True)
    several = bool(members.any())
    points = [
        CurvePoint(share, pairs, _interval(values, members, several))
        for share, (pairs, values) in sorted(parts.items())
    ]
    whole, less = parts[1.0][1], parts[0.75][1]
    if several:
        return Curve(points, paired_difference(whole, less, members))
    return Curve(points, Difference(float((whole - less).mean()), -1.0, 1.0, 1.0))


def _interval(values: Floats, groups: NDArray[np.int64], several: bool) -> Interval:
    # One group says nothing about other questions.
    return bootstrap_interval(values, groups) if several else Interval(float(values.mean()), 0, 1)
