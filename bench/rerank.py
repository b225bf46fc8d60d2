"""Scoring pairs beside the reference's CrossEncoder: speed, and how far the scores are apart.

    .venv/bin/python -m bench.rerank [--rounds 5] [--pairs 100] [--threads 2]

One question with docstrings of the installed packages: pairs of about 160 tokens. The model is BERT
with 6 layers of 384 dimensions and random weights, made in a temporary folder. All systems take
turns in one process; printed are medians over rounds, and the ratio of the time of each to that of
ours (the faster of float32 and bfloat16) in the same round. bfloat16 is measured only where the
processor multiplies it; the reference's best setting is the faster one of its formats.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from bench.corpus import real_passages

from sentune import CrossEncoder
from sentune.machine.hardware import int8_is_exact, processor_bfloat16_unit
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

Pairs = list[tuple[str, str]]
_QUESTION = "how do I copy a file to another folder and keep its dates"
_TOKENS = range(130, 190)  # of a pair


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        _write_model(Path(folder))
        systems = _systems(folder)
        model = CrossEncoder(folder, compute_dtype="float32")
        pairs, tokens = _pairs(model, given.pairs)
        print(f"{len(pairs)} pairs of {tokens:.0f} tokens, {given.threads} threads\n")
        _compare(systems, pairs, given.rounds)


def _write_model(folder: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    base = resolve(DEFAULT_BASE_MODEL).folder
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    config.num_labels = 1
    BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(base / name, folder / name)


def _systems(folder: str) -> dict[str, Callable[[Pairs], Any]]:
    import sentence_transformers

    formats = ["float32", *(["bfloat16"] if processor_bfloat16_unit() else [])]
    found: dict[str, Callable[[Pairs], Any]] = {}
    for name in formats:
        ours = CrossEncoder(folder, device="cpu", compute_dtype=name)
        theirs = sentence_transformers.CrossEncoder(
            folder, device="cpu", model_kwargs={"dtype": getattr(torch, name)}
        )
        found[f"sentune, {name}"] = _quiet(ours)
        found[f"reference, {name}"] = _quiet(theirs)
    if int8_is_exact():
        found["sentune, int8"] = _quiet(CrossEncoder(folder, device="cpu", compute_dtype="int8"))
    return found


def _quiet(model: Any) -> Callable[[Pairs], Any]:
    return lambda pairs: model.predict(pairs, show_progress_bar=False)


def _pairs(model: CrossEncoder, count: int) -> tuple[Pairs, float]:
    pairs = [(_QUESTION, text) for text in real_passages(30 * count)]
    lengths = [len(ids) for ids in model.tokenizer.pairs(pairs)[0]]
    kept = [number for number, length in enumerate(lengths) if length in _TOKENS][:count]
    return [pairs[number] for number in kept], statistics.mean(lengths[n] for n in kept)


def _compare(systems: dict[str, Callable[[Pairs], Any]], pairs: Pairs, rounds: int) -> None:
    scores = {name: np.asarray(score(pairs), np.float32) for name, score in systems.items()}
    times: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(rounds):
        names = list(systems)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            start = time.perf_counter()
            systems[name](pairs)
            times[name].append(time.perf_counter() - start)
    exact_formats = (name for name in times if name.startswith("sentune") and "int8" not in name)
    ours = min(exact_formats, key=_median(times))
    exact = scores["reference, float32"]
    for name, taken in times.items():
        ratios = [each / own for each, own in zip(taken, times[ours], strict=True)]
        apart = float(np.abs(scores[name] - exact).max())
        print(
            f"{name:20} {statistics.median(taken) * 1000:7.0f} ms  "
            f"{statistics.median(ratios):5.2f} × {ours}  scores apart by {apart:.1e}"
        )


def _median(times: Mapping[str, Sequence[float]]) -> Callable[[str], float]:
    return lambda name: statistics.median(times[name])


if __name__ == "__main__":
    main()
