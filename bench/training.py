"""Training beside the reference library: time and peak memory, the same pairs, batch and steps.

    .venv/bin/python bench/training.py PAIRS [--steps 6] [--rounds 3]

PAIRS is any file that ``sentune tune`` reads. Times: all systems take turns in one process, and
the medians and their ratios are printed; loading and evaluation are not timed, what our recipe does
to the pairs first is. Memory: each system runs in a process of its own, and what is printed is its
greatest resident size. Where the processor has no bfloat16 products, only float32 is compared:
emulated, bfloat16 is hundreds of times slower.

    (a) our default recipe against the reference's defaults (float32, dropout 0.1) and its bf16
    (b) identical settings: dropout 0.1 in hidden states and attention on both sides, which is
        checked by encoding the same batch twice in training mode
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import torch
import transformers

from sentune import SentenceTransformer
from sentune.data import Pairs, read_pairs
from sentune.machine.hardware import choose_compute
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve
from sentune.network.pack import pack
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.recipes import DEFAULT_RECIPE, recipe

BATCH = 20
DROPOUT = 0.1
Run = Callable[[Pairs, int], float]


def ours(compute_dtype: str) -> Run:
    """A run of our default recipe: its seconds."""

    def run(pairs: Pairs, steps: int) -> float:
        model, chosen = SentenceTransformer(compute_dtype=compute_dtype), recipe(DEFAULT_RECIPE)
        with tempfile.TemporaryDirectory() as scratch:
            arguments = SentenceTransformerTrainingArguments(
                **{**chosen.settings, "per_device_train_batch_size": BATCH},
                output_dir=scratch,
                max_steps=steps,
                disable_tqdm=True,
            )
            started = time.perf_counter()
            epochs = chosen.settings["num_train_epochs"]
            prepared, data = chosen.prepare(pairs, model, epochs, arguments.seed)
            # The preparation is for the whole run: these steps take their share of it.
            rows = len(data.rows) + (epochs - 1) * len(prepared)
            before = (time.perf_counter() - started) * min(1.0, steps * BATCH / rows)
            trainer = SentenceTransformerTrainer(model, arguments, data, loss=chosen.make_loss())
            seconds: float = before + timed(trainer)
            return seconds

    return run


def ours_with_dropout(compute_dtype: str) -> Run:
    """A run of ours under the reference's settings, dropout included."""

    def run(pairs: Pairs, steps: int) -> float:
        model = SentenceTransformer(compute_dtype=compute_dtype)
        model.train()
        texts = [model.tokenizer(["what is dropout"])[0][0]]
        require_dropout(lambda: model(pack(texts)))
        with tempfile.TemporaryDirectory() as scratch:
            arguments = SentenceTransformerTrainingArguments(
                **recipe("reference").settings,
                output_dir=scratch,
                max_steps=steps,
                disable_tqdm=True,
            )
            return timed(SentenceTransformerTrainer(model, arguments, pairs))

    return run


def reference(*, bf16: bool) -> Run:
    """A run of the reference library with its defaults: its seconds."""

    def run(pairs: Pairs, steps: int) -> float:
        # Here, so that a process that measures our memory does not hold it.
        import datasets
        from sentence_transformers import SentenceTransformer as Reference
        from sentence_transformers import SentenceTransformerTrainer as ReferenceTrainer
        from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
        from sentence_transformers.sentence_transformer import losses

        datasets.disable_progress_bars()
        model = Reference(str(resolve(DEFAULT_BASE_MODEL).folder), device="cpu")
        model.train()
        features = model.tokenize(["what is dropout"])
        require_dropout(lambda: model(dict(features))["sentence_embedding"])
        with tempfile.TemporaryDirectory() as scratch:
            arguments = Arguments(
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
                loss=losses.MultipleNegativesRankingLoss(model),
            )
            return timed(trainer)

    return run


def require_dropout(encode: Callable[[], torch.Tensor]) -> None:
    """Stop unless two passes over the same text differ as dropout of 0.1 makes them differ."""
    with torch.no_grad():
        first, second = encode(), encode()
    change = float((first - second).norm() / first.norm())
    if not change > 0.05:
        sys.exit(f"dropout is not on: two passes differ by {change:.4f}")


def timed(trainer: Any) -> float:
    """Seconds of ``train()``."""
    started = time.perf_counter()
    trainer.train()
    return time.perf_counter() - started


RUNS: Mapping[str, Run] = {
    "reference float32": reference(bf16=False),
    "(a) ours, float32": ours("float32"),
    "(b) ours, float32": ours_with_dropout("float32"),
}
if choose_compute().dtype == torch.bfloat16:
    RUNS = {
        **RUNS,
        "reference bf16": reference(bf16=True),
        "(a) ours, bfloat16": ours("bfloat16"),
        "(b) ours, bfloat16": ours_with_dropout("bfloat16"),
    }
REFERENCES = [name for name in RUNS if name.startswith("reference")]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-of", choices=list(RUNS), help=argparse.SUPPRESS)
    parser.add_argument("--no-memory", action="store_true", help="times alone")
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    pairs = read_pairs(given.pairs)
    if given.memory_of:
        RUNS[given.memory_of](pairs, given.steps)
        print(_peak())
        return
    print(f"auto: {choose_compute().dtype_name}; {given.steps} steps of {BATCH} pairs\n")
    if given.rounds:
        times(pairs, given.steps, given.rounds)
    if not given.no_memory:
        memory(given.pairs, given.steps)


def times(pairs: Pairs, steps: int, rounds: int) -> None:
    """Median seconds and ratios to both modes of the reference."""
    seconds: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(rounds):
        for name, run in RUNS.items():
            seconds[name].append(run(pairs, steps))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{'':18} {'seconds':>20}  times {', '.join(REFERENCES)}")
    for name, median in medians.items():
        spread = f"{median:.1f} ({min(seconds[name]):.1f} to {max(seconds[name]):.1f})"
        ratios = " ".join(f"{medians[against] / median:5.2f}" for against in REFERENCES)
        print(f"{name:18} {spread:>20}  {ratios}", flush=True)


def _peak() -> int:
    """MiB. The system's own count of a child starts with what its parent held (Linux)."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def memory(pairs: str, steps: int) -> None:
    """Peak resident size of a process for each run, and its share of the reference's."""
    peaks = {}
    for name in RUNS:
        command = [sys.executable, __file__, pairs, "--steps", str(steps), "--memory-of", name]
        told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        peaks[name] = int(told.split()[-1])  # the reference prints before
    print(f"\n{'':18} {'peak MiB':>10}  share of {', '.join(REFERENCES)}")
    for name, peak in peaks.items():
        shares = " ".join(f"{peak / peaks[against]:5.2f}" for against in REFERENCES)
        print(f"{name:18} {peak:>10,}  {shares}")


if __name__ == "__main__":
    main()
