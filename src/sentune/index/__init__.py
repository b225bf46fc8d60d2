"""A persistent index: passages and their vectors in a folder that knows its model.

::

    passages ─ sources ─ changes ─ writer ─ table_writing ─┐
                                                        store: the folder, on a disk
    question ─ reader ─ candidates ─ table ────────────────┘
                        └ ranking/: fusion ─ hits

- ``store`` is the only code that knows where an index is kept: a folder of numbered versions.
- ``index_model`` is what an index knows of its model, and how it refuses another.
- ``changes`` compares passages with what is stored, so that only what changed is encoded.
- ``arrow_rows`` turns passages into Arrow; ``table`` and ``table_writing`` alone call LanceDB.
  ``table`` checks filters.
- ``dense`` decides between exact and approximate search, and measures what the latter misses.
- ``index`` is the public class.
"""

from sentune.index.changes import Changes
from sentune.index.index import Index
from sentune.index.info import IndexInfo
from sentune.search.searcher import Hit

__all__ = ["Changes", "Hit", "Index", "IndexInfo"]
