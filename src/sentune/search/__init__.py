"""A question → hits.

::

    question ─ Searcher ─┬─ PassageSearch: passages in memory, encoded anew each time
                         └─ sentune.index.Index: passages kept in a folder
                         → hits, the best first
"""

from sentune.search.passages import PassageSearch
from sentune.search.searcher import Hit, Searcher

__all__ = ["Hit", "PassageSearch", "Searcher"]
