"""What tuning did to the similarity of general English sentences.

A model that is tuned on one subject may forget others. 318 pairs of short sentences on everyday
things, written for sentune, have a score from 0 (nothing in common) to 5 (the same in other words).
Spearman's correlation of these scores with the model's similarity is taken before and after.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.correlation import spearman_compared
from sentune.evaluation.significance import Interval
from sentune.tokens.truncation import count_truncation

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["General", "general_pairs", "measure_general"]

_RESAMPLES = 1000  # the bounds move by about .002 from those of 10,000
_NOTABLE = 0.02


@dataclass(frozen=True, slots=True)
class General:
    """Spearman's correlation on general pairs, before tuning and after.

    Attributes:
        pairs: their number.
        base, model: the correlation of each model, with its 95% interval.
        change: that of ``model`` minus that of ``base``, paired.
    """

    pairs: int
    base: Interval
    model: Interval
    change: Interval

    @property
    def forgot(self) -> bool:
        """Whether the fall is shown, and is at least .02."""
        return self.change.high < 0 and self.change.value <= -_NOTABLE


@cache
def general_pairs() -> tuple[tuple[str, ...], tuple[str, ...], tuple[float, ...]]:
    """First sentences, second sentences and scores of the pairs that come with sentune."""
    text = files("sentune.evaluation").joinpath("general_pairs.tsv").read_text("utf-8")
    rows = [*csv.DictReader(text.splitlines(), delimiter="\t")]
    return (
        tuple(row["sentence1"] for row in rows),
        tuple(row["sentence2"] for row in rows),
        tuple(float(row["score"]) for row in rows),
    )


def measure_general(model: SentenceTransformer, base: SentenceTransformer) -> General | None:
    """Correlate the similarities of both models with the scores.

    None if one of them gives the same similarity for all pairs, as a correlation needs a spread.
    Every prompt is left out. Cost: each model encodes 371 short sentences; then 0.1 s.

    Raises ModelError if a vector is not finite.
    """
    scores = np.array(general_pairs()[2])
    after, before = _similarities(model), _similarities(base)
    if np.ptp(after) == 0 or np.ptp(before) == 0:
        return None
    of_model, of_base, change = spearman_compared(scores, after, before, resamples=_RESAMPLES)
    return General(len(scores), of_base, of_model, change)


def _similarities(model: SentenceTransformer) -> NDArray[np.float64]:
    first, second, _ = general_pairs()
    texts = {text: row for row, text in enumerate(dict.fromkeys((*first, *second)))}
    with count_truncation():  # these texts are nobody's data
        vectors = np.asarray(model.encode([*texts], prompt="", show_progress_bar=False))
    left, right = (vectors[[texts[text] for text in side]] for side in (first, second))
    return np.asarray(model.similarity_pairwise(left, right), dtype=np.float64)
