"""The main job: pairs in, a tuned, measured and documented model out.

::

    read ─ hold out ─ train ─ evaluate (base, tuned, BM25, fusion) ─ verdict ─ card ─ folder

Nothing is written before the end, and then the whole folder at once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sentune.card import CardFacts, model_card
from sentune.data import Pairs, hold_out, read_pairs, require_at_least, without_leaks
from sentune.errors import ArgumentError, DataError
from sentune.evaluation import Report, RetrievalTask, Verdict, evaluate_systems, verdict
from sentune.evaluation.baselines import require_bm25
from sentune.files import new_folder, require_free, write_json
from sentune.model.base_models import DEFAULT_BASE_MODEL
from sentune.model.sentence_transformer import SentenceTransformer
from sentune.model.truncation import Truncation, count_truncation
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.trainer import SentenceTransformerTrainer

__all__ = ["Split", "TuneSettings", "Tuned", "read_split", "tune"]

_HELD_OUT = 0.2
_DISCARDED = (
    "The figures of the tuned model and of its fusion are those of a model that is not in this "
    "folder; the model's share saved here, {:g}, was chosen for the base model"
)


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """What a person may choose; the rest is the recipe.

    Attributes:
        base: the model to start from: a folder or a name.
        epochs, batch_size, learning_rate, seed: of the training.
        private_card: leave samples of the data out of the model card.
        show_progress: draw bars on standard error.
    """

    base: str = DEFAULT_BASE_MODEL
    epochs: float = 10
    batch_size: int = 20
    learning_rate: float = 5e-5
    seed: int = 42
    private_card: bool = False
    show_progress: bool = False

    def __post_init__(self) -> None:
        """Raise ArgumentError for a setting outside its range."""
        for name in ("epochs", "batch_size", "learning_rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ArgumentError(
                    f"{name} {getattr(self, name)}", expected="a positive number", fix="correct it"
                )
        if not 0 <= self.seed < 2**32:
            raise ArgumentError(
                f"seed {self.seed}", expected="a whole number from 0 to 2**32 - 1", fix="correct it"
            )
        if self.batch_size < 2:
            raise ArgumentError(
                f"batch_size {self.batch_size}",
                expected="at least 2: the other pairs of a batch are what a pair learns from",
                fix="choose a larger batch",
            )


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to train on, pairs to choose the fusion's weight on, and pairs to report on.

    Attributes:
        train, valid: share no question.
        test: None when the figures are those of ``valid``, cross-fitted.
        description: what was held out, in a sentence.
    """

    train: Pairs
    valid: Pairs
    test: Pairs | None
    description: str

    def task(self, pairs: Pairs) -> RetrievalTask:
        """The questions of ``pairs`` against every passage known."""
        return RetrievalTask.from_pairs(pairs, *filter(None, (self.train, self.valid, self.test)))


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuning came to.

    Attributes:
        folder: where the kept model lies.
        model: the kept model.
        report: figures of all four systems.
        verdict: what they show.
        seconds: time spent in training.
        summary: everything that ``evaluation.json`` says.
    """

    folder: Path
    model: SentenceTransformer
    report: Report
    verdict: Verdict
    seconds: float
    summary: dict[str, Any]


def read_split(
    data: str | Path, valid: str | Path | None, test: str | Path | None, seed: int
) -> Split:
    """Read the files, hold pairs out where no file says which, and leave leaked questions out.

    Raises:
        DataError: a file that cannot be used, or too few pairs.
    """
    train = read_pairs(data)
    require_at_least(train, 2, "tuning")
    tested = None if test is None else without_leaks(read_pairs(test), train)
    if valid is not None:
        checked = without_leaks(read_pairs(valid), train)
        where = f"the {len(checked.questions)} questions of {Path(valid).name}"
    else:
        train, checked = hold_out(train, _HELD_OUT, seed)
        checked = without_leaks(checked, train)
        where = (
            f"{len(checked.questions)} questions of {Path(data).name} held out by passage "
            f"(seed {seed}): their passages answer no training question"
        )
    if len({row[1] for row in train.rows()}) < 2:
        raise DataError(
            f"{data} leaves {len(train)} pair to train on",
            expected="at least two with different passages, besides those held out",
            fix="add pairs",
        )
    if tested is None:
        return Split(train, checked, None, f"measured on {where}")
    tested = without_leaks(tested, checked, role="validation")
    described = f"measured on the {len(tested.questions)} questions of {Path(str(test)).name}"
    return Split(train, checked, tested, f"{described}; the fusion's weight chosen on {where}")


def tune(
    split: Split,
    out: str | Path,
    settings: TuneSettings,
    say: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Tune the base model, measure it, and write the better one of the two.

    Args:
        split: from :func:`read_split`, or made by hand.
        out: the folder to write, which must not exist or be empty.
        settings: see :class:`TuneSettings`.
        say: told in a line what happens next.

    Raises:
        OutputError: ``out`` holds something, or cannot be written.
        ModelError: the base model cannot be loaded.
        TrainingError: the loss is no longer finite.
    """
    require_free(out)
    require_bm25()
    base, model = (SentenceTransformer(settings.base) for _ in range(2))
    say(f"base model {base.base.name} from {base.base.origin}")
    say(f"computing in {model.compute.dtype_name} on {model.device}: {model.compute.reason}")
    truncation = _truncation(model, split.train)
    say(f"training on {len(split.train)} pairs: {truncation.describe(model.max_seq_length)}")
    trainer, seconds = _train(model, split.train, settings)
    say(f"trained {trainer.state.global_step} steps in {seconds:.0f} s; evaluating")
    drawn = settings.show_progress and sys.stderr.isatty()
    report, evaluated = _evaluate(split, model, base, drawn)
    found = verdict(report)
    kept = model if found.keep else base
    weight = report.fusion.weight if found.keep else _evaluate(split, base, None)[0].fusion.weight
    if not found.keep:
        discarded = f"{split.description}. {_DISCARDED.format(weight)}"
        split = replace(split, description=discarded)
    kept.own = {"kept": _kept(found), "fusion_weight": weight}
    outcome = _Outcome(kept, trainer, report, found, seconds, truncation, evaluated)
    kept.model_card = model_card(_facts(split, settings, outcome, Path(out).resolve().name))
    summary = _summary(split, settings, outcome)
    with new_folder(out) as folder:
        kept.write_into(folder)
        write_json(folder / "evaluation.json", summary)
    return Tuned(Path(out), kept, report, found, seconds, summary)


