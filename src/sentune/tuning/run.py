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
)
from sentune.evaluation.curve import Curve
from sentune.evaluation.facts import Facts
from sentune.evaluation.forgetting import measure_general
from sentune.evaluation.trace import Trace
from sentune.files import write_json, write_text
from sentune.ranking.bm25 import require_bm25
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.pieces import LongText, what_is_read
from sentune.report.card import model_card
from sentune.report.page import pictures, report_page
from sentune.tokens.truncation import Truncation, count_truncation
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.examples import TrainingData
from sentune.training.checkpoints.schedule import CheckpointSchedule
from sentune.training.loader import prompts_of_model
from sentune.training.losses import EmbeddingLoss
from sentune.training.mining.mine import mine_hard_negatives
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.checking import lonely_batches, what_matters
from sentune.tuning.curve import WITHOUT_WATCHING, learning_curve, require_enough
from sentune.tuning.folder import RunFolder
from sentune.tuning.outcome import Outcome, Tuned, card_facts, summary
from sentune.tuning.recipes import Prepared, recipe
from sentune.tuning.reporting import page_facts, weights_hash
from sentune.tuning.settings import RunFile, TuneSettings
from sentune.tuning.smaller import Smaller, beside_teacher, noted
from sentune.tuning.split import Split
from sentune.wording import counted, duration

__all__ = ["tune"]

# The base model comes first, right after the line that says that the training has ended.
_STAGES = {"model": "evaluating the tuned model", "late": "evaluating the late stage"}
_EQUAL_SHARES = 0.5  # of the model and of BM25

_DISCARDED = (
    "Tuning was discarded: this folder holds the base model, and the figures of the tuned model "
    "and of its fusion are for the record. The fusion weight saved here, {:g}, was chosen for the "
    "base model, and the notes describe the base model"
)


def tune(
    split: Split,
    out: str | Path,
    settings: TuneSettings,
    say: Callable[[str], None] = lambda _: None,
    *,
    detail: Callable[[str], None] | None = None,
    resume: bool = False,
    run_file: RunFile | None = None,
) -> Tuned:
    """Tune the base model, measure it, and write the better one of the two.

    Checkpoints are in ``out/checkpoints`` while it trains: the first after 30 seconds, the next at
    longer intervals if writing takes long, and one at the end. ``save_strategy`` overrides this.

    Args:
        split: from :func:`read_split`, or made by hand.
        out: the folder to write. It must not exist or be empty, unless a run is resumed.
        settings: see :class:`TuneSettings`.
        say: called with a line before each step.
        detail: called with lines that are in the card too; ``say`` if None.
        resume: continue the unfinished run in ``out``; start a new one if there is none.
        run_file: written into ``out`` as ``run.yaml``; from the settings if None.

    Raises:
        OutputError: ``out`` holds something else, or cannot be written.
        ModelError: the base model cannot be loaded.
        TrainingError: the loss is no longer finite, the vectors have collapsed, or the run to
            resume had other settings or data.
    """
    folder = RunFolder(out)
    run_text = (run_file or RunFile(settings)).text(folder.path)
    if not folder.begin(resume=resume):
        return Tuned.read(folder.path)
    require_bm25()
    if split.caution:
        say(split.caution)
    _require_one_process()
    base, model = (SentenceTransformer(settings.base) for _ in range(2))
    smaller = Smaller.of(split, base, settings)
    say(f"base model {base.base.name} from {base.base.origin}")
    detail = detail or say
    detail(f"computing in {model.compute.dtype_name} on {model.device}: {model.compute.reason}")
    concerns = what_matters(split, base)
    for line in (*(split.train.notes if split.texts_only else ()), *concerns):
        say(line)
    if settings.curve:
        require_enough(split)
    if settings.resolved().get("eval_strategy", "no") != "no":
        split = split.watching(settings.seed)
    prepared = _prepared(split, base, settings, detail)
    pairs = prepared.pairs
    texts = dict.fromkeys(text for row in pairs.rows() for text in row)
    truncation = model.tokenizer(list(texts))[1]
    say(f"training on {counted(len(pairs), 'pair')}: {truncation.describe(model.max_seq_length)}")
    loss = recipe(settings.recipe).make_loss()
    trainer = _trainer(model, prepared.data, split, settings, folder, loss)
    if lonely := lonely_batches(prepared.data, trainer.args):
        say(lonely)
        pairs = replace(pairs, notes=(*pairs.notes, lonely))
        prepared = prepared._replace(pairs=pairs)
    trainer.train(resume_from_checkpoint=resume)
    seconds = trainer.seconds  # the clock runs on, and one figure is told everywhere
    steps = counted(trainer.state.global_step, "step")
    then = "evaluating" if smaller is None else "teaching a student"
    say(f"trained {steps} in {duration(seconds)}; {then}")
    teacher = model
    if smaller is not None:
        model, note = smaller.taught_by(teacher, folder.checkpoints, settings, say, resume=resume)
        prepared = noted(prepared, note)
    trace = Trace()
    report, facts = _measured(split, model, base, truncation, settings, trace, say)
    if smaller is not None:
        report = beside_teacher(report, _evaluated(split, teacher, settings))
    if settings.curve:
        facts = replace(facts, curve=_curve(split, settings, trace, folder, say))
    split = _as_measured(split, facts, model)
    kept = model if facts.keep else base
    kept.extras = facts.saved
    outcome = Outcome(
        kept=kept,
        base=base,
        facts=facts,
        prepared=prepared,
        trainer=trainer,
        seconds=seconds,
        loss=loss,
        report=report,
        concerns=concerns,
    )
    return _write(folder, split, settings, outcome, run_file or RunFile(settings), run_text, trace)


