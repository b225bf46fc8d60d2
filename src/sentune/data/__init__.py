"""From a file that somebody has to pairs that can be trusted to tune and to judge a model.

::

    file ─ lines ─ records ─┬─ columns ──┬─ assembly ─ Pairs ─┬─ split    training | held out
                            └─ mappings ─┘                    └─ guards   leaks between the two

- ``lines`` opens the file and judges its encoding; ``records`` its format.
- ``columns`` gives column names their roles; ``mappings`` reads the layouts with ids.
- ``assembly`` merges repeated texts and counts what it merged; ``pairs`` is the result.
- ``readers`` composes these for pairs, ``texts`` for texts and passages, ``scored`` for sentence
  pairs with scores.
- ``python_docs`` makes pairs from Python's own documentation, with no file at all.

Every problem in a file is a :class:`sentune.errors.DataError` that names the file and the line,
row or column. Nothing here imports torch, and reading alone imports no numpy.
"""

from __future__ import annotations

from sentune.data.guards import without_leaks
from sentune.data.pairs import Pairs
from sentune.data.python_docs import PythonDocs, python_docs
from sentune.data.readers import read_pairs, require_at_least
from sentune.data.scored import ScoredPairs, read_scored_pairs
from sentune.data.split import folds, hold_out, hold_out_groups, question_groups
from sentune.data.texts import read_passages, read_texts

__all__ = [
    "Pairs",
    "PythonDocs",
    "ScoredPairs",
    "folds",
    "hold_out",
    "hold_out_groups",
    "python_docs",
    "question_groups",
    "read_pairs",
    "read_passages",
    "read_scored_pairs",
    "read_texts",
    "require_at_least",
    "without_leaks",
]
