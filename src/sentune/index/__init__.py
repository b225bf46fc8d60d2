"""A persistent index: passages and their vectors in a folder that knows its model.

::

    passages ─ changes ─ rows ─ table (LanceDB) ─┬─ dense ──┐
                                                 └─ words ──┴─ candidates ─ fusion ─ hits

- ``layout`` is the folder: numbered versions, and the one file that says which of them holds.
- ``facts`` is what an index knows of its model, and how it refuses another.
- ``changes`` compares passages with what is stored, so that only what changed is encoded.
- ``rows`` turns passages into Arrow; ``table`` is the only code that calls LanceDB.
- ``dense`` decides between exact and approximate search, and measures what the latter misses.
- ``candidates`` asks both sides and fuses them as the evaluation does.
- ``index`` composes these into the public class.
"""

from sentune.index.changes import Changes
from sentune.index.index import Index
from sentune.index.info import IndexInfo
from sentune.search.hit import IndexHit

__all__ = ["Changes", "Index", "IndexHit", "IndexInfo"]