def _as_measured(split: Split, facts: Facts, model: SentenceTransformer) -> Split:
    """The split with what its figures do not show by themselves."""
    read = facts.measured
    if read is not None and read.noteworthy:
        told = read.describe(model.max_seq_length)
        split = replace(split, description=f"{split.description}; {told}")
    if not facts.keep:
        told = _DISCARDED.format(facts.of_kept.search_weight)
        split = replace(split, description=f"{split.description}. {told}")
    return split


def _curve(
    split: Split,
    settings: TuneSettings,
    trace: Trace,
    folder: RunFolder,
    say: Callable[[str], None],
) -> Curve:
    return learning_curve(
        split,
        _part_trainer(settings),
        trace,
        folder.checkpoints,
        seed=settings.seed,
        long_text=settings.long_text,
        say=say,
    )


def _measured(
    split: Split,
    model: SentenceTransformer,
    base: SentenceTransformer,
    trained: Truncation,
    settings: TuneSettings,
    trace: Trace,
    say: Callable[[str], None],
) -> tuple[Report, Facts]:
    """The figures, and the facts that every claim about them follows from."""
    long_text = settings.long_text
    report, evaluated = _evaluate(split, model, base, settings.show_progress, long_text, trace, say)
    facts = replace(
        report.facts,
        tunes=True,
        trained=trained,
        measured=evaluated,
        limit=model.max_seq_length,
        made=split.made_questions,
        general=measure_general(model, base),
    )
    if facts.keep:
        return report, facts
    alone = replace(_evaluated(split, base, settings).facts, tunes=True)
    return report, replace(facts, base_alone=alone)


def _write(
    folder: RunFolder,
    split: Split,
    settings: TuneSettings,
    outcome: Outcome,
    run: RunFile,
    run_text: str,
    trace: Trace,
) -> Tuned:
    kept, name = outcome.kept, folder.path.resolve().name
    kept.model_card = model_card(card_facts(split, settings, outcome, name))
    figures = summary(split, settings, outcome)

    def write(into: Path) -> None:
        kept.write_into(into)
        write_json(into / "evaluation.json", figures)
        write_text(into / "run.yaml", run_text)
        weights = weights_hash(into)
        page = page_facts(split, settings, outcome, trace, run, folder.path, weights)
        for file, text in {"report.html": report_page(page), **pictures(page)}.items():
            write_text(into / file, text)

    folder.finish(write)
    return Tuned(folder.path, kept, figures, outcome.verdict, outcome.report)


