"""Texts in, a smaller model out: the steps of ``sentune distill``, in their order."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentune.data import Pairs
from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import OutputError
from sentune.files import write_json
from sentune.report.card.student import StudentFacts, student_card
from sentune.tokens.truncation import count_truncation
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.checkpoints.interrupt import SaveAtInterrupt
from sentune.training.checkpoints.schedule import CheckpointSchedule
from sentune.training.distillation import (
    Shape,
    TeacherVectorsLoss,
    shape_of_student,
    student_of,
    target_of,
)
from sentune.training.trainer import SentenceTransformerTrainer
from sentune.tuning.folder import RunFolder
from sentune.tuning.likeness import Likeness, likeness
from sentune.tuning.texts_to_distill import DistillTexts, prepare_texts
from sentune.wording import counted, duration

__all__ = ["Distilled", "Pupil", "distill", "taught"]

_SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 16,
    "learning_rate": 3e-4,
    "warmup_steps": 0.1,  # of all steps
    "dropout": 0.0,
    "logging_steps": 0.1,
}
_STEPS = 2000  # at least, by several passes over few texts
_MOST_PASSES = 20
_SEARCH = ("fusion_weight", "late_weight", "late_depth")


@dataclass(frozen=True, slots=True)
class Pupil:
    """A student that has learnt, with its trainer and its loss."""

    model: SentenceTransformer
    shape: Shape
    trainer: SentenceTransformerTrainer
    loss: TeacherVectorsLoss
    seconds: float


@dataclass(frozen=True, slots=True)
class Distilled:
    """The result of a distillation.

    Attributes:
        folder: of the student.
        model: the student.
        summary: the content of ``evaluation.json``.
    """

    folder: Path
    model: SentenceTransformer
    summary: dict[str, Any]


def distill(
    teacher_name: str,
    parts: Sequence[Pairs],
    out: str | Path,
    *,
    layers: int | None = None,
    dim: int | None = None,
    epochs: float | None = None,
    say: Callable[[str], None] = lambda _: None,
    resume: bool = False,
    show_progress: bool = False,
    seed: int = 42,
) -> Distilled:
    """Teach a smaller model the vectors of a larger one, and write it.

    Checkpoints are in ``out/checkpoints`` while it learns, as those of ``tune``.

    Args:
        teacher_name: a folder or the name of a model.
        parts: texts, from :func:`~sentune.tuning.texts_to_distill.read_texts_to_distill`.
        out: the folder to write. It must not exist or be empty, unless a run is resumed.
        layers: how many of the teacher's layers; half of them if None.
        dim: dimensions of a vector; the teacher's if None.
        epochs: passes over the texts; if None, as many as make 2,000 steps, but 1 to 20.
        say: called with a line before each step.
        resume: continue the unfinished run in ``out``; start a new one if there is none.
        show_progress: draw bars on standard error.
        seed: of every random choice.

    Raises:
        ArgumentError: more layers or dimensions than the teacher has.
        DataError: fewer than 100 texts, or fewer texts than dimensions.
        OutputError: ``out`` holds something else, or cannot be written.
        ModelError: the teacher cannot be loaded.
        TrainingError: the loss is no longer finite, or the run to resume had other settings.
    """
    folder = RunFolder(out)
    if not folder.begin(resume=resume):
        return _read(folder.path)
    teacher = SentenceTransformer(teacher_name)
    shape = shape_of_student(teacher, layers, dim)
    texts = prepare_texts(parts, teacher, seed)
    say(f"teacher {teacher.base.name} from {teacher.base.origin}")
    cut = teacher.tokenizer([*texts.pieces, *texts.sentences])[1]
    say(f"learning from {texts.describe()}: {cut.describe(teacher.max_seq_length)}")
    pupil = taught(
        teacher,
        shape,
        texts,
        folder.checkpoints,
        {"seed": seed} if epochs is None else {"seed": seed, "num_train_epochs": epochs},
        say,
        resume=resume,
        show_progress=show_progress,
    )
    steps = counted(pupil.trainer.state.global_step, "step")
    say(f"learnt in {steps} and {duration(pupil.seconds)}; comparing with the teacher")
    with count_truncation():  # what is cut was told before the training
        found = likeness(teacher, pupil.model, texts, pupil.loss.target)
    summary = _summary(teacher, pupil, texts, found)
    return _write(folder, pupil, summary, _facts(folder, teacher, pupil, texts, found))


def taught(
    teacher: SentenceTransformer,
    shape: Shape,
    texts: DistillTexts,
    checkpoints: Path,
    training: Mapping[str, Any],
    say: Callable[[str], None],
    *,
    resume: bool,
    show_progress: bool,
) -> Pupil:
    """A student of this shape that has learnt from the texts.

    Its embeddings stay the teacher's: most words of a language are in no collection of texts, and
    would no longer fit to those that are. ``training`` overrides the usual settings.
    """
    vectors = _vectors(teacher, shape, texts, show_progress)
    student = student_of(teacher, shape, vectors)
    student.encoder.embeddings.requires_grad_(False)
    loss = TeacherVectorsLoss(
        student,
        teacher,
        target=target_of(student, shape),
        taught_by=fingerprint(teacher).weights[:16],
    )
    arguments = SentenceTransformerTrainingArguments(
        **{**_settings(texts), **training},
        save_total_limit=2,
        save_strategy="no",
        prompts=texts.prompts(student),
        output_dir=str(checkpoints),
        disable_tqdm=not show_progress,
    )
    trainer = SentenceTransformerTrainer(student, arguments, texts.rows(), loss=loss)
    trainer.print_no_logs()
    if trainer.bar is not None:
        trainer.bar.noun = "texts"
    trainer.add_callback(CheckpointSchedule())
    with SaveAtInterrupt(say) as interrupt:
        trainer.add_callback(interrupt)
        trainer.train(resume_from_checkpoint=resume)
    student.encoder.embeddings.requires_grad_(True)
    seconds = trainer.seconds
    # Chosen for the teacher: they suit a model that ranks nearly as it does.
    student.extras = {name: teacher.extras[name] for name in _SEARCH if name in teacher.extras}
    return Pupil(student, shape, trainer, loss, seconds)


def _vectors(
    teacher: SentenceTransformer, shape: Shape, texts: DistillTexts, show_progress: bool
) -> Any:
    """The teacher's vectors of the texts, if the student has fewer dimensions."""
    if shape.dim is None:
        return None
    with count_truncation():
        return teacher.encode(
            [*texts.pieces, *texts.sentences],
            show_progress_bar=show_progress and sys.stderr.isatty(),
        )


