"""``tune --layers``: the tuned model teaches a smaller one, which is measured and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation import Report
from sentune.training.distillation import Shape, shape_of_student
from sentune.tuning.distill import taught
from sentune.tuning.recipes import Prepared
from sentune.tuning.settings import TuneSettings
from sentune.tuning.split import Split
from sentune.tuning.texts_to_distill import DistillTexts, prepare_texts
from sentune.wording import counted, duration

__all__ = ["Smaller", "beside_teacher", "noted"]

_FOLDER = "student"  # beside the checkpoints of the tuning


@dataclass(frozen=True, slots=True)
class Smaller:
    """What the student of a tuning will be, known before the tuning begins.

    Attributes:
        shape: its layers.
        texts: the passages and questions of the training pairs, without what answers what.
    """

    shape: Shape
    texts: DistillTexts

    @classmethod
    def of(cls, split: Split, base: SentenceTransformer, settings: TuneSettings) -> Smaller | None:
        """None without ``layers``.

        Raises:
            ArgumentError: as many layers as the base model has, or more.
            DataError: fewer than 100 texts to teach with.
        """
        if settings.layers is None:
            return None
        shape = shape_of_student(base, settings.layers)
        return cls(shape, prepare_texts([split.train], base, settings.seed, hold_out=False))

    def taught_by(
        self,
        teacher: SentenceTransformer,
        checkpoints: Path,
        settings: TuneSettings,
        say: Callable[[str], None],
        *,
        resume: bool,
    ) -> tuple[SentenceTransformer, str]:
        """The student of the tuned model, and a sentence on what was done."""
        count = len(self.shape.layers)
        pupil = taught(
            teacher,
            self.shape,
            self.texts,
            checkpoints / _FOLDER,
            {"seed": settings.seed},
            say,
            resume=resume,
            show_progress=settings.show_progress,
        )
        say(f"it learnt in {duration(pupil.seconds)}; evaluating")
        of = teacher.encoder.config.num_hidden_layers
        numbers = ", ".join(str(layer + 1) for layer in self.shape.layers)
        steps = counted(pupil.trainer.state.global_step, "step")
        return pupil.model, (
            f"the tuned model of {of} layers then taught its vectors of {self.texts.describe()} to "
            f"a student of {count} of them ({numbers}), in {steps} and {duration(pupil.seconds)}; "
            "the student is what was measured as tuned"
        )


def noted(prepared: Prepared, note: str) -> Prepared:
    """The same pairs with one more note."""
    pairs = prepared.pairs
    return prepared._replace(pairs=replace(pairs, notes=(*pairs.notes, note)))


def beside_teacher(report: Report, teacher: Report) -> Report:
    """The report of a student with the figures of its teacher, which ranked the same passages."""
    kinds = ("model", "fusion", "late")
    found = {kind: teacher.systems[kind] for kind in kinds if kind in teacher.systems}
    return replace(report, teacher=found)
