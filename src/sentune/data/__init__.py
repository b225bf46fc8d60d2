"""Files of any layout → pairs, texts, labels and passages.

::

    files/ ─ records ─┬─ columns ─┬─ pair_rows ─ assembly ─ Pairs ─┬─ split   training | held out
                      │           │                                └─ guards  no question in both
                      ├─ layouts, beir ┘
                      └─ columns ─┬─ texts, corpus, labelled, scored, sentence_pairs
                                  └─ fields ─ passages

- ``files/`` turns each format into records, and rows of results into a file.
- ``roles/`` says what each column of a file is; ``rows`` counts what was not used.
- ``pair_files/`` reads pairs of every layout, and merges repeated texts.
- ``texts`` reads texts to encode, ``corpus`` passages to search in memory, ``passages``
  what an index stores, ``labelled`` texts with labels, ``scored`` sentence pairs with scores,
  ``sentence_pairs`` those without.
- ``kinds`` sees from the first rows whether a file has questions; ``more_passages`` adds passages
  that nobody asked about.
- ``inspection`` counts what may be wrong with pairs or texts, ``languages`` names
  the language of a text.
- ``converting`` writes pairs in the formats that are read.
- ``samples/`` makes pairs from Python's docstrings, and files of them.

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
from sentune.data.pair_files.reading import read_pairs, require_at_least
from sentune.data.pairs import Pairs
from sentune.data.passages import Passage, PassageFiles, passage_files, read_passage_rows
from sentune.data.roles.options import ReadOptions
from sentune.data.samples.python_docs import PythonDocs, python_docs
from sentune.data.samples.sample_files import write_sample
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
