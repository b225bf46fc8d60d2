"""Base model, tuned model, BM25, the fusion and the late stage on the same questions.

::

    measuring ─ fusing ─ evaluating: a report for each model

    measuring    ranks by each model and by BM25
    fusing       the fusion of the two, and its weight
    evaluating   these and the late stage (``late``), with intervals and paired tests
"""

from __future__ import annotations

from sentune.evaluation.systems.evaluating import evaluate_models, evaluate_systems

__all__ = ["evaluate_models", "evaluate_systems"]
