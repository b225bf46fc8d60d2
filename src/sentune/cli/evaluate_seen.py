"""``sentune evaluate`` on the pairs of a tuning: what the figures then cannot show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data import Pairs, ScoredPairs
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["seen_caution", "trained_questions"]


def seen_caution(
    pairs: Pairs | ScoredPairs, models: Mapping[str, SentenceTransformer]
) -> str | None:
    """A sentence on the questions that models were tuned on; None if there are none."""
    from sentune.data import Pairs

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


def trained_questions(folder: Path, pairs: Pairs) -> int:
    """How many questions of ``pairs`` the model in a folder was tuned on; 0 if nothing shows it.

    The file that ``run.yaml`` names is parted again as the run parted it. If it is not there any
    more, only the whole of its pairs is known again, by the digest in ``evaluation.json``; then
    all questions count. Cost: reading the file of the run once, or a digest of the pairs.
    """
    from sentune.data.digests import pairs_digest
    from sentune.errors import SentuneError
    from sentune.tuning import read_run_file, read_split

    file = folder / "run.yaml"
    figures = _figures(folder)
    if not file.is_file() or figures.get("kept") == "base":
        return 0
    digest = figures.get("data_digest")
    try:
        run = read_run_file(file)
        if run.data is not None and Path(run.data).exists():
            split = read_split(
                run.data, run.valid, run.test, run.settings.seed, run.reading, run.corpus
            )
            asked = {split.train.questions[key] for key in split.train.relevant}
            found = sum(pairs.questions[key] in asked for key in pairs.relevant)
            if found and split.digest == digest:
                return found
    except SentuneError:
        pass  # a file of the run has changed or gone, and the digest still tells
    return len(pairs.relevant) if digest == pairs_digest(pairs) else 0


def _figures(folder: Path) -> dict[str, Any]:
    """What a run wrote of its result; empty if its folder has nothing that can be read."""
    try:
        found = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
