"""A persistent index: passages and their vectors in a folder that knows its model.

::

    passages ─ sources ─ changes ─ writer ─ version_writing ─┬─ segment: rows-*.safetensors
                                                             ├─ table_writing: LanceDB
                                                             └─ manifest: the commit of both
    question ─ reader ─ candidates ─┬─ snapshot ─ nearest, postings ─ segment
                    └ ranking/: fusion └─ version ─ table: LanceDB, for conditions
                    → hits

- ``store`` is the only code that knows where an index is kept: a folder of numbered versions.
- ``index_model`` is what an index knows of its model, and how it refuses another;
  ``few_questions`` encodes with it without PyTorch.
- ``changes`` compares passages with what is stored, so that only what changed is encoded.
- ``manifest`` names what belongs to a version now: one small file commits every change.
- ``segment`` has what a search needs of some passages, in one mapped file (``arrays``) that never
  changes. ``snapshot`` is all segments of a commit.
- ``token_codec`` packs the vectors of tokens, in an index that stores them; ``late`` compares them
  with a question's.
- ``arrow_rows`` turns passages into Arrow; ``table`` and ``table_writing`` alone call LanceDB.
  ``table`` checks filters.
- ``nearest`` and ``codes`` find near vectors. ``dense`` decides between exact and nearly exact
  search, and measures what the latter misses.
- ``index`` is the public class.
"""

from sentune.index.changes import Changes
from sentune.index.index import Index
from sentune.index.info import IndexInfo
from sentune.search.searcher import Hit

__all__ = ["Changes", "Hit", "Index", "IndexInfo"]
