"""From a file that somebody has to pairs that can be trusted to tune and to judge a model.

::

    file ─ lines ┬ stdin ──┬─ records ─┬─ columns ──┬─ assembly ─ Pairs ─┬─ split    training | rest
                 └ parquet ┘           │            │                    └─ guards   leaks between
                                       ├─ mappings ─┘
                                       └─ fields ───── passages ─ Passage, one at a time

- ``lines`` opens the file and judges its encoding; ``records`` its format. ``stdin`` tells JSONL
  from one text a line on standard input; ``parquet`` reads the one format that has no lines.
- ``columns`` gives column names their roles; ``mappings`` reads the layouts with ids; ``fields``
  makes of the columns without a role what an index filters by.
- ``assembly`` merges repeated texts and counts what it merged; ``pairs`` is the result.
- ``readers`` composes these for pairs, ``texts`` for texts and passages, ``passages`` for what an
  index stores, ``labelled`` for texts with labels, ``scored`` for sentence pairs with scores,
  ``sentence_pairs`` for those without.
- ``python_docs`` makes pairs from Python's own documentation, with no file at all.
- ``writing`` goes the other way: rows of results to a file.

Every problem in a file is a :class:`sentune.errors.DataError` that names the file and the line,
row or column. Nothing here imports torch, reading alone imports no numpy, and only a Parquet file
imports pyarrow.
"""

from __future__ import annotations

from sentune.data.files.writing import require_row_file, write_rows
from sentune.data.guards import without_leaks
from sentune.data.labelled import LabelledTexts, read_labelled_texts
from sentune.data.pairs import Pairs
from sentune.data.passages import Passage, PassageFiles, passage_files, read_passage_rows
from sentune.data.python_docs import PythonDocs, python_docs
from sentune.data.readers import read_pairs, require_at_least
from sentune.data.scored import ScoredPairs, is_scored, read_scored_pairs
from sentune.data.sentence_pairs import read_sentence_pairs
from sentune.data.split import folds, hold_out, hold_out_groups, question_groups
from sentune.data.texts import TextRow, read_passages, read_text_rows, read_texts

__all__ = [
    "LabelledTexts",
    "Pairs",
    "Passage",
    "PassageFiles",
    "PythonDocs",
    "ScoredPairs",
    "TextRow",
    "folds",
    "hold_out",
    "hold_out_groups",
    "is_scored",
    "passage_files",
    "python_docs",
    "question_groups",
    "read_labelled_texts",
    "read_pairs",
    "read_passage_rows",
    "read_passages",
    "read_scored_pairs",
    "read_sentence_pairs",
    "read_text_rows",
    "read_texts",
    "require_at_least",
    "require_row_file",
    "without_leaks",
    "write_rows",
]
