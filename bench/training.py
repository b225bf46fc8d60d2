"""Training time beside the reference library: the same pairs, batch and number of steps.

    .venv/bin/python bench/training.py PAIRS [--steps 6] [--rounds 3]

Runs both in alternation in one process and prints the median seconds of each, and the ratios.
PAIRS is any file that ``sentune tune`` reads. The reference runs with its own defaults (float32,
dropout 0.1) and in its bf16 mode; ours with the recipe of ``sentune tune`` in the number format
of this machine and in float32. Loading and evaluation are not timed.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import transformers
from sentence_transformers import SentenceTransformer as Reference
from sentence_transformers import SentenceTransformerTrainer as ReferenceTrainer
from sentence_transformers import SentenceTransformerTrainingArguments as ReferenceArguments
from sentence_transformers.sentence_transformer.losses import (
    MultipleNegativesRankingLoss as ReferenceLoss,
)

from sentune import SentenceTransformer
from sentune.data import Pairs, read_pairs
from sentune.hardware import choose_compute
from sentune.model.base_models import DEFAULT_BASE_MODEL, resolve
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer

BATCH = 20


def main() -> None:
    """Print a table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    logging.disable(logging.WARNING)
    pairs = read_pairs(given.pairs)
    runs: dict[str, Callable[[], float]] = {
        "reference float32": lambda: _reference(pairs, given.steps, bf16=False),
        "reference bf16": lambda: _reference(pairs, given.steps, bf16=True),
        "sentune float32": lambda: _ours(pairs, given.steps, "float32"),
        "sentune auto": lambda: _ours(pairs, given.steps, "auto"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds):
        for name, run in runs.items():
            seconds[name].append(run())
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"auto: {choose_compute().dtype_name}; {given.steps} steps of {BATCH} pairs")
    for name, median in medians.items():
        ratio = medians["reference float32"] / median
        spread = f"{min(seconds[name]):.1f} to {max(seconds[name]):.1f}"
        print(f"{name:18} {median:7.1f} s ({spread})  {ratio:5.2f} times the reference's default")


def _ours(pairs: Pairs, steps: int, compute_dtype: str) -> float:
    model = SentenceTransformer(compute_dtype=compute_dtype)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=scratch,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            dropout=0.0,
            disable_tqdm=True,
        )
        trainer = SentenceTransformerTrainer(model, arguments, pairs)
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def _reference(pairs: Pairs, steps: int, *, bf16: bool) -> float:
    model = Reference(str(resolve(DEFAULT_BASE_MODEL).folder), device="cpu")
    with tempfile.TemporaryDirectory() as scratch:
        arguments = ReferenceArguments(
            output_dir=scratch,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            bf16=bf16,
            use_cpu=True,
            dataloader_pin_memory=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = ReferenceTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_dict(pairs.columns()),
            loss=ReferenceLoss(model),
        )
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
