"""``sentune evaluate`` on the pairs of a tuning: what the figures then cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import Pairs, ScoredPairs
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["seen_caution"]


def seen_caution(
    pairs: Pairs | ScoredPairs, models: Mapping[str, SentenceTransformer]
) -> str | None:
    """A sentence on the questions that models were tuned on; None if there are none."""
    from sentune.data import Pairs
    from sentune.tuning.seen import trained_questions

    if not isinstance(pairs, Pairs):
        return None
    found = {
        label: trained_questions(Path(model.base.folder), pairs) for label, model in models.items()
    }
    asked = counted(len(pairs.relevant), "question")
    told = [f"{label} was tuned on {number:,} of them" for label, number in found.items() if number]
    if not told:
        return None
    return (
        f"These {asked} include those of a tuning ({', '.join(told)}), so the figures say nothing "
        "about new questions"
    )
