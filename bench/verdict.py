"""How often the verdict is wrong, and how often it sees what is there.

    .venv/bin/python -m bench.quality --train PAIRS --measure PAIRS --recipes sentences --seeds 2
    .venv/bin/python -m bench.verdict [--runs quality.jsonl] [--draws 10000]

Takes the differences in nDCG@10 of real models on real questions: two seeds of one recipe, and a
seed against the base model. Each draw takes 10, 20, 50 or 200 groups of questions at random and
exchanges the two models in each group by a coin, so that neither is better. Printed is how often
the rule calls one better ("shown", in either direction), beside the rule "the percentile bootstrap
interval leaves out 0". For the power, the models are not exchanged, and their difference is scaled
so that the test finds it in about half of the draws.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from bench.quality import _joined
from numpy.typing import NDArray

from sentune.data import read_pairs, without_leaks
from sentune.evaluation.significance import bootstrap_interval, paired_difference

Values = NDArray[np.float64]
_GROUPS = (10, 20, 50, 200)
_RESAMPLES = 2000


def main() -> None:
    """Print a table for each kind of difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=Path("quality.jsonl"))
    parser.add_argument("--draws", type=int, default=10_000)
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.runs.read_text(encoding="utf-8").splitlines()]
    train, *measure, _, _ = lines[0]["of"]
    pairs = read_pairs(train)
    task = _joined([without_leaks(read_pairs(path), pairs) for path in measure])
    base = np.array(next(one["run"]["alone"] for one in lines if one["recipe"] == "base"))
    first, second = [np.array(one["run"]["alone"]) for one in lines if one["recipe"] != "base"][:2]
    for name, values in {"two seeds": first - second, "tuned, base": first - base}.items():
        _report(name, values, task.groups, given.draws)


def _report(name: str, values: Values, groups: NDArray[np.int64], draws: int) -> None:
    parts = [values[groups == group] for group in np.unique(groups)]
    print(f"{name}: {len(values)} questions, {len(parts)} groups, {draws} draws")
    print("  groups  wrong: rule  bootstrap    found: rule  shown better")
    for count in _GROUPS:
        rng = np.random.default_rng(count)
        wrong = old = found = better = 0
        for draw in range(draws):
            drawn = [parts[i] for i in rng.integers(len(parts), size=count)]
            members = np.repeat(np.arange(count), [len(part) for part in drawn])
            plain = np.concatenate(drawn)
            null = plain * rng.choice([-1.0, 1.0], count)[members]
            wrong += _shown(null, members, draw)
            interval = bootstrap_interval(null, members, seed=draw, resamples=_RESAMPLES)
            old += not interval.low <= 0 <= interval.high
            real = null + _effect(plain, count)
            found += _shown(real, members, draw)
            better += _shown(real, members, draw) and float(real.mean()) > 0
        shares = [f"{n / draws:.4f}" for n in (wrong, old, found, better)]
        print(f"  {count:6}  {shares[0]:>11}  {shares[1]:>9}  {shares[2]:>13}  {shares[3]:>12}")


def _shown(values: Values, members: NDArray[np.int64], seed: int) -> bool:
    zero = np.zeros_like(values)
    return paired_difference(values, zero, members, seed=seed, resamples=_RESAMPLES).shown


def _effect(values: Values, count: int) -> float:
    """A difference that a test with that many groups finds in about half of the draws."""
    return float(1.96 * values.std() / count**0.5)


if __name__ == "__main__":
    main()
