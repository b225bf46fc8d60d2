"""The result of a run, for the card and for ``evaluation.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import OutputError
from sentune.evaluation import Report, Verdict
from sentune.report.card import CardFacts
from sentune.tokens.truncation import Truncation
from sentune.training.losses import EmbeddingLoss
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.settings import TuneSettings
from sentune.tuning.split import Split

__all__ = ["Outcome", "Tuned", "card_facts", "summary"]


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of a tuning.

    Attributes:
        folder: of the kept model.
        model: the kept model.
        summary: the content of ``evaluation.json``.
        verdict: what the figures show.
        report: figures of all four systems; None for a finished run that was read from its folder.
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
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"{path} was not written by sentune tune ({error})",
                expected="the folder of a finished run",
                fix="name another folder, or move this one away",
            ) from error
        return cls(folder, SentenceTransformer(folder), figures, found, report=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a run, in memory.

    Attributes:
        kept: the better of the base model and the tuned one.
        notes: remarks on the figures of the kept model.
        trained_on: the training pairs, as the recipe prepared them.
        trainer, loss: of the training, whichever model is kept.
        report: figures of both models, of BM25 and of the tuned model's fusion.
        verdict: what the report shows.
        truncation: what the length limit cut off the training texts.
        evaluated: what the limit cut off the texts of the evaluation.
    """

    kept: SentenceTransformer
    notes: list[str]
    trained_on: Pairs
    trainer: SentenceTransformerTrainer
    loss: EmbeddingLoss
    report: Report
    verdict: Verdict
    truncation: Truncation
    evaluated: Truncation


def _kept(found: Verdict) -> Literal["tuned", "base"]:
    return "tuned" if found.keep else "base"


def card_facts(split: Split, settings: TuneSettings, outcome: Outcome, name: str) -> CardFacts:
    """The facts for the card of the model in the folder ``name``."""
    compute = outcome.trainer.model.compute
    return CardFacts(
        model=outcome.kept,
        name=name,
        training=outcome.trained_on,
        loss=outcome.loss,
        arguments=outcome.trainer.args,
        steps=outcome.trainer.state.global_step,
        seconds=outcome.trainer.seconds,
        loss_log=_loss_log(outcome.trainer),
        compute=(
            f"{compute.dtype_name} on {compute.device} ({compute.reason}); "
            "weights and optimizer state in float32"
        ),
        truncation=outcome.truncation,
        report=outcome.report,
        notes=outcome.notes,
        verdict=outcome.verdict,
        evaluated_on=". ".join(filter(None, (split.description, split.caution))),
        kept=_kept(outcome.verdict),
        private=settings.private_card,
    )


def _loss_log(trainer: SentenceTransformerTrainer) -> list[tuple[float, int, float]]:
    return [
        (float(entry["epoch"]), int(entry["step"]), float(entry["loss"]))
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def summary(split: Split, settings: TuneSettings, outcome: Outcome) -> dict[str, Any]:
    """The content of ``evaluation.json``."""
    used = {"training": outcome.trained_on, "validation": split.valid, "test": split.test}
    data_notes = [f"{use}: {note}" for use, pairs in used.items() if pairs for note in pairs.notes]
    return {
        "kept": _kept(outcome.verdict),
        "verdict": asdict(outcome.verdict),
        "fusion_weight": outcome.kept.extras["fusion_weight"],
        "measured_on": split.description,
        "caution": split.caution,
        **outcome.report.to_json(),
        "notes": outcome.notes,
        "data_notes": data_notes,
        "training": {
            "base": settings.base,
            "recipe": settings.recipe,
            "epochs": outcome.trainer.args.num_train_epochs,
            "batch_size": outcome.trainer.args.per_device_train_batch_size,
            "learning_rate": outcome.trainer.args.learning_rate,
            "seed": outcome.trainer.args.seed,
            "pairs": len(outcome.trained_on),
            "steps": outcome.trainer.state.global_step,
            "seconds": round(outcome.trainer.seconds, 1),
            "loss_log": [list(entry) for entry in _loss_log(outcome.trainer)],
            "compute_dtype": outcome.trainer.model.compute.dtype_name,
            "truncation": asdict(outcome.truncation),
        },
        "evaluation_truncation": asdict(outcome.evaluated),
    }
