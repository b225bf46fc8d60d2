"""A run → the facts of its report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentune.data.digests import pairs_digest
from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation.claims import notes
from sentune.evaluation.trace import Trace
from sentune.files import sha256
from sentune.report.card.result import ranking_of
from sentune.report.card.settings import stated_settings
from sentune.report.page import DataFacts, PageFacts, Ran, TrainingFacts
from sentune.report.page.machine import machine
from sentune.tokens.truncation import Truncation
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.outcome import Outcome, data_notes, loss_log
from sentune.tuning.settings import RunFile, TuneSettings
from sentune.tuning.split import Split
from sentune.wording import counted, duration

__all__ = ["counts_of", "lengths_of", "page_facts", "weights_hash"]

SYSTEMS = {
    "base": "base model",
    "model": "tuned model",
    "bm25": "BM25 (words)",
    "fusion": "fusion",
    "late": "late stage",
}
_MOST_READ = 2000  # texts whose tokens are counted
_MEASURE = "cosine_ndcg@10"


def page_facts(
    split: Split,
    settings: TuneSettings,
    outcome: Outcome,
    trace: Trace,
    run: RunFile,
    folder: Path,
    weights: str,
) -> PageFacts:
    """The facts for the report of the run in ``folder``; ``weights`` is the hash of its model.

    Cost: the tokens of up to 4,000 texts, and hashes of the pairs and of the base's weights.
    """
    systems = outcome.report.systems
    return PageFacts(
        title=folder.resolve().name,
        measured_on=". ".join(filter(None, (split.description, split.caution))) + ".",
        report=outcome.report,
        facts=outcome.facts,
        notes=notes(outcome.facts),
        names={name: shown for name, shown in SYSTEMS.items() if name in systems},
        trace=trace,
        data=_data(split, outcome),
        ran=_ran(split, settings, outcome, run, folder.resolve().name, weights),
        training=_training(outcome),
        private=settings.private_card,
    )


def _data(split: Split, outcome: Outcome) -> DataFacts:
    parts = {"to train on": split.train, "held out": split.valid, "to test on": split.test}
    counts = {name: counts_of(part) for name, part in parts.items() if part is not None}
    if outcome.prepared.data.extra:
        counts["made for training"] = (
            f"{counted(outcome.prepared.data.extra, 'sentence')} of passages used as questions"
        )
    counts["questions measured on"] = "made from passages" if split.made_questions else "asked"
    used = [part for part in parts.values() if part is not None]
    facts = outcome.facts
    return DataFacts(
        counts=counts,
        notes=data_notes(split, outcome),
        concerns=outcome.concerns,
        cut=_cut(facts.limit, training=facts.trained, measuring=facts.measured),
        lengths={
            "questions": lengths_of([t for p in used for t in p.questions.values()], outcome.kept),
            "passages": lengths_of([t for p in used for t in p.passages.values()], outcome.kept),
        },
        limit=facts.limit,
    )


def counts_of(pairs: Pairs) -> str:
    """How many pairs, questions and passages there are."""
    asked = [counted(len(pairs), "pair")] if pairs.relevant else []
    found = [*asked, counted(len(pairs.questions), "question")] if asked else []
    return ", ".join([*found, counted(len(pairs.passages), "passage")])


def _cut(limit: int, **found: Truncation | None) -> list[str]:
    return [f"{use}: {each.describe(limit)}" for use, each in found.items() if each is not None]


def lengths_of(texts: Sequence[str], model: SentenceTransformer) -> list[int]:
    """The tokens of texts, of up to 2,000 from all over the list."""
    every = list(dict.fromkeys(texts))
    step = max(1, -(-len(every) // _MOST_READ))
    return [len(ids) for ids in model.tokenizer.whole(every[::step])]


def _training(outcome: Outcome) -> TrainingFacts:
    trainer = outcome.trainer
    return TrainingFacts(
        losses=[(step, loss) for _, step, loss in loss_log(trainer)],
        evaluations=_evaluations(trainer),
        measure="nDCG@10",
        steps=trainer.state.global_step,
        seconds=outcome.seconds,
    )


def _evaluations(trainer: SentenceTransformerTrainer) -> list[tuple[int, float]]:
    return [
        (int(entry["step"]), float(value))
        for entry in trainer.state.log_history
        for name, value in entry.items()
        if name.endswith(_MEASURE)
    ]


def _ran(
    split: Split,
    settings: TuneSettings,
    outcome: Outcome,
    run: RunFile,
    name: str,
    weights: str,
) -> Ran:
    compute, base = outcome.trainer.model.compute, outcome.base.base
    stated = stated_settings(outcome.trainer.args)
    facts: dict[str, Any] = {
        "base model": base.name if base.origin != "local folder" else base.folder.resolve().name,
        "folder holds": "the tuned model" if outcome.facts.keep else "the base model, unchanged",
        "searches rank by": ranking_of(outcome.facts.saved),
        "recipe": settings.recipe,
        "seed": str(settings.seed),
        "computed in": f"{compute.dtype_name} on {compute.device}: {compute.reason}",
        "machine": machine(),
        "time to train": duration(outcome.seconds),
        "written": f"{datetime.now(UTC):%Y-%m-%d}",
        "weights in the folder": f"SHA-256 {weights}",
        "weights of the base": f"SHA-256 {weights_hash(base.folder)}",
        **_hashes(split, run),
    }
    return Ran(
        facts=facts,
        settings={**stated.changed, **stated.all},
        command=_command(run, name),
    )


def _command(run: RunFile, name: str) -> str:
    if run.data is None:
        return f"sentune tune DATA --config {name}/run.yaml --out {name}-2"
    return f"sentune tune --config {name}/run.yaml --out {name}-2"


def _hashes(split: Split, run: RunFile) -> dict[str, str]:
    """Of each file as it lies on the disk, and of what was read of it."""
    found = {}
    for name, path in (("data", run.data), ("valid", run.valid), ("test", run.test)):
        if path is not None and Path(path).is_file():
            found[f"file {Path(path).name}"] = f"SHA-256 {sha256(path)}"
        elif path is not None:
            found[name] = Path(path).name
    parts = (("train", split.train), ("valid", split.valid), ("test", split.test))
    return found | {
        f"pairs of {name}, as read": f"SHA-256 {pairs_digest(part)}"
        for name, part in parts
        if part is not None
    }


def weights_hash(folder: Path) -> str:
    """SHA-256 of the file of weights in a folder, or of the hashes of several."""
    files = sorted(folder.rglob("*.safetensors"))
    if len(files) == 1:
        return sha256(files[0])
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
