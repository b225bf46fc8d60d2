"""The tasks beside sentence-transformers and scikit-learn: seconds, memory, results.

    .venv/bin/python -m bench.tasks [similarity search paraphrases …] [--scale small|full]

Each section is a module of this folder with a function ``main``. It runs both sides in
alternation in one process, and prints medians, ratios and what the results have in common. Set
OMP_NUM_THREADS to the cores to be used. ``--busy N`` starts N processes that spin meanwhile.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from bench.neighbours import busy

_SIZED = ("search", "paraphrases", "communities")
SECTIONS = ("similarity", *_SIZED, "clusters", "classification")


def main() -> None:
    """Run the sections named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--scale", choices=("small", "full"), default="small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "sentune-bench")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}")
    given.cache.mkdir(parents=True, exist_ok=True)
    with busy(given.busy):
        for name in given.sections or SECTIONS:
            _measure(name, given)


def _measure(name: str, given: argparse.Namespace) -> None:
    section = importlib.import_module(f"bench.tasks.{name}")
    if name in _SIZED:
        section.main(given.scale, rounds=given.rounds, cache=given.cache)
    elif name == "similarity":
        section.main(given.rounds)
    else:
        section.main()


if __name__ == "__main__":
    main()
