"""A persistent index: passages and their vectors in a folder that knows its model.

::

    passages ─ sources ─ changes ─ writer ─ version_writing ─┬─ segment: rows-*.safetensors
                                                             ├─ table_writing: LanceDB
                                                             └─ manifest: the commit of both
    question ─ reader ─ candidates ─┬─ snapshot ─ nearest, postings ─ segment
                    └ ranking/: fusion └─ version ─ table: LanceDB, for conditions
                    → hits

- ``store`` and ``object_storage/`` are the only code that knows where an index is kept: numbered
  versions in a folder, or in a bucket. ``storage`` chooses one by the name.
- ``index_model`` is what an index knows of its model, and how it refuses another;
  ``few_questions`` encodes with it without PyTorch.
- ``changes`` compares passages with what is stored, so that only what changed is encoded.
- ``manifest`` names what belongs to a version now: one small file commits every change.
- ``segments/`` has what a search needs of some passages, in one mapped file that never changes;
  ``snapshot`` there is all segments of a commit. ``late`` compares stored tokens with a question's.
- ``rows/`` alone calls LanceDB, for texts, fields and conditions.
- ``dense`` decides between exact and nearly exact
  search, and measures what the latter misses.
- ``index`` is the public class.
"""

from sentune.index.changes import Changes
from sentune.index.index import Index
from sentune.index.info import IndexInfo
from sentune.search.searcher import Hit

__all__ = ["Changes", "Hit", "Index", "IndexInfo"]
