"""A student beside its teacher: speed in alternation, and how well both find passages.

    .venv/bin/python -m bench.distill STUDENT [STUDENT …] [--teacher MODEL] [--rounds 5]
                                      [--measure PAIRS …] [--without PAIRS] [--sts PAIRS]

Speed: all models take turns in one process. Printed are the medians over rounds of the ratios to
the teacher, for passages of 256 tokens, short questions, and one question at a time.

Quality: with ``--measure``, every passage of these files is ranked for their questions, as
``bench.quality`` does, without the questions of ``--without``; ``--sts`` adds sentence pairs with
scores.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections.abc import Sequence

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import torch
from bench.encode import _workloads
from bench.quality import _joined, _measured, _Probe, _summary

from sentune import SentenceTransformer
from sentune.data import read_pairs, without_leaks

Models = dict[str, SentenceTransformer]


def main() -> None:
    """Print the ratios, and the figures where they are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("students", nargs="+")
    parser.add_argument("--teacher", default="all-MiniLM-L6-v2")
    parser.add_argument("--compute-dtype", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=128, help="in each workload")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", nargs="+", default=[])
    parser.add_argument("--without")
    parser.add_argument("--sts")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(given.threads)
    names = [given.teacher, *given.students]
    models = {name: SentenceTransformer(name, compute_dtype=given.compute_dtype) for name in names}
    if given.rounds:
        _speed(models, given.texts, given.rounds)
    if given.measure:
        _quality(models, given.measure, given.without, given.sts)


def _speed(models: Models, count: int, rounds: int) -> None:
    teacher = next(iter(models.values()))
    print(f"{teacher.compute.dtype_name}, {torch.get_num_threads()} threads")
    for name, texts in _workloads(teacher, count).items():
        if name == "mixed":
            continue
        seconds = _seconds(models, texts, one_by_one=name == "one question", rounds=rounds)
        of_teacher = next(iter(seconds.values()))
        for model, own in seconds.items():
            rate = len(texts) / statistics.median(own)
            ratios = [a / b for a, b in zip(of_teacher, own, strict=True)]
            print(
                f"{name:14} {model:32} {rate:9,.1f} a second, {statistics.median(ratios):.2f} times"
                f" ({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


def _seconds(
    models: Models, texts: Sequence[str], *, one_by_one: bool, rounds: int
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in models}
    for place in range(rounds + 1):
        for name, model in models.items():
            started = time.perf_counter()
            for part in [[text] for text in texts] if one_by_one else [texts]:
                model.encode(part)
            if place:  # the first round prepares products for these sizes
                found[name].append(time.perf_counter() - started)
    return found


def _quality(models: Models, measure: Sequence[str], without: str | None, sts: str | None) -> None:
    parts = [read_pairs(path) for path in measure]
    if without is not None:
        parts = [without_leaks(part, read_pairs(without)) for part in parts]
    task, probe = _joined(parts), _Probe(sts)
    print(f"\n{len(task.questions)} questions, {len(task.passages)} passages; nDCG@10")
    for name, model in models.items():
        print(f"{name:32} {_summary(_measured(model, task, probe))}", flush=True)


if __name__ == "__main__":
    main()
