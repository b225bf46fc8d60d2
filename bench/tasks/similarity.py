"""Spearman on scored sentence pairs and the time it takes, beside the reference library.

    .venv/bin/python bench/tasks_similarity.py [SCORED] [--rounds 3]

SCORED is any file that ``sentune evaluate`` reads as sentence pairs with scores, by default the
development set of STS-B. Both libraries run their EmbeddingSimilarityEvaluator on the same weights,
in alternation in one process; loading is not timed. The reference runs in batches of 16, its
default, and of 128; ours without a bound, as ``sentune evaluate`` does, and in batches of 16.
Prints the correlations, their difference to the reference's, and medians with ratios. Exits with 1
if float32 is more than .0005 away.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import transformers
from sentence_transformers import SentenceTransformer as Reference
from sentence_transformers.sentence_transformer.evaluation import (
    EmbeddingSimilarityEvaluator as ReferenceEvaluator,
)

from sentune import EmbeddingSimilarityEvaluator, SentenceTransformer
from sentune.data import ScoredPairs, read_scored_pairs
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

_STSB = "../shared/data/stsb/stsb-en-dev.csv"
_TOLERANCE = 0.0005
_REFERENCE = "reference, 16"


def main(rounds: int) -> None:
    """Print correlations, medians of seconds and ratios."""
    transformers.logging.set_verbosity_error()
    runs = _runs(read_scored_pairs(_STSB))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    figures: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            figures[name] = run()
            seconds[name].append(time.perf_counter() - start)
    reference = statistics.median(seconds[_REFERENCE])
    for name, values in seconds.items():
        spearman, pearson = (figures[name][f"{key}_cosine"] for key in ("spearman", "pearson"))
        away = spearman - figures[_REFERENCE]["spearman_cosine"]
        median = statistics.median(values)
        print(
            f"{name:19} Spearman {spearman:.5f} ({away:+.5f})  Pearson {pearson:.5f}  "
            f"{median:6.1f} s ({min(values):.1f} to {max(values):.1f})  "
            f"{reference / median:5.2f} times the reference"
        )
    float32 = figures["sentune float32"]["spearman_cosine"]
    sys.exit(abs(float32 - figures[_REFERENCE]["spearman_cosine"]) > _TOLERANCE)


def _runs(pairs: ScoredPairs) -> dict[str, Callable[[], dict[str, float]]]:
    reference = Reference(str(resolve(DEFAULT_BASE_MODEL).folder), device="cpu")
    models = {
        dtype: SentenceTransformer(device="cpu", compute_dtype=dtype)
        for dtype in ("float32", "bfloat16")
    }
    return {
        _REFERENCE: partial(_evaluator(ReferenceEvaluator, pairs, 16), reference),
        "reference, 128": partial(_evaluator(ReferenceEvaluator, pairs, 128), reference),
        "sentune float32, 16": partial(
            _evaluator(EmbeddingSimilarityEvaluator, pairs, 16), models["float32"]
        ),
        **{
            f"sentune {dtype}": partial(
                _evaluator(EmbeddingSimilarityEvaluator, pairs, len(pairs)), model
            )
            for dtype, model in models.items()
        },
    }


def _evaluator(kind: Any, pairs: ScoredPairs, batch_size: int) -> Any:
    columns = list(pairs.first), list(pairs.second), list(pairs.scores)
    return kind(*columns, batch_size=batch_size)
