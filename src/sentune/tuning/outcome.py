"""The result of a run, for the card and for ``evaluation.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import OutputError
from sentune.evaluation import Report, Verdict
from sentune.evaluation.claims import notes
from sentune.evaluation.facts import Facts
from sentune.evaluation.report import read_report
from sentune.evaluation.verdict import verdict_of
from sentune.report.card import CardFacts
from sentune.report.page import PICTURES
from sentune.tokens.truncation import Truncation
from sentune.training.losses import EmbeddingLoss
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.recipes import Prepared
from sentune.tuning.settings import TuneSettings
from sentune.tuning.split import Split

__all__ = ["Outcome", "Tuned", "card_facts", "data_notes", "loss_log", "summary"]


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of a tuning.

    Attributes:
        folder: of the kept model.
        model: the kept model.
        summary: the content of ``evaluation.json``.
        verdict: what the figures show.
        report: figures of all systems; None if the folder of a finished run has none.
    """

    folder: Path
    model: SentenceTransformer
    summary: dict[str, Any]
    verdict: Verdict
    report: Report | None

    @classmethod
    def read(cls, folder: Path) -> Tuned:
        """A finished run, from its folder. Raises ModelError, OutputError."""
        path = folder / "evaluation.json"
        try:
            figures = json.loads(path.read_text(encoding="utf-8"))
            found = Verdict(**figures["verdict"])
            report = read_report(figures) if "systems" in figures else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"{path} was not written by sentune tune ({error})",
                expected="the folder of a finished run",
                fix="name another folder, or move this one away",
            ) from error
        return cls(folder, SentenceTransformer(folder), figures, found, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a run, in memory.

    Attributes:
        kept: the better of the base model and the tuned one.
        base: the base model.
        facts: what every claim about the run follows from.
        prepared: the training pairs and rows, as the recipe prepared them.
        trainer, loss: of the training, whichever model is kept.
        seconds: the time of the training.
        report: figures of both models, of BM25 and of the tuned model's fusion.
        concerns: what looked wrong with the data before the training.
    """

    kept: SentenceTransformer
    base: SentenceTransformer
    facts: Facts
    prepared: Prepared
    trainer: SentenceTransformerTrainer
    seconds: float
    loss: EmbeddingLoss
    report: Report
    concerns: Sequence[str] = ()

    @property
    def sentences(self) -> int:
        """How many sentences were trained on beside pairs that people made."""
        return 0 if self.prepared.pairs.made else self.prepared.data.extra

    @property
    def verdict(self) -> Verdict:
        """What the facts show."""
        return verdict_of(self.facts)


def card_facts(split: Split, settings: TuneSettings, outcome: Outcome, name: str) -> CardFacts:
    """The facts for the card of the model in the folder ``name``."""
    compute = outcome.trainer.model.compute
    return CardFacts(
        model=outcome.kept,
        name=name,
        training=outcome.prepared.pairs,
        loss=outcome.loss,
        arguments=outcome.trainer.args,
        steps=outcome.trainer.state.global_step,
        seconds=outcome.seconds,
        loss_log=loss_log(outcome.trainer),
        compute=(
            f"{compute.dtype_name} on {compute.device} ({compute.reason}); "
            "weights and optimizer state in float32"
        ),
        truncation=_required(outcome.facts.trained),
        recipe=settings.recipe,
        prepared=_of_recipe(split, outcome),
        sentences=outcome.sentences,
        rows_an_epoch=len(outcome.prepared.data.rows_in(0)),
        report=outcome.report,
        result=outcome.facts,
        evaluated_on=". ".join(filter(None, (split.description, split.caution))),
        private=settings.private_card,
        pictures=PICTURES,
        caution=split.caution,
    )


def _required(found: Truncation | None) -> Truncation:
    return found or Truncation()


def _of_recipe(split: Split, outcome: Outcome) -> tuple[str, ...]:
    """What the recipe says that it did to the pairs."""
    known = set(split.train.notes)
    return tuple(note for note in outcome.prepared.pairs.notes if note not in known)


def loss_log(trainer: SentenceTransformerTrainer) -> list[tuple[float, int, float]]:
    """Epoch, step and training loss, in order."""
    return [
        (float(entry["epoch"]), int(entry["step"]), float(entry["loss"]))
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def summary(split: Split, settings: TuneSettings, outcome: Outcome) -> dict[str, Any]:
    """The content of ``evaluation.json``."""
    return {
        "kept": outcome.facts.kept,
        "verdict": asdict(outcome.verdict),
        **{name: value for name, value in outcome.facts.saved.items() if name != "kept"},
        "measured_on": split.description,
        "caution": split.caution,
        "data_digest": split.digest,
        **outcome.report.to_json(),
        "facts": outcome.facts.to_json(),
        "notes": notes(outcome.facts),
        "data_notes": data_notes(split, outcome),
        "training": {
            "base": settings.base,
            "recipe": settings.recipe,
            "epochs": outcome.trainer.args.num_train_epochs,
            "batch_size": outcome.trainer.args.per_device_train_batch_size,
            "learning_rate": outcome.trainer.args.learning_rate,
            "seed": outcome.trainer.args.seed,
            "pairs": len(outcome.prepared.pairs),
            "sentences": outcome.sentences,
            "steps": outcome.trainer.state.global_step,
            "seconds": round(outcome.seconds, 1),
            "loss_log": [list(entry) for entry in loss_log(outcome.trainer)],
            "compute_dtype": outcome.trainer.model.compute.dtype_name,
            "truncation": asdict(_required(outcome.facts.trained)),
        },
        "evaluation_truncation": asdict(_required(outcome.facts.measured)),
    }


def data_notes(split: Split, outcome: Outcome) -> list[str]:
    """The notes on the data, each once: what was held out of a file has the notes of the file."""
    parts = {"training": outcome.prepared.pairs, "validation": split.valid, "test": split.test}
    uses: dict[str, list[str]] = {}
    for use, pairs in parts.items():
        for note in () if pairs is None else pairs.notes:
            uses.setdefault(note, []).append(use)
    return [f"{found[0]}: {note}" if len(found) == 1 else note for note, found in uses.items()]
