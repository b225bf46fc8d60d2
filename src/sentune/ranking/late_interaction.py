"""The late stage: the first passages of a ranking, ordered anew by the vectors of their tokens.

A vector of a whole text says what it is about, and forgets details. The late stage compares every
token of the question with every token of a passage (MaxSim of ColBERT: Khattab & Zaharia 2020,
arXiv:2004.12832), with the token vectors that the model computes anyway. Nothing is trained for it.
Tokens of rare words count more: :mod:`sentune.ranking.token_weights`.

Evaluation, search and the index all use ``max_sim`` and ``add_late``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_number, require_whole
from sentune.errors import DataError
from sentune.ranking.fusion import z_scores
from sentune.ranking.token_vectors import TokenVectors, passage_tokens, question_tokens
from sentune.ranking.token_weights import Idf

if TYPE_CHECKING:
    from sentune.encoding.text_encoder import TextEncoder

__all__ = [
    "LATE_DEPTH",
    "LATE_WEIGHT",
    "LateChoice",
    "add_late",
    "late_scores",
    "max_sim",
    "require_late_depth",
    "require_late_weight",
]

LATE_DEPTH = 20
"""How many of the first passages are compared by tokens. With 50, nDCG@10 of the untuned model on
676 questions was the same to .001, at two and a half times the cost."""

LATE_WEIGHT = 0.6
"""For models that no weight was chosen for. On four sets of questions the best weights were .3, .7,
.8 and .9, and .6 was within .009 of each of them."""

_DIGITS = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LateChoice:
    """How the late stage ranks: its share in the scores of the first passages, and their number.

    Raises:
        ArgumentError: a weight outside 0 to 1, or a depth below 1.
    """

    weight: float = LATE_WEIGHT
    depth: int = LATE_DEPTH

    def __post_init__(self) -> None:
        """Check both."""
        object.__setattr__(self, "weight", require_late_weight(self.weight))
        object.__setattr__(self, "depth", require_late_depth(self.depth))

    @classmethod
    def saved(cls, extras: Mapping[str, Any]) -> Self | None:
        """What was saved with a model; None without a weight above 0."""
        weight = extras.get("late_weight", 0.0)
        return cls(weight, extras.get("late_depth", LATE_DEPTH)) if weight else None


def require_late_weight(weight: object) -> float:
    """The weight of the late stage, as a float. Raises ArgumentError outside 0 to 1."""
    expected = "a number from 0 (no late stage) to 1 (nothing else)"
    fix = "choose a number in that range, or leave it out"
    return require_number("late_weight", weight, least=0, most=1, expected=expected, fix=fix)


def require_late_depth(depth: object) -> int:
    """How many passages are compared by tokens. Raises ArgumentError below 1."""
    return require_whole("late_depth", depth, fix=f"leave it out for {LATE_DEPTH}")


def max_sim(questions: Sequence[TokenVectors], passages: Sequence[TokenVectors]) -> Floats:
    """MaxSim of every question with every passage: (Q, P), from −1 to 1.

    The score is the mean over the question's tokens of the largest dot product with a token of the
    passage; the tokens of questions have their weights as lengths. A question or a passage without
    tokens scores 0.

    Cost: one product of all tokens of both sides. For 12 tokens against 20 passages of 150 tokens
    it takes one or two milliseconds on one processor.

    Raises:
        DataError: matrices of different widths.
    """
    scores = np.zeros((len(questions), len(passages)))
    asked = [row for row, tokens in enumerate(questions) if len(tokens)]
    known = [row for row, tokens in enumerate(passages) if len(tokens)]
    if not asked or not known:
        return scores
    left, rows = _joined([questions[row] for row in asked])
    right, columns = _joined([passages[row] for row in known])
    if left.shape[1] != right.shape[1]:
        raise DataError(
            f"token vectors of {left.shape[1]} and of {right.shape[1]} numbers",
            expected="vectors of one model",
            fix="encode questions and passages with the same model",
        )
    best = np.maximum.reduceat(left @ right.T, columns, axis=1)
    lengths = np.diff([*rows, len(left)])[:, None]
    means = np.add.reduceat(best.astype(np.float64), rows, axis=0) / lengths
    # Products of equal vectors differ in the last bit by their place in the matrix, and z-scores
    # of passages that are all alike would blow that up.
    scores[np.ix_(asked, known)] = means.round(_DIGITS)
    return scores


def late_scores(model: TextEncoder, question: str, passages: Sequence[str], idf: Idf) -> Floats:
    """MaxSim of one question with the first passages of its ranking, encoded here: (1, D).

    Cost: that of encoding D passages: .6 s of one processor for 20 of 180 tokens.

    Raises:
        ModelError: a token vector is not finite.
    """
    tokens = [one for block in passage_tokens(model, passages) for one in block]
    return max_sim(question_tokens(model, [question], idf), tokens)


def _joined(parts: Sequence[TokenVectors]) -> tuple[TokenVectors, list[int]]:
    """All rows one after the other, and where each part starts."""
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), starts.tolist()


def add_late(
    scores: NDArray[np.floating[Any]], late: NDArray[np.floating[Any]], weight: float
) -> Floats:
    """Scores of a ranking with those of the late stage added: (Q, C), (Q, D) → (Q, C).

    Of the first D passages, both scores are brought to z-scores among themselves, and the result
    is ``(1 − weight) · z + weight · late z``. Passages beyond the first D follow behind these, as
    far apart as they were. With the weight 0 nothing changes.

    Args:
        scores: of C passages, each row in falling order; −inf for places without a passage.
        late: MaxSim scores of the first D of them, D ≤ C; NaN for places without a passage.
        weight: the share of the late scores, from 0 to 1.

    Raises:
        ArgumentError: ``weight`` is outside [0, 1].
        DataError: shapes that do not fit.
    """
    weight = require_late_weight(weight)
    fits = scores.ndim == late.ndim == 2 and len(scores) == len(late)
    if not fits or late.shape[1] > scores.shape[1]:
        raise DataError(
            f"scores of shape {scores.shape} and late scores of shape {late.shape}",
            expected="two matrices with one row a question, the second no wider than the first",
            fix="give the late scores of the first passages of each question",
        )
    depth = late.shape[1]
    if weight == 0 or depth == 0:
        return scores.astype(np.float64)
    empty = np.isneginf(scores)
    given = np.where(empty, np.nan, scores)
    ordered = np.stack([z_scores(given[:, :depth]), z_scores(late)])
    shares = np.array([1.0 - weight, weight])[:, None, None]
    lowest = (shares * ordered.min(axis=2, keepdims=True)).sum(axis=0)
    behind = lowest + (given[:, depth:] - given[:, depth - 1 : depth])
    found = np.concatenate([(shares * ordered).sum(axis=0), behind], axis=1)
    found[empty] = -np.inf
    return found
