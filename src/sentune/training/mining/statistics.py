"""What ``mine_hard_negatives`` prints of a data set's negatives: the reference's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from sentune.training.mining.outputs import Chosen

__all__ = ["mining_statistics"]

_ROW = "{:<6} {:>14} {:>14} {:>14}"
_OF_SCORES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("Mean", torch.mean),
    ("Median", torch.median),
    ("Std", torch.std),
    ("Min", torch.min),
    ("25%", lambda scores: torch.quantile(scores, 0.25)),
    ("50%", lambda scores: torch.quantile(scores, 0.5)),
    ("75%", lambda scores: torch.quantile(scores, 0.75)),
    ("Max", torch.max),
)


def mining_statistics(
    chosen: Sequence[Chosen],
    skipped: Mapping[str, tuple[int, float | None]],
    candidates: int,
    *,
    count: int | None,
    missing: tuple[int, int],
    settings: Sequence[str],
) -> Iterator[str]:
    """The lines: the scores, what each guard left out, and how many negatives were not found.

    Args:
        chosen: the questions, of which those with fewer than ``count`` negatives are left out.
        skipped: guard → how many candidates it left out, and its value.
        candidates: all that were compared.
        count: None where questions with fewer are in the rows too.
        missing: rows that were not found, of so many.
        settings: that can be changed to find more.
    """
    kept = [one for one in chosen if count is None or len(one.negatives) == count]
    right = torch.tensor([score for one in chosen for score in one.positive_scores])
    pairs = [(high, low) for one in kept for high in one.positive_scores for low in one.scores]
    yield _ROW.format("Metric", "Positive", "Negative", "Difference")
    yield _ROW.format("Count", f"{len(right):,}", f"{len(pairs):,}", "")
    if len(pairs) > 1 and len(right) > 1:  # others have no deviation
        high, low = torch.tensor(pairs).T
        for name, measure in _OF_SCORES:
            found = [measure(scores).item() for scores in (right, low, high - low)]
            yield _ROW.format(name, *(f"{value:.4f}" for value in found))
    for name, (number, value) in skipped.items():
        if number:
            share = f"{number / candidates:.2%}" if candidates else "all that were left"
            yield f"Skipped {number:,} potential negatives ({share}) due to the {name} of {value}."
            candidates -= number if name.endswith("margin") else 0
    fewer, of = missing
    if fewer > 0:
        words = " and ".join(filter(None, (", ".join(settings[:-1]), settings[-1])))
        yield (
            f"Could not find enough negatives for {fewer} samples ({fewer / of:.2%}). Consider "
            f"adjusting the {words} parameter{'s' if len(settings) > 1 else ''} if you'd like to "
            "find more valid negatives."
        )
