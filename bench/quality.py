"""Recipes beside each other: how well a model finds passages on questions it was not trained on.

    .venv/bin/python -m bench.quality --train PAIRS --measure PAIRS [PAIRS …] [--sts PAIRS]
                                      [--recipes reference plain …] [--seeds 5] [--out FILE]

Trains each recipe once for each seed, exactly as ``sentune tune`` does, and ranks every passage of
the ``--measure`` files for their questions: by the model alone, fused with BM25, and with the late
stage over that (weights and depth cross-fitted in five folds). Questions of ``--train`` are left
out. ``--sts`` is a forgetting probe: sentence pairs with scores.

Printed are, for each recipe, the mean over seeds with its 95% interval over groups of questions,
the spread of the seeds, and the paired difference to the first recipe. Each run adds a line to
``--out`` when it ends, so that the same command continues after it was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.data import Pairs, read_pairs, read_scored_pairs, without_leaks
from sentune.evaluation import EmbeddingSimilarityEvaluator, RetrievalTask
from sentune.evaluation.late.late_stage import FusionFit, measure_late
from sentune.evaluation.retrieval import question_metrics
from sentune.evaluation.significance import bootstrap_interval, paired_difference
from sentune.evaluation.weights import WEIGHTS, best_weight, cross_fit, shortlist_curves
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import shortlist
from sentune.ranking.rank import rank
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.recipes import DEFAULT_RECIPE, RECIPES, recipe

Run = dict[str, Any]
Values = NDArray[np.float64]
_METRIC = "ndcg@10"
_FOLDS = 5
_KINDS = ("alone", "fused", "late")


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--train", required=True)
    parser.add_argument("--measure", required=True, nargs="+")
    parser.add_argument("--sts")
    parser.add_argument(
        "--recipes", nargs="+", default=["reference", DEFAULT_RECIPE], choices=[*RECIPES]
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("quality.jsonl"))
    given = parser.parse_args()
    pairs = read_pairs(given.train)
    parts = [without_leaks(read_pairs(path), pairs) for path in given.measure]
    task = _joined(parts)
    probe = _Probe(given.sts)
    done = _read(given.out, _of(given))
    base = done.get(("base", 0)) or _measured(SentenceTransformer(), task, probe)
    _write(given, done, ("base", 0), base)
    for seed in range(given.seeds):
        for name in given.recipes:
            if (name, seed) not in done:
                model, seconds = _trained(name, pairs, seed)
                run = {**_measured(model, task, probe), "seconds": round(seconds, 1)}
                _write(given, done, (name, seed), run)
                print(f"{name} seed {seed}: {_summary(run)}, {seconds:.0f} s", flush=True)
    _table(given.recipes, done, task)


class _Probe:
    """Similarity of sentence pairs, for what a model forgets."""

    def __init__(self, path: str | None) -> None:
        self._pairs = None if path is None else read_scored_pairs(path)

    def __call__(self, model: SentenceTransformer) -> float | None:
        if self._pairs is None:
            return None
        evaluator = EmbeddingSimilarityEvaluator(
            self._pairs.first, self._pairs.second, self._pairs.scores, write_csv=False
        )
        return evaluator(model)["spearman_cosine"]


def _joined(parts: list[Pairs]) -> RetrievalTask:
    """The questions of all parts, each against the passages of all."""
    tasks = [RetrievalTask.from_pairs(part, *parts) for part in parts]
    rows = {text: row for row, text in enumerate(tasks[0].passages)}
    first = np.cumsum([0, *(int(task.groups.max()) + 1 for task in tasks)])
    return RetrievalTask(
        questions=[text for task in tasks for text in task.questions],
        passages=tasks[0].passages,
        relevant=[
            frozenset(rows[task.passages[index]] for index in found)
            for task in tasks
            for found in task.relevant
        ],
        groups=np.concatenate(
            [task.groups + start for task, start in zip(tasks, first, strict=False)]
        ),
    )


def _trained(name: str, pairs: Pairs, seed: int) -> tuple[SentenceTransformer, float]:
    chosen = recipe(name)
    model = SentenceTransformer()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SentenceTransformerTrainingArguments(
            **chosen.settings, output_dir=scratch, seed=seed, disable_tqdm=True, save_strategy="no"
        )
        started = time.perf_counter()
        trained_on = chosen.prepare(pairs, model, arguments.num_train_epochs, seed).data
        SentenceTransformerTrainer(model, arguments, trained_on, loss=chosen.make_loss()).train()
        return model, time.perf_counter() - started


def _measured(model: SentenceTransformer, task: RetrievalTask, probe: _Probe) -> Run:
    scores = model.encode_query(task.questions) @ model.encode_document(task.passages).T
    words = BM25(task.passages).scores(task.questions)
    candidates = shortlist(scores, words)
    curves = shortlist_curves(candidates, task.relevant, WEIGHTS)
    folds = np.random.default_rng(0).permutation(int(task.groups.max()) + 1) % _FOLDS
    fused = cross_fit(curves, folds[task.groups])
    weight = best_weight(curves[_METRIC])
    fit = FusionFit(weight, folds[task.groups], fused.weights)
    late, chosen = measure_late(task, model, [candidates], fit)
    return {
        "alone": question_metrics(rank(scores), task.relevant)[_METRIC].tolist(),
        "fused": fused.metrics[_METRIC].tolist(),
        "weight": weight,
        "late": late[_METRIC].tolist(),
        "late_weight": chosen.weight,
        "late_depth": chosen.depth,
        "sts": probe(model),
    }


def _of(given: argparse.Namespace) -> list[str]:
    """What a line in the file is about: the data, and what the recipes are."""
    recipes = hashlib.sha256(repr(sorted(RECIPES.items())).encode("utf-8")).hexdigest()
    return [given.train, *given.measure, str(given.sts), f"late {recipes[:12]}"]


def _read(path: Path, of: list[str]) -> dict[tuple[str, int], Run]:
    if not path.is_file():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(one["recipe"], one["seed"]): one["run"] for one in lines if one["of"] == of}


def _write(
    given: argparse.Namespace, done: dict[tuple[str, int], Run], key: tuple[str, int], run: Run
) -> None:
    if key in done:
        return
    done[key] = run
    line = json.dumps({"of": _of(given), "recipe": key[0], "seed": key[1], "run": run})
    with given.out.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def _summary(run: Run) -> str:
    sts = "" if run["sts"] is None else f", sts {run['sts']:.4f}"
    alone, fused, late = (np.mean(run[kind]) for kind in _KINDS)
    chosen = f"weight {run['late_weight']:g}, depth {run['late_depth']}"
    return (
        f"alone {alone:.4f}, fused {fused:.4f} (weight {run['weight']:g}), "
        f"late {late:.4f} ({chosen}){sts}"
    )


def _table(recipes: list[str], done: Mapping[tuple[str, int], Run], task: RetrievalTask) -> None:
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for (name, _), run in sorted(done.items()):
        runs[name].append(run)
    print(f"\n{len(task.questions)} questions, {len(task.passages)} passages; {_METRIC}\n")
    for name in ("base", *recipes):
        print(f"{name} ({len(runs[name])} seeds)")
        for kind in _KINDS:
            print(f"  {kind:6} {_line(kind, runs[name], runs[recipes[0]], task.groups)}")
        probes = [run["sts"] for run in runs[name] if run["sts"] is not None]
        if probes:
            print(f"  sts    {np.mean(probes):.4f} ({min(probes):.4f} to {max(probes):.4f})")


def _line(kind: str, runs: list[Run], first: list[Run], groups: NDArray[np.int64]) -> str:
    values, against = (np.mean([run[kind] for run in some], axis=0) for some in (runs, first))
    mean = bootstrap_interval(values, groups)
    text = f"{mean.value:.4f} ({mean.low:.3f} to {mean.high:.3f})"
    of_seeds = [float(np.mean(run[kind])) for run in runs]
    text += f"  seeds {min(of_seeds):.4f} to {max(of_seeds):.4f}"
    if runs is first:
        return text
    gap = paired_difference(values, against, groups)
    return f"{text}  difference {gap.value:+.4f} ({gap.low:+.3f} to {gap.high:+.3f})"


if __name__ == "__main__":
    main()
