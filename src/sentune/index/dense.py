"""Exact search in small indexes, approximate search in large ones, with what it misses measured.

Approximate means: vectors are put into about √n partitions around centres found by k-means (an
inverted file: Sivic & Zisserman 2003; Jégou et al. 2011), in 8 bits a component; a search looks
into the nearest partitions, takes twice as many as are wanted and orders those by exact distances.
The number of partitions is chosen by measuring, on vectors of the index itself.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

import numpy as np

from sentune.index.store import Store
from sentune.index.table_writing import WritableTable

__all__ = ["EXACT_BELOW", "Dense", "prepare"]

EXACT_BELOW = 10_000
"""Rows. Below, comparing with all of them takes a few milliseconds."""

_FILE = "dense.json"
_NEIGHBOURS = 10
# Measured with passages as questions. Their neighbours lie in more partitions than a question's.
_WANTED_RECALL = 0.99
_SAMPLE = 200
_PROBES = (8, 16, 32, 64, 128, 256, 512)
_GROWN = 4


@dataclass(frozen=True, slots=True)
class Dense:
    """How vectors are searched.

    Attributes:
        rows: how many there were when this was decided.
        partitions: 0 for exact search.
        probes: partitions looked into.
        recall: mean share of a passage's 10 nearest that are found; 1 for exact search.
        sample: how many passages this was measured with.
    """

    rows: int
    partitions: int = 0
    probes: int = 0
    recall: float = 1.0
    sample: int = 0

    @classmethod
    def read(cls, store: Store, version: int) -> Dense:
        """The decision of a version; exact search where none was written, which is always right."""
        content = store.read(version, _FILE) or {}
        kinds = {field.name: {"int": int, "float": float}[str(field.type)] for field in fields(cls)}
        if any(type(content.get(name)) is not kind for name, kind in kinds.items()):
            return cls(rows=0)
        return cls(**{name: content[name] for name in kinds})

    def probes_for(self, count: int) -> int | None:
        """Partitions to look into among ``count`` rows; None for a comparison with all of them."""
        return self.probes if self.partitions and count >= EXACT_BELOW else None

    def describe(self, count: int) -> str:
        """Which kind of search, and why, in a sentence."""
        if self.probes_for(count) is None:
            return f"exact: {count:,} passages are fewer than {EXACT_BELOW:,}"
        return (
            f"approximate: {count:,} passages are {EXACT_BELOW:,} or more; {self.probes} of "
            f"{self.partitions} partitions are looked into, recall@{_NEIGHBOURS} "
            f"{self.recall:.3f} against exact search, measured with {self.sample} of its passages"
        )


def prepare(table: WritableTable) -> None:
    """Decide how to search, after rows were added.

    The partitions are made anew when there are none yet or when there are four times the rows
    that they were made for; in between LanceDB puts new rows into them.

    Cost: k-means over a sample, O(n · √n), and 200 exact searches.
    """
    count, known = table.count(), Dense.read(table.store, table.version)
    if count < EXACT_BELOW:
        return
    if not known.partitions or not table.vectors_covered() or count >= _GROWN * known.rows:
        partitions = round(math.sqrt(count))
        table.index_vectors(partitions)
        measured = _measured(table, count, partitions)
        table.store.write(table.version, _FILE, asdict(measured))


def _measured(table: WritableTable, count: int, partitions: int) -> Dense:
    """The fewest probes with the wanted recall, or all partitions."""
    vectors = table.sample(_SAMPLE, seed=count)
    limit = _NEIGHBOURS + 1  # the first is the passage itself
    truth = [set(table.nearest(vector, limit)[0][1:]) for vector in vectors]
    recall = 0.0
    probes = partitions
    for probes in sorted({min(each, partitions) for each in (*_PROBES, partitions)}):
        found = [set(table.nearest(vector, limit, probes=probes)[0][1:]) for vector in vectors]
        shares = [len(a & b) / len(a) for a, b in zip(truth, found, strict=True)]
        recall = float(np.mean(shares))
        if recall >= _WANTED_RECALL:
            break
    return Dense(count, partitions, probes, recall, len(vectors))
