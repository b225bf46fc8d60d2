"""Which rows go into a batch together: the samplers that look at texts and labels.

``order`` is always the rows to use, in the epoch's order; a sampler cuts it into batches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row

__all__ = ["Sampler", "group_by_label", "no_duplicates", "plain"]

Sampler = Callable[[Sequence[Row], int, Sequence[int]], list[list[int]]]

_FEWEST_BY_LABEL = 4


def plain(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Rows in the given order, ``batch_size`` at a time; the last batch holds the rest."""
    del rows
    return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]


# ── no text twice ─────────────────────────────────────────────────────────────────────────────


def no_duplicates(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Batches in which no text stands twice, in any column.

    With in-batch negatives a text that stands twice would be its own negative. Each row goes to
    the first batch that has room and none of its texts (first fit). The number of batches is
    settled beforehand, the same in every epoch: ceil(rows / batch_size), or the number of times
    that the most frequent text occurs, if greater. A row for which only full batches are left
    goes to the smallest that has none of its texts, which then exceeds ``batch_size``, nearly
    always by one; if there is none either, the row is put into the batch with the least rows all
    the same, so that no row is ever lost.

    Cost: about O(rows), whatever one column repeats. Where several columns repeat heavily
    together, the search for a place also passes the batches that hold the other text.
    """
    repeats = _Repeats(rows, order)
    fewest = max(-(-len(order) // batch_size), *repeats.counts, 0)
    batches = _FirstFit(fewest, batch_size, repeats)
    for position, row in enumerate(order):
        batches.add(position, row)
    return batches.filled()


class _Repeats:
    """The texts that stand in several rows: others cannot come twice into a batch.

    Attributes:
        texts: numbers of such texts, each row's once, row after row in the order given.
        starts: where those of each row begin in ``texts``, and the end of the last.
        counts: how many rows hold each.
    """

    def __init__(self, rows: Sequence[Row], order: Sequence[int]) -> None:
        numbers: dict[str, int] = {}
        texts = np.fromiter(
            (numbers.setdefault(text, len(numbers)) for row in order for text in rows[row].texts),
            np.int64,
        )
        widths = np.fromiter((len(rows[row].texts) for row in order), np.int64, len(order))
        total = max(1, len(numbers))
        # Sorted by row, and a text that stands twice in one row once.
        held = np.unique(np.repeat(np.arange(len(order)), widths) * total + texts)
        of_row, texts = np.divmod(held, total)
        counts = np.bincount(texts, minlength=total)
        again = counts > 1
        kept = again[texts]
        self._texts = (again.cumsum() - 1)[texts[kept]]
        self.texts: list[int] = self._texts.tolist()
        ends = np.bincount(of_row[kept], minlength=len(order)).cumsum()
        self.starts: list[int] = [0, *ends.tolist()]
        self.counts: list[int] = counts[again].tolist()
        self._of_row = of_row[kept]

    def of(self, position: int) -> list[int]:
        """Those of the row at a position of the order."""
        return self.texts[self.starts[position] : self.starts[position + 1]]

    @cached_property
    def _by_text(self) -> NDArray[np.int64]:
        return self._of_row[np.argsort(self._texts, kind="stable")]

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.counts)

    def positions(self, text: int) -> NDArray[np.int64]:
        """Where in the order the rows with a text stand."""
        end = int(self._ends[text])
        return self._by_text[end - self.counts[text] : end]


class _FirstFit:
    """Batches to be filled; a batch that is full or holds a text will always do so.

    That is why the first place that suits a text only moves forward: with a cursor for every
    text, and full batches skipped in one step, no batch is asked twice for the same text.
    """

    def __init__(self, count: int, batch_size: int, repeats: _Repeats) -> None:
        self._count, self._batch_size, self._repeats = count, batch_size, repeats
        self._batches: list[list[int]] = [[] for _ in range(count)]
        self._held: list[set[int]] = [set() for _ in range(count)]
        self._next_with_room = list(range(count + 1))
        self._cursors = [0] * len(repeats.counts)
        self._sizes = np.zeros(count, np.int64)
        self._place_of = np.full(len(repeats.starts) - 1, -1)

    def add(self, position: int, row: int) -> None:
        texts = self._repeats.of(position)
        place = self._first(texts)
        if place == self._count:
            place = self._smallest(texts)
        batch = self._batches[place]
        batch.append(row)
        self._sizes[place] = len(batch)
        if len(batch) == self._batch_size:
            self._next_with_room[place] = place + 1
        if texts:
            self._held[place].update(texts)
            self._place_of[position] = place

    def filled(self) -> list[list[int]]:
        return [batch for batch in self._batches if batch]

    def _first(self, texts: list[int]) -> int:
        start = max([self._advanced(text) for text in texts], default=0)
        place = self._with_room(start)
        while place < self._count and not self._held[place].isdisjoint(texts):
            place = self._with_room(place + 1)
        return place

    def _advanced(self, text: int) -> int:
        place = self._with_room(self._cursors[text])
        while place < self._count and text in self._held[place]:
            place = self._with_room(place + 1)
        self._cursors[text] = place
        return place

    def _with_room(self, place: int) -> int:
        """The first batch from ``place`` on with room (union-find with path halving)."""
        following = self._next_with_room
        while following[place] != place:
            following[place] = place = following[following[place]]
        return place

    def _smallest(self, texts: list[int]) -> int:
        sizes = self._sizes.copy()
        for text in texts:
            places = self._place_of[self._repeats.positions(text)]
            sizes[places[places >= 0]] = np.iinfo(np.int64).max
        place = int(sizes.argmin())
        return place if self._held[place].isdisjoint(texts) else int(self._sizes.argmin())


# ── by label ──────────────────────────────────────────────────────────────────────────────────


def group_by_label(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Batches for losses that compare rows of one label with rows of others.

    Every batch holds at least two rows of each label in it, and as many batches as possible hold
    two labels or more. The rows of a label are paired in the epoch's order; the pairs, label
    after label and the most frequent first, are dealt to the batches like cards, so that each
    label is spread as evenly as can be. Left out are rows whose label occurs once, and the last
    row of a label that occurs an odd number of times, where no batch with that label has room;
    which row that is changes with the order.

    Cost: O(rows).

    Raises:
        ArgumentError: a row without a label, ``batch_size`` below 4 (two labels, two rows each),
            or fewer than two labels that occur twice.
    """
    if batch_size < _FEWEST_BY_LABEL:
        raise ArgumentError(
            f"batch_size {batch_size} with batch_sampler 'group_by_label'",
            expected="at least 4: two rows of each of two labels",
            fix="raise the batch size",
        )
    groups = _by_label(rows, order)
    units = [(label, group[i : i + 2]) for label, group in groups for i in range(0, len(group), 2)]
    pairs = [(label, unit) for label, unit in units if len(unit) == 2]
    batches: list[list[int]] = [[] for _ in range(-(-len(pairs) // (batch_size // 2)))]
    places: defaultdict[float, set[int]] = defaultdict(set)
    for number, (label, unit) in enumerate(pairs):
        batches[number % len(batches)] += unit
        places[label].add(number % len(batches))
    for label, unit in units:
        if len(unit) == 1:
            place = min(places[label], key=lambda place: (len(batches[place]), place))
            if len(batches[place]) < batch_size:
                batches[place] += unit
    rank = {row: position for position, row in enumerate(order)}
    return sorted(batches, key=lambda batch: rank[batch[-1]])


def _by_label(rows: Sequence[Row], order: Sequence[int]) -> list[tuple[float, list[int]]]:
    """Labels that occur twice, with their rows; the most frequent first, others as they come."""
    groups: defaultdict[float, list[int]] = defaultdict(list)
    for index in order:
        label = rows[index].label
        if label is None:
            raise ArgumentError(
                f"row {index} without a label, with batch_sampler 'group_by_label'",
                expected="a label in every row",
                fix="add a column label that numbers the classes, or use no_duplicates",
            )
        groups[label].append(index)
    usable = [(label, group) for label, group in groups.items() if len(group) > 1]
    if len(usable) < 2:
        once = Counter(len(group) for group in groups.values())[1]
        raise ArgumentError(
            f"{len(groups)} different labels, {once} of them in a single row",
            expected="at least two labels with two rows each for 'group_by_label'",
            fix="add rows, or use no_duplicates",
        )
    most = max(range(len(usable)), key=lambda place: len(usable[place][1]))
    return [usable[most], *usable[:most], *usable[most + 1 :]]