def _part_trainer(settings: TuneSettings) -> Callable[[Split, Path], SentenceTransformer]:
    """Tunes a new model on the pairs of a split with the settings of a run."""
    training = {name: value for name, value in settings.training.items() if "eval_" not in name}
    own = replace(settings, training={**training, **WITHOUT_WATCHING})

    def train(split: Split, output: Path) -> SentenceTransformer:
        base, model = (SentenceTransformer(settings.base) for _ in range(2))
        data = _prepared(split, base, own, lambda _: None).data
        loss = recipe(settings.recipe).make_loss()
        _trainer(model, data, split, own, RunFolder(output), loss).train()
        return model

    return train


def _require_one_process() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ArgumentError(
            "sentune tune was started in several processes",
            expected="one process, as it writes one folder",
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
    # The last checkpoint may be damaged: then the one before it is needed.
    arguments = SentenceTransformerTrainingArguments(
        **{"save_total_limit": 2, "save_strategy": "no", **training},
        prompts=prompts_of_model(model, data.columns),
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
    if "save_strategy" not in settings.training:
        trainer.add_callback(CheckpointSchedule())
    return trainer


def _evaluator(split: Split, watched: Pairs) -> InformationRetrievalEvaluator:
    task = split.task(watched)
    return InformationRetrievalEvaluator(
        {str(row): text for row, text in enumerate(task.questions)},
        {str(row): text for row, text in enumerate(task.passages)},
        {str(row): set(map(str, found)) for row, found in enumerate(task.relevant)},
        write_csv=False,
    )


def _prepared(
    split: Split,
    base: SentenceTransformer,
    settings: TuneSettings,
    say: Callable[[str], None],
) -> Prepared:
    """The training pairs with mined negatives, as the recipe prepares them."""
    pairs = split.train
    if settings.hard_negatives:
        if split.texts_only:
            raise ArgumentError(
                f"hard_negatives {settings.hard_negatives} for texts without questions",
                expected="pairs: a sentence's own neighbours answer it nearly as well",
                fix="leave hard_negatives out",
            )
        mined = mine_hard_negatives(
            pairs,
            base,
            num_negatives=settings.hard_negatives,
            show_progress_bar=settings.show_progress and sys.stderr.isatty(),
        )
        asked = counted(len(pairs.questions), "question")
        say(f"mined {counted(mined.negatives, 'hard negative')} for {asked}")
        pairs = mined.pairs
    epochs = settings.resolved()["num_train_epochs"]
    way = recipe(settings.recipe)
    if settings.long_text == "truncate":
        way = replace(way, passage_tokens=None)
    prepared = way.prepare(pairs, base, epochs, settings.seed)
    for note in prepared.pairs.notes[len(pairs.notes) :]:
        say(note)
    return prepared


def _given(
    split: Split, model: SentenceTransformer, long_text: LongText
) -> tuple[float | None, LateChoice | None]:
    """Weights of the fusion and of the late stage from elsewhere; None to cross-fit them."""
    if split.made:
        # People's questions share other words with the passages than made ones do.
        return _EQUAL_SHARES, LateChoice()
    if split.test is None:
        return None, None
    found = evaluate_systems(split.task(split.valid), model=model, long_text=long_text)
    late = None if found.late is None else LateChoice(found.late.weight, found.late.depth)
    return found.fusion.weight, late


def _evaluated(split: Split, model: SentenceTransformer, settings: TuneSettings) -> Report:
    """The figures of a model on its own."""
    return _evaluate(split, model, None, False, settings.long_text)[0]


def _evaluate(
    split: Split,
    model: SentenceTransformer,
    base: SentenceTransformer | None,
    show_progress: bool,
    long_text: LongText,
    trace: Trace | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Report, Truncation]:
    task = split.task(split.valid if split.test is None else split.test)
    # Several models encode the same texts; what the limit cuts is counted once, below.
    with count_truncation():
        chosen, late = _given(split, model, long_text)
        report = evaluate_systems(
            task,
            model=model,
            base=base,
            fusion_weight=chosen,
            late=late,
            long_text=long_text,
            show_progress_bar=show_progress and sys.stderr.isatty(),
            trace=trace,
            tell=lambda name: say(_STAGES[name]) if name in _STAGES else None,
        )
    return report, what_is_read(model, task.questions, task.passages, long_text)
