"""Scores → order: what runs at search time, and what evaluation measures.

::

    question ─┬─ model ─ similarities (Q, P) ─┬─ fusion ─ scores ─ rank ─ passages, best first
              └─ bm25 ── word scores (Q, P) ──┘
                                                 passages, best first ─ late_interaction ─ again

The late stage orders the first passages anew by the vectors of their tokens (``token_vectors``), of
which those of rare words count more (``token_weights``).
``retrieval_model`` is what ranking asks of a model. ``blocks`` keeps temporary arrays small.
"""
