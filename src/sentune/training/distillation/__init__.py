"""A smaller model that is taught by a larger one: its layers, its beginning, its loss.

::

    teacher ─ layers ─ student ─┐
       └─ vectors, tokens ─ loss ┴─ trainer

A student has some of the teacher's layers, and perhaps fewer dimensions. It learns the teacher's
vectors of texts and of their tokens, so no labels are needed.
"""

from sentune.training.distillation.layers import chosen_layers, with_layers
from sentune.training.distillation.loss import TeacherVectorsLoss
from sentune.training.distillation.student import (
    Shape,
    shape_of_student,
    student_of,
    target_of,
)

__all__ = [
    "Shape",
    "TeacherVectorsLoss",
    "chosen_layers",
    "shape_of_student",
    "student_of",
    "target_of",
    "with_layers",
]