@dataclass(frozen=True, slots=True)
class _Outcome:
    kept: SentenceTransformer
    trainer: SentenceTransformerTrainer
    report: Report
    verdict: Verdict
    seconds: float
    truncation: Truncation
    evaluated: Truncation


def _kept(found: Verdict) -> Literal["tuned", "base"]:
    return "tuned" if found.keep else "base"


def _truncation(model: SentenceTransformer, pairs: Pairs) -> Truncation:
    texts = dict.fromkeys(text for row in pairs.rows() for text in row)
    return model.tokenizer(list(texts))[1]


def _train(
    model: SentenceTransformer, pairs: Pairs, settings: TuneSettings
) -> tuple[SentenceTransformerTrainer, float]:
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=scratch,
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch_size,
            per_device_eval_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            dropout=0.0,
            logging_steps=0.1,
            disable_tqdm=not settings.show_progress,
        )
        trainer = SentenceTransformerTrainer(
            model, arguments, pairs, loss=MultipleNegativesRankingLoss(model)
        )
        started = time.perf_counter()
        trainer.train()
    return trainer, time.perf_counter() - started


def _evaluate(
    split: Split,
    model: SentenceTransformer,
    base: SentenceTransformer | None,
    show_progress: bool = False,
) -> tuple[Report, Truncation]:
    task = split.task(split.valid if split.test is None else split.test)
    # The same texts go through several models: what the limit cuts is counted once, apart.
    with count_truncation():
        chosen = None
        if split.test is not None:
            chosen = evaluate_systems(split.task(split.valid), model=model).fusion.weight
        report = evaluate_systems(
            task, model=model, base=base, fusion_weight=chosen, show_progress_bar=show_progress
        )
    return report, model.tokenizer([*task.questions, *task.passages])[1]


def _facts(split: Split, settings: TuneSettings, outcome: _Outcome, name: str) -> CardFacts:
    compute = outcome.trainer.model.compute
    return CardFacts(
        model=outcome.kept,
        name=name,
        training=split.train,
        loss=outcome.trainer.loss,
        arguments=outcome.trainer.args,
        steps=outcome.trainer.state.global_step,
        seconds=outcome.seconds,
        loss_log=_loss_log(outcome.trainer),
        compute=(
            f"{compute.dtype_name} on {compute.device} ({compute.reason}); "
            "weights and optimizer state in float32"
        ),
        truncation=outcome.truncation,
        report=outcome.report,
        verdict=outcome.verdict,
        evaluated_on=split.description,
        kept=_kept(outcome.verdict),
        private=settings.private_card,
    )


def _loss_log(trainer: SentenceTransformerTrainer) -> list[tuple[float, int, float]]:
    return [
        (float(entry["epoch"]), int(entry["step"]), float(entry["loss"]))
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def _summary(split: Split, settings: TuneSettings, outcome: _Outcome) -> dict[str, Any]:
    chosen = {
        name: getattr(settings, name)
        for name in ("base", "epochs", "batch_size", "learning_rate", "seed")
    }
    used = {"training": split.train, "validation": split.valid, "test": split.test}
    notes = [f"{use}: {note}" for use, pairs in used.items() if pairs for note in pairs.notes]
    return {
        "kept": _kept(outcome.verdict),
        "verdict": asdict(outcome.verdict),
        "fusion_weight": outcome.kept.own["fusion_weight"],
        "measured_on": split.description,
        **outcome.report.to_json(),
        "data_notes": notes,
        "training": {
            **chosen,
            "pairs": len(split.train),
            "steps": outcome.trainer.state.global_step,
            "seconds": round(outcome.seconds, 1),
            "compute_dtype": outcome.trainer.model.compute.dtype_name,
            "truncation": asdict(outcome.truncation),
        },
        "evaluation_truncation": asdict(outcome.evaluated),
    }
