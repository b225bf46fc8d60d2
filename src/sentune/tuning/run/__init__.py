"""One run, from a split to a finished folder: prepare, train, measure, write.

::

    preparing ─ steps ─ measuring

    preparing   the pairs as the recipe takes them, and the trainer
    measuring   every figure, and the facts that follow from them
    steps       the run, step by step
"""

from __future__ import annotations

from sentune.tuning.run.steps import tune

__all__ = ["tune"]
