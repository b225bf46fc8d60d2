"""The steps of the main job, in their order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.evaluation.curve import Curve
from sentune.evaluation.trace import Trace
from sentune.files import write_json, write_text
from sentune.ranking.bm25 import require_bm25
from sentune.report.card import model_card
from sentune.report.page import pictures, report_page
from sentune.training.checkpoints.interrupt import SaveAtInterrupt
from sentune.tuning.checking import lonely_batches, what_matters
from sentune.tuning.curve import learning_curve, require_enough
from sentune.tuning.folder import RunFolder
from sentune.tuning.outcome import Outcome, Tuned, card_facts, summary
from sentune.tuning.recipes import recipe
from sentune.tuning.reporting import page_facts, weights_hash
from sentune.tuning.run.measuring import as_measured, evaluated_alone, measured
from sentune.tuning.run.preparing import part_trainer, prepared_pairs, trainer_of
from sentune.tuning.seen import told_of_seen
from sentune.tuning.settings import RunFile, TuneSettings
from sentune.tuning.smaller import Smaller, beside_teacher, noted
from sentune.tuning.split import Split
from sentune.wording import counted, duration

__all__ = ["tune"]


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
    split, seen = told_of_seen(split, base)
    concerns = [*seen, *what_matters(split, base)]
    for line in (*(split.train.notes if split.texts_only else ()), *concerns):
        say(line)
    if settings.curve:
        require_enough(split)
    if settings.resolved().get("eval_strategy", "no") != "no":
        split = split.watching(settings.seed)
    prepared = prepared_pairs(split, base, settings, detail, say)
    pairs = prepared.pairs
    texts = dict.fromkeys(text for row in pairs.rows() for text in row)
    truncation = model.tokenizer(list(texts))[1]
    say(f"training on {counted(len(pairs), 'pair')}: {truncation.describe(model.max_seq_length)}")
    loss = recipe(settings.recipe).make_loss()
    trainer = trainer_of(model, prepared.data, split, settings, folder, loss)
    if lonely := lonely_batches(prepared.data, trainer.args):
        say(lonely)
        pairs = replace(pairs, notes=(*pairs.notes, lonely))
        prepared = prepared._replace(pairs=pairs)
    with SaveAtInterrupt(say) as interrupt:
        trainer.add_callback(interrupt)
        trainer.train(resume_from_checkpoint=resume)
    seconds = trainer.seconds  # read once: the clock runs on
    steps = counted(trainer.state.global_step, "step")
    then = "evaluating" if smaller is None else "teaching a student"
    say(f"trained {steps} in {duration(seconds)}; {then}")
    teacher = model
    if smaller is not None:
        model, note = smaller.taught_by(teacher, folder.checkpoints, settings, say, resume=resume)
        prepared = noted(prepared, note)
    trace = Trace()
    report, facts = measured(split, model, base, truncation, settings, trace, say)
    if smaller is not None:
        report = beside_teacher(report, evaluated_alone(split, teacher, settings))
    if settings.curve:
        facts = replace(facts, curve=_curve(split, settings, trace, folder, say))
    split = as_measured(split, facts, model)
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


def _curve(
    split: Split,
    settings: TuneSettings,
    trace: Trace,
    folder: RunFolder,
    say: Callable[[str], None],
) -> Curve:
    return learning_curve(
        split,
        part_trainer(settings),
        trace,
        folder.checkpoints,
        seed=settings.seed,
        long_text=settings.long_text,
        say=say,
    )


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


def _require_one_process() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ArgumentError(
            "sentune tune was started in several processes",
            expected="one process, as it writes one folder",
            fix="start it without torchrun, or use SentenceTransformerTrainer",
        )
