"""Which rows go into a batch together: the samplers that use texts and labels.

``order`` always has the numbers of the rows to use, in the epoch's order. A sampler cuts it into
batches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row
from sentune.training.batches.rearranging import Rearranging

__all__ = ["Sampler", "group_by_label", "no_duplicates", "plain"]

Sampler = Callable[[Sequence[Row], int, Sequence[int]], list[list[int]]]

_FEWEST_BY_LABEL = 4


def plain(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Rows in the given order, ``batch_size`` at a time; the last batch holds the rest."""
    del rows
    return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]


def no_duplicates(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Batches of at most ``batch_size`` rows in which no text occurs twice, in any column.

    With in-batch negatives a text that occurs twice would be its own negative. (One row may hold
    a text twice.) Each row goes to the first batch that has room and none of its texts (first
    fit). The number of batches is ceil(rows / batch_size), or the number of times that the most
    frequent text occurs, if greater. A row for which no batch is left makes other rows change
    places, see :class:`~sentune.training.batches.rearranging.Rearranging`. For rows of two
    columns that share no text this always succeeds, so that the number of batches is the same in
    every epoch. For other rows it nearly always does; where it fails there is one batch more.

    Cost: about O(rows), also where one column repeats. Where several columns repeat heavily
    together, the search also walks past batches that another column's text blocks, and each row
    left over costs O(batches + batch_size).
    """
    repeats = _Repeats(rows, order)
    fewest = max(-(-len(order) // batch_size), *repeats.counts, 0)
    batches = _FirstFit(fewest, batch_size, repeats)
    left = [position for position in range(len(order)) if not batches.add(position)]
    filled = batches.filled()
    if left:
        rearranged = Rearranging(filled, repeats.of, batch_size)
        for position in left:
            rearranged.place(position)
        filled = rearranged.sorted()
    return [[order[position] for position in batch] for batch in filled]


class _Repeats:
    """The texts that occur in several rows. No other text can be in a batch twice.

    Attributes:
        texts: numbers of these texts, each row's once, row after row in the order given.
        starts: where those of each row begin in ``texts``, and the end of the last.
        counts: how many rows have each text.
    """

    def __init__(self, rows: Sequence[Row], order: Sequence[int]) -> None:
        numbers: dict[str, int] = {}
        texts = np.fromiter(
            (numbers.setdefault(text, len(numbers)) for row in order for text in rows[row].texts),
            np.int64,
        )
        widths = np.fromiter((len(rows[row].texts) for row in order), np.int64, len(order))
        total = max(1, len(numbers))
        # Sorted by row; a text that occurs twice in one row is here once.
        held = np.unique(np.repeat(np.arange(len(order)), widths) * total + texts)
        of_row, texts = np.divmod(held, total)
        counts = np.bincount(texts, minlength=total)
        again = counts > 1
        kept = again[texts]
        self.texts: list[int] = (again.cumsum() - 1)[texts[kept]].tolist()
        ends = np.bincount(of_row[kept], minlength=len(order)).cumsum()
        self.starts: list[int] = [0, *ends.tolist()]
        self.counts: list[int] = counts[again].tolist()

    def of(self, position: int) -> list[int]:
        """The texts of the row at a position of the order."""
        return self.texts[self.starts[position] : self.starts[position + 1]]


class _FirstFit:
    """Batches to fill, from which nothing is taken away.

    So the first batch that is free for a text can only move to later batches. A cursor for every
    text follows it, and full batches are skipped in one step: none is checked twice for a text.
    """

    def __init__(self, count: int, batch_size: int, repeats: _Repeats) -> None:
        self._count, self._batch_size, self._repeats = count, batch_size, repeats
        self._batches: list[list[int]] = [[] for _ in range(count)]
        self._held: list[set[int]] = [set() for _ in range(count)]
        self._next_with_room = list(range(count + 1))
        self._cursors = [0] * len(repeats.counts)

    def add(self, position: int) -> bool:
        """Put the row at a position of the order into the first batch that suits it, if any."""
        texts = self._repeats.of(position)
        number = self._first(texts)
        if number == self._count:
            return False
        batch = self._batches[number]
        batch.append(position)
        if len(batch) == self._batch_size:
            self._next_with_room[number] = number + 1
        self._held[number].update(texts)
        return True

    def filled(self) -> list[list[int]]:
        return [batch for batch in self._batches if batch]

    def _first(self, texts: list[int]) -> int:
        start = max([self._advanced(text) for text in texts], default=0)
        number = self._with_room(start)
        while number < self._count and not self._held[number].isdisjoint(texts):
            number = self._with_room(number + 1)
        return number

    def _advanced(self, text: int) -> int:
        number = self._with_room(self._cursors[text])
        while number < self._count and text in self._held[number]:
            number = self._with_room(number + 1)
        self._cursors[text] = number
        return number

    def _with_room(self, number: int) -> int:
        """The first batch from ``number`` on with room (union-find with path halving)."""
        following = self._next_with_room
        while following[number] != number:
            following[number] = number = following[following[number]]
        return number


def group_by_label(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Batches for losses that compare rows of one label with rows of others.

    Every batch has two labels or more, and at least two rows of each. The rows of a label are
    paired in the epoch's order. The pairs, label after label and the most frequent first, are
    dealt to the batches like cards, so that each label is spread evenly.

    Rows are left out where they have no partner: those whose label occurs once; pairs of a label
    that is so frequent that the others do not reach all its batches; the last row of a label with
    an odd number of rows, if no batch with that label has room. Which rows of a label these are
    changes with the order.

    Cost: O(rows).

    Raises:
        ArgumentError: a row without a label, ``batch_size`` below 4 (two labels, two rows each),
            or fewer than two labels that occur twice.
    """
    if batch_size < _FEWEST_BY_LABEL:
        raise ArgumentError(
            f"batch_size {batch_size} with batch_sampler 'group_by_label'",
            expected="at least 4 (two rows of each of two labels)",
            fix="raise the batch size",
        )
    groups = _by_label(rows, order)
    pairs = [
        (label, group[i : i + 2]) for label, group in groups for i in range(0, len(group) - 1, 2)
    ]
    most, together = len(groups[0][1]) // 2, batch_size // 2
    batches: list[list[int]] = [
        [] for _ in range(min(-(-len(pairs) // together), len(pairs) - most, len(pairs) // 2))
    ]
    surplus = max(0, len(pairs) - len(batches) * together)
    batches_of: defaultdict[float, set[int]] = defaultdict(set)
    for number, (label, pair) in enumerate(pairs[: most - surplus] + pairs[most:]):
        batches[number % len(batches)] += pair
        batches_of[label].add(number % len(batches))
    for label, group in groups:
        if len(group) % 2 and batches_of[label]:
            smallest = min(batches_of[label], key=lambda one: (len(batches[one]), one))
            if len(batches[smallest]) < batch_size:
                batches[smallest].append(group[-1])
    rank = {row: position for position, row in enumerate(order)}
    return sorted(batches, key=lambda batch: rank[batch[-1]])


def _by_label(rows: Sequence[Row], order: Sequence[int]) -> list[tuple[float, list[int]]]:
    """Labels that occur twice, with their rows; the most frequent first, then by first row."""
    groups: defaultdict[float, list[int]] = defaultdict(list)
    for index in order:
        label = rows[index].label
        if label is None or not isinstance(label, float | int):
            kind = "label" if label is None else "single label"
            raise ArgumentError(
                f"row {index} without a {kind}, with batch_sampler 'group_by_label'",
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
    most = max(range(len(usable)), key=lambda number: len(usable[number][1]))
    return [usable[most], *usable[:most], *usable[most + 1 :]]
