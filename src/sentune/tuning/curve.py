"""The learning curve of a run: tuning repeated on parts of the questions.

Each part holds the one before it. A finished part is a small file beside the checkpoints, so that a
run that is resumed does not repeat it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.data.digests import pairs_digest
from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.evaluation.curve import SHARES, Curve
from sentune.evaluation.curve_points import curve_of, model_ndcg
from sentune.evaluation.report import PRIMARY_METRIC
from sentune.evaluation.retrieval import RetrievalTask
from sentune.evaluation.trace import Trace
from sentune.files import make_folder, remove_folder, write_json
from sentune.ranking.pieces import LongText
from sentune.tokens.truncation import count_truncation
from sentune.tuning.split import Split
from sentune.wording import counted

__all__ = ["WITHOUT_WATCHING", "learning_curve", "require_enough"]

_FEWEST = 8  # questions
WITHOUT_WATCHING: Mapping[str, Any] = {
    "eval_strategy": "no",
    "save_strategy": "no",
    "load_best_model_at_end": False,
    "metric_for_best_model": None,
    "early_stopping_patience": None,
}
"""What a part is trained with, in place of the run's settings: nothing is watched or saved."""

Floats = NDArray[np.float64]
Train = Callable[[Split, Path], SentenceTransformer]


def require_enough(split: Split) -> None:
    """Raise ArgumentError unless a quarter of the training questions can be tuned on."""
    number = len(split.train.relevant)
    if number < _FEWEST:
        raise ArgumentError(
            f"--curve with {counted(number, 'question')} to train on",
            expected=f"at least {_FEWEST}, as it tunes on a quarter of them",
            fix="leave --curve out, or add pairs",
        )


def learning_curve(
    split: Split,
    train: Train,
    trace: Trace,
    folder: Path,
    *,
    seed: int,
    long_text: LongText,
    say: Callable[[str], None],
) -> Curve:
    """Tune on a quarter, a half and three quarters of the questions, and measure each model.

    Args:
        split: of the run.
        train: tunes a new model on the training pairs of a split; it may write into the folder.
        trace: of the run's evaluation: the questions, and the values of base and tuned model.
        folder: where finished parts are kept.
        seed: of the draw.
        long_text: as in the run.
        say: called with a line before each part.

    Cost: one and a half times the training, and three evaluations of a model alone.
    """
    task = trace.task
    if task is None:
        raise ValueError("a trace that nothing has filled")  # a mistake in this package
    of_base, of_model = (trace.metrics[name][PRIMARY_METRIC] for name in ("base", "model"))
    parts = {0.0: (0, of_base), 1.0: (len(split.train), of_model)}
    make_folder(folder)
    keys = np.array(list(split.train.relevant))
    order = np.random.default_rng(seed).permutation(len(keys))
    for share in SHARES:
        chosen = np.sort(order[: max(2, round(share * len(keys)))])
        train_part = split.train.select(keys[chosen].tolist())
        file = folder / f"curve-{share:.0%}.json".replace("%", "")
        digest = _digest(train_part, task)
        values = _read(file, digest)
        if values is None:
            say(f"learning curve: tuning on {share:.0%} of the pairs, {len(train_part):,}")
            with count_truncation():  # the run has told it
                model = train(replace(split, train=train_part, watched=None), folder / "part")
                values = model_ndcg(task, model, long_text)
            if (folder / "part").is_dir():
                remove_folder(folder / "part")
            write_json(file, {"of": digest, PRIMARY_METRIC: values.tolist()})
        parts[share] = (len(train_part), values)
    return curve_of(parts, task.groups)


def _digest(pairs: Pairs, task: RetrievalTask) -> str:
    """What a point depends on beside the settings, which the checkpoints compare."""
    digest = hashlib.sha256(pairs_digest(pairs).encode())
    for text in (*task.questions, *map(str, map(sorted, task.relevant)), *task.passages):
        digest.update(repr(text).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _read(file: Path, digest: str) -> Floats | None:
    """What a run that was interrupted measured; None if it is not there, or of other texts."""
    try:
        found = json.loads(file.read_text("utf-8"))
        values = np.array(found[PRIMARY_METRIC], dtype=np.float64)
        return values if found["of"] == digest else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
