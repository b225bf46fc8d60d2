"""Files of any layout → pairs, texts, labels and passages.

::

    files/ ─ records ─┬─ columns ─┬─ pair_rows ─ assembly ─ Pairs ─┬─ split   training | held out
                      │           │                                └─ guards  no question in both
                      ├─ layouts, beir ┘
                      └─ columns ─┬─ texts, corpus, labelled, scored, sentence_pairs
                                  └─ fields ─ passages

- ``files/`` turns each format into records, and rows of results into a file.
- ``names`` is the table of column names; ``columns`` and ``text_columns`` give columns their roles
  by it, after what a person said (``options``, ``choice``); ``headers`` names the columns of files
  without names; ``rows`` counts what was not used; ``cells`` reads lists and titled passages in a
  cell; ``judgements`` knows which values mark a pair as wrong.
- ``layouts`` reads JSON that names texts by ids, ``beir`` judgements beside queries and corpus;
  ``ids`` gives passages their ids; ``fields`` makes other columns what an index filters by.
- ``assembly`` merges repeated texts and counts what it merged.
- ``pair_files`` and ``pair_rows`` read pairs, ``texts`` texts to encode, ``corpus`` passages to
  search in memory, ``passages`` what an index stores, ``labelled`` texts with labels, ``scored``
  sentence pairs with scores, ``sentence_pairs`` those without.
- ``kinds`` sees from the first rows whether a file has questions; ``more_passages`` adds passages
  that nobody asked about.
- ``inspection`` counts what may be wrong with pairs or texts, ``languages`` names
  the language of a text.
- ``dataset_folders`` finds the rows in folders of ``datasets``; ``converting`` writes pairs in the
  formats that are read.
- ``python_docs`` makes pairs from Python's docstrings, without a file; ``sample_files`` makes files
  of them.

Every problem in a file is a :class:`sentune.errors.DataError` that names the file and the line,
row or column. Nothing here imports torch. Reading does not import numpy, and only a Parquet file
imports pyarrow.
"""

from __future__ import annotations

from sentune.data.converting import write_pairs
from sentune.data.corpus import read_passages
from sentune.data.files.writing import require_row_file, write_rows
from sentune.data.guards import without_leaks
from sentune.data.inspection import Inspection, inspect_pairs
from sentune.data.kinds import holds_texts_only
from sentune.data.labelled import LabelledTexts, read_labelled_texts
from sentune.data.more_passages import read_corpus, with_corpus
from sentune.data.options import ReadOptions
from sentune.data.pair_files import read_pairs, require_at_least
from sentune.data.pairs import Pairs
from sentune.data.passages import Passage, PassageFiles, passage_files, read_passage_rows
from sentune.data.python_docs import PythonDocs, python_docs
from sentune.data.sample_files import write_sample
from sentune.data.scored import ScoredPairs, is_scored, read_scored_pairs
from sentune.data.sentence_pairs import read_sentence_pairs
from sentune.data.split import hold_out, hold_out_groups, question_groups
from sentune.data.texts import TextRow, read_questions, read_text_rows, read_texts

__all__ = [
    "Inspection",
    "LabelledTexts",
    "Pairs",
    "Passage",
    "PassageFiles",
    "PythonDocs",
    "ReadOptions",
    "ScoredPairs",
    "TextRow",
    "hold_out",
    "hold_out_groups",
    "holds_texts_only",
    "inspect_pairs",
    "is_scored",
    "passage_files",
    "python_docs",
    "question_groups",
    "read_corpus",
    "read_labelled_texts",
    "read_pairs",
    "read_passage_rows",
    "read_passages",
    "read_questions",
    "read_scored_pairs",
    "read_sentence_pairs",
    "read_text_rows",
    "read_texts",
    "require_at_least",
    "require_row_file",
    "with_corpus",
    "without_leaks",
    "write_pairs",
    "write_rows",
    "write_sample",
]