def _settings(texts: DistillTexts) -> dict[str, Any]:
    rows, size = len(texts.pieces) + len(texts.sentences), _SETTINGS["per_device_train_batch_size"]
    passes = -(-_STEPS * size // rows)
    return {**_SETTINGS, "num_train_epochs": max(1, min(_MOST_PASSES, passes))}


def _summary(
    teacher: SentenceTransformer, pupil: Pupil, texts: DistillTexts, found: Likeness
) -> dict[str, Any]:
    """The content of ``evaluation.json``."""
    return {
        "distilled": {
            "teacher": teacher.base.name,
            "teacher_layers": teacher.encoder.config.num_hidden_layers,
            "layers": list(pupil.shape.layers),
            "dim": pupil.model.get_embedding_dimension(),
            "teacher_dim": teacher.get_embedding_dimension(),
            "weights": _weights(pupil.model),
            "teacher_weights": _weights(teacher),
        },
        "likeness": {name: round(value, 4) for name, value in asdict(found).items()},
        "texts": {
            "files": list(texts.files),
            "pieces": len(texts.pieces),
            "sentences": len(texts.sentences),
            "notes": list(texts.notes),
        },
        "training": {
            "loss": type(pupil.loss).__name__,
            **pupil.loss.describe(),
            "epochs": pupil.trainer.args.num_train_epochs,
            "batch_size": pupil.trainer.args.per_device_train_batch_size,
            "learning_rate": pupil.trainer.args.learning_rate,
            "seed": pupil.trainer.args.seed,
            "steps": pupil.trainer.state.global_step,
            "seconds": round(pupil.seconds, 1),
            "compute_dtype": pupil.model.compute.dtype_name,
        },
    }


def _weights(model: SentenceTransformer) -> int:
    return sum(weights.numel() for weights in model.parameters())


def _write(
    folder: RunFolder, pupil: Pupil, summary: dict[str, Any], facts: StudentFacts
) -> Distilled:
    pupil.model.model_card = student_card(facts)

    def write(into: Path) -> None:
        pupil.model.write_into(into)
        write_json(into / "evaluation.json", summary)

    folder.finish(write)
    return Distilled(folder.path, pupil.model, summary)


def _facts(
    folder: RunFolder,
    teacher: SentenceTransformer,
    pupil: Pupil,
    texts: DistillTexts,
    found: Likeness,
) -> StudentFacts:
    log = pupil.trainer.state.log_history
    return StudentFacts(
        model=pupil.model,
        teacher=teacher,
        name=folder.path.resolve().name,
        layers=pupil.shape.layers,
        texts=texts.describe(),
        loss=pupil.loss,
        arguments=pupil.trainer.args,
        steps=pupil.trainer.state.global_step,
        seconds=pupil.seconds,
        loss_log=[(one["epoch"], one["step"], one["loss"]) for one in log if "loss" in one],
        cosine=found.cosine,
        compared=found.texts,
        shared=found.shared,
        nearest=found.nearest,
    )


def _read(folder: Path) -> Distilled:
    """A finished distillation, from its folder. Raises OutputError, ModelError."""
    path = folder / "evaluation.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        summary["distilled"]["teacher"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path} was not written by sentune distill",
            expected="the folder of a finished distillation",
            fix="name another folder, or move this one away",
        ) from error
    return Distilled(folder, SentenceTransformer(folder), summary)
