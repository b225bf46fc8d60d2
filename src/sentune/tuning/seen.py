"""Which questions a model was tuned on, from what its run left in its folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentune.data import Pairs
from sentune.data.digests import pairs_digest
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import SentuneError
from sentune.tuning.settings import read_run_file
from sentune.tuning.split import Split, read_split

__all__ = ["told_of_seen", "trained_questions"]


def told_of_seen(split: Split, base: SentenceTransformer) -> tuple[Split, list[str]]:
    """A sentence on questions that the base was tuned on and is now measured on.

    The split's description gets it, too. Without such questions the list is empty.
    """
    measured = split.valid if split.test is None else split.test
    number = trained_questions(Path(base.base.folder), measured)
    if not number:
        return split, []
    told = (
        f"the base model was tuned on {number:,} of the {len(measured.relevant):,} questions to "
        "measure on, so the figures say nothing about new questions"
    )
    return replace(split, description=f"{split.description}; {told}"), [told]


def trained_questions(folder: Path, pairs: Pairs) -> int:
    """How many questions of ``pairs`` the model in a folder was tuned on; 0 if nothing shows it.

    The file that ``run.yaml`` names is split again as the run split it. If that file is gone, the
    digest in ``evaluation.json`` still shows whether ``pairs`` are all the pairs of the run; then
    all questions count. Cost: reading the file of the run once, or a digest of the pairs.
    """
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
    except (SentuneError, OSError):
        pass  # a file of the run has changed, has gone or is another user's; the digest still tells
    return len(pairs.relevant) if digest == pairs_digest(pairs) else 0


def _figures(folder: Path) -> dict[str, Any]:
    """What a run wrote of its result; empty if its folder has nothing that can be read."""
    try:
        found = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
