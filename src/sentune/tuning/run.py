"""The steps of the main job, in their order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.evaluation import (
    InformationRetrievalEvaluator,
    Report,
    evaluate_systems,
    remarks,
    verdict,
)
from sentune.files import write_json, write_text
from sentune.ranking.bm25 import require_bm25
from sentune.report.card import model_card
from sentune.tokens.truncation import Truncation, count_truncation
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import TrainingData
from sentune.training.checkpoints.schedule import CheckpointSchedule
from sentune.training.losses import EmbeddingLoss
from sentune.training.mining.mine import mine_hard_negatives
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.folder import RunFolder
from sentune.tuning.outcome import Outcome, Tuned, card_facts, summary
from sentune.tuning.recipes import recipe
from sentune.tuning.settings import RunFile, TuneSettings
from sentune.tuning.split import Split

__all__ = ["tune"]

_DISCARDED = (
    "Tuning was discarded: this folder holds the base model, and the figures of the tuned model "
    "and of its fusion are for the record. The share saved here, {:g}, was chosen for the base "
    "model, and the notes are about the base model"
)


def tune(
    split: Split,
    out: str | Path,
    settings: TuneSettings,
    say: Callable[[str], None] = lambda _: None,
    *,
    resume: bool = False,
    run_file: RunFile | None = None,
) -> Tuned:
    """Tune the base model, measure it, and write the better one of the two.

    While it trains, checkpoints lie in ``out/checkpoints``: one after 30 seconds at first, less
    often where writing takes long, and one at the end, unless ``save_strategy`` says otherwise.

    Args:
        split: from :func:`read_split`, or made by hand.
        out: the folder to write, which must not exist or be empty, unless a run is resumed.
        settings: see :class:`TuneSettings`.
        say: told in a line what happens next.
        resume: go on with the unfinished run in ``out``; a new run where there is none.
        run_file: written into ``out`` as ``run.yaml``; from the settings when None.

    Raises:
        OutputError: ``out`` holds something else, or cannot be written.
        ModelError: the base model cannot be loaded.
        TrainingError: the loss is no longer finite, the vectors have collapsed, or the run to
            resume had other settings or data.
    """
    folder = RunFolder(out)
    run_text = (run_file or RunFile(settings)).text()
    if not folder.begin(resume=resume):
        return Tuned.read(folder.path)
    require_bm25()
    _require_one_process()
    base, model = (SentenceTransformer(settings.base) for _ in range(2))
    say(f"base model {base.base.name} from {base.base.origin}")
    say(f"computing in {model.compute.dtype_name} on {model.device}: {model.compute.reason}")
    training = settings.resolved()
    if training.get("eval_strategy", "no") != "no":
        split = split.watching(settings.seed)
    pairs = split.train
    if settings.hard_negatives:
        pairs = _with_negatives(pairs, base, settings, say)
    chosen = recipe(settings.recipe)
    already = len(pairs.notes)
    pairs, data = chosen.prepare(pairs, base, training["num_train_epochs"], settings.seed)
    for note in pairs.notes[already:]:
        say(note)
    truncation = _truncation(model, pairs)
    say(f"training on {len(pairs)} pairs: {truncation.describe(model.max_seq_length)}")
    loss = chosen.make_loss()
    trainer = _trainer(model, data, split, settings, folder, loss)
    trainer.train(resume_from_checkpoint=resume)
    say(f"trained {trainer.state.global_step} steps in {trainer.seconds:.0f} s; evaluating")
    drawn = settings.show_progress and sys.stderr.isatty()
    report, evaluated = _evaluate(split, model, base, drawn)
    found = verdict(report)
    kept, of_kept = (model, report) if found.keep else (base, _evaluate(split, base, None)[0])
    weight = of_kept.fusion.weight
    if not found.keep:
        discarded = f"{split.description}. {_DISCARDED.format(weight)}"
        split = replace(split, description=discarded)
    kept.extras = {"kept": "tuned" if found.keep else "base", "fusion_weight": weight}
    outcome = Outcome(
        kept=kept,
        notes=remarks(of_kept),
        trained_on=pairs,
        trainer=trainer,
        loss=loss,
        report=report,
        verdict=found,
        truncation=truncation,
        evaluated=evaluated,
    )
    kept.model_card = model_card(card_facts(split, settings, outcome, folder.path.resolve().name))
    figures = summary(split, settings, outcome)

    def write(into: Path) -> None:
        kept.write_into(into)
        write_json(into / "evaluation.json", figures)
        write_text(into / "run.yaml", run_text)

    folder.finish(write)
    return Tuned(folder=folder.path, model=kept, summary=figures, verdict=found, report=report)


def _require_one_process() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ArgumentError(
            "sentune tune in several processes",
            expected="one: it writes one folder and measures one model",
            fix="start it without torchrun, or use SentenceTransformerTrainer",
        )


def _trainer(
    model: SentenceTransformer,
    data: TrainingData,
    split: Split,
    settings: TuneSettings,
    folder: RunFolder,
    loss: EmbeddingLoss,
) -> SentenceTransformerTrainer:
    training = settings.resolved()
    # The last checkpoint may turn out to be damaged, so that there has to be one before it.
    arguments = SentenceTransformerTrainingArguments(
        **{"save_total_limit": 2, **training},
        output_dir=str(folder.checkpoints),
        disable_tqdm=not settings.show_progress,
    )
    trainer = SentenceTransformerTrainer(
        model,
        arguments,
        data,
        loss=loss,
        evaluator=None if split.watched is None else _evaluator(split, split.watched),
    )
    if "save_strategy" not in training:
        trainer.add_callback(CheckpointSchedule())
    return trainer


def _evaluator(split: Split, watched: Pairs) -> InformationRetrievalEvaluator:
    task = split.task(watched)
    return InformationRetrievalEvaluator(
        {str(place): text for place, text in enumerate(task.questions)},
        {str(place): text for place, text in enumerate(task.passages)},
        {str(place): set(map(str, found)) for place, found in enumerate(task.relevant)},
        write_csv=False,
    )


def _with_negatives(
    pairs: Pairs, base: SentenceTransformer, settings: TuneSettings, say: Callable[[str], None]
) -> Pairs:
    mined = mine_hard_negatives(
        pairs,
        base,
        num_negatives=settings.hard_negatives,
        show_progress_bar=settings.show_progress and sys.stderr.isatty(),
    )
    say(f"mined {mined.negatives} hard negatives for {len(pairs.questions)} questions")
    return mined.pairs


def _truncation(model: SentenceTransformer, pairs: Pairs) -> Truncation:
    texts = dict.fromkeys(text for row in pairs.rows() for text in row)
    return model.tokenizer(list(texts))[1]


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
