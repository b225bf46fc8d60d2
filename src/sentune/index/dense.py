"""Exact search in small indexes, nearly exact in large ones, with what it misses measured.

In a large index, the passages whose vectors differ from the question's in the fewest bits
(:mod:`sentune.index.segments.codes`) are the candidates, and only these are compared in float32.
How many there have to be is measured on vectors of the index itself; a question that is far from
all passages, or from those that meet a condition, gets more
(:mod:`sentune.index.segments.nearest`). A condition takes passages out before the
candidates are chosen, so it cannot leave fewer of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.nearest import Nearness
from sentune.index.segments.snapshot import Snapshot
from sentune.index.store import Store
from sentune.index.version import Version

__all__ = ["EXACT_BELOW", "Dense", "prepare"]

EXACT_BELOW = 5_000
"""Pieces. Below, comparing with all of them takes less than half a millisecond."""

_FILE = "dense.json"
_NEIGHBOURS = 10
# Measured with passages as questions, which is no easier: of 100,000, the same 400 candidates had
# .997 of a passage's neighbours and .998 of a question's.
_WANTED_RECALL = 0.995
_CANDIDATES = (400, 600, 800, 1000, 1500, 2000, 4000, 8000, 16000)
# What meets a condition can lie far from the question, where bits tell less. And LanceDB takes
# longer to find it than so many more take to be compared.
_MORE = 4
_SAMPLE = 200
_GROWN = 4


@dataclass(frozen=True, slots=True)
class Dense:
    """How vectors are searched.

    Attributes:
        rows: how many there were when this was decided.
        candidates: pieces of each large segment that are compared in float32; 0 for all.
        recall: mean share of a passage's 10 nearest that are found; 1 for exact search.
        sample: how many passages this was measured with.
    """

    rows: int
    candidates: int = 0
    recall: float = 1.0
    sample: int = 0

    @classmethod
    def read(cls, store: Store, version: int, count: int) -> Dense:
        """The decision of a version; exact search where none was written, which is always right.

        It is not read for so few pieces, because a store can take a request for it.
        """
        if count < EXACT_BELOW:
            return cls(rows=0)
        content = store.read(version, _FILE) or {}
        kinds = {field.name: {"int": int, "float": float}[str(field.type)] for field in fields(cls)}
        if any(type(content.get(name)) is not kind for name, kind in kinds.items()):
            return cls(rows=0)
        return cls(**{name: content[name] for name in kinds})

    def nearness(self, count: int, *, conditioned: bool = False) -> Nearness:
        """How to search ``count`` passages: all, or those that meet a condition."""
        more = _MORE if conditioned else 1
        return Nearness(self.candidates * more if self._is_approximate(count // more) else None)

    def recall_of(self, count: int) -> float:
        """The recall of a search of ``count`` passages."""
        return self.recall if self._is_approximate(count) else 1.0

    def _is_approximate(self, count: int) -> bool:
        return self.candidates > 0 and count >= EXACT_BELOW

    def describe(self, count: int, what: str) -> str:
        """Which kind of search, and why, in a sentence; ``what`` there are ``count`` of."""
        if count < EXACT_BELOW:
            return f"exact: {count:,} {what} are fewer than {EXACT_BELOW:,}"
        if not self._is_approximate(count):  # an addition was stopped before it was measured
            return f"exact, until the next addition to these {count:,} {what}"
        return (
            f"approximate: {count:,} {what} are {EXACT_BELOW:,} or more; the {self.candidates:,} "
            f"nearest by one bit a component are compared, recall@{_NEIGHBOURS} {self.recall:.3f} "
            f"against exact search, measured with {self.sample} of its passages"
        )


def prepare(version: Version) -> None:
    """Decide how to search, after passages were added and when there are four times as many.

    Cost: 200 exact searches, as one product of matrices, and as many others.
    """
    count = version.snapshot.pieces
    known = Dense.read(version.store, version.number, count)
    if count < EXACT_BELOW or (known.candidates and count < _GROWN * known.rows):
        return
    measured = _measured(version.snapshot)
    version.store.write(version.number, _FILE, asdict(measured))


def _measured(snapshot: Snapshot) -> Dense:
    """The fewest candidates with the wanted recall, or the most that are tried."""
    count = snapshot.pieces
    there = (
        np.arange(snapshot.width) if snapshot.present is None else np.flatnonzero(snapshot.present)
    )
    chosen = np.random.default_rng(count).choice(there, min(_SAMPLE, count), replace=False)
    vectors = snapshot.vectors(np.sort(chosen))
    truth = [_neighbours(snapshot, vector, Nearness()) for vector in vectors]
    recall, candidates = 0.0, 0
    for candidates in _CANDIDATES:
        found = [_neighbours(snapshot, vector, Nearness(candidates)) for vector in vectors]
        # By similarity, because passages can be equal.
        shares = [np.mean(mine >= right[-1]) for mine, right in zip(found, truth, strict=True)]
        recall = float(np.mean(shares))
        if recall >= _WANTED_RECALL:
            break
    return Dense(count, candidates, recall, len(vectors))


def _neighbours(
    snapshot: Snapshot, vector: NDArray[np.float32], nearness: Nearness
) -> NDArray[np.float64]:
    """The similarities of a passage's nearest."""
    # The first is the passage itself.
    return snapshot.nearest(vector, _NEIGHBOURS + 1, None, nearness)[1][1:]
