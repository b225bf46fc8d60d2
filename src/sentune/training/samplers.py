"""Which rows go into a batch together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from sentune.errors import ArgumentError

__all__ = ["BATCH_SAMPLERS", "RowBatches", "no_duplicates", "plain"]

Row = Sequence[str]


def plain(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Rows in the given order, ``batch_size`` at a time; the last batch holds the rest."""
    del rows
    return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]


def no_duplicates(rows: Sequence[Row], batch_size: int, order: Sequence[int]) -> list[list[int]]:
    """Batches in which no text stands twice, in any column.

    With in-batch negatives a text that stands twice would be its own negative. Each row goes to
    the first batch that has room and none of its texts (first fit). The number of batches is
    settled beforehand, the same in every epoch: ceil(rows / batch_size), or the number of times
    that the most frequent text occurs, if greater. A row for which only full batches are left
    goes to the smallest that has none of its texts, which then exceeds ``batch_size`` by one; if
    there is none either, the row is put into the batch with the least rows all the same, so that
    no row is ever lost.

    Cost: O(rows) where texts rarely repeat.
    """
    texts = _text_numbers(rows)
    fewest = -(-len(rows) // batch_size)
    counts = Counter(text for row in texts for text in set(row))
    batches: list[list[int]] = [[] for _ in range(max(fewest, *counts.values(), 0))]
    held: list[set[int]] = [set() for _ in batches]
    open_from = 0
    for row in order:
        while open_from < len(batches) and len(batches[open_from]) >= batch_size:
            open_from += 1
        place = _place(batches, held, texts[row], batch_size, open_from)
        batches[place].append(row)
        held[place].update(texts[row])
    return [batch for batch in batches if batch]


def _text_numbers(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    numbers: dict[str, int] = {}
    return [tuple(numbers.setdefault(text, len(numbers)) for text in row) for row in rows]


def _place(
    batches: list[list[int]],
    held: list[set[int]],
    texts: tuple[int, ...],
    batch_size: int,
    open_from: int,
) -> int:
    for place in range(open_from, len(batches)):
        if len(batches[place]) < batch_size and held[place].isdisjoint(texts):
            return place
    free = [place for place in range(len(batches)) if held[place].isdisjoint(texts)]
    return min(free or range(len(batches)), key=lambda place: len(batches[place]))


BATCH_SAMPLERS = {"no_duplicates": no_duplicates, "batch_sampler": plain}


class RowBatches:
    """A batch sampler for a data loader: another order of the rows in every epoch.

    Args:
        rows: the texts of each row, one for each column.
        batch_size: rows in a batch.
        sampler: a name from ``BATCH_SAMPLERS``.
        seed: with the epoch, settles the order.
        drop_last: leave out batches with fewer rows than ``batch_size``.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        batch_size: int,
        *,
        sampler: str = "no_duplicates",
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if sampler not in BATCH_SAMPLERS:
            raise ArgumentError(
                f"batch_sampler {sampler!r}",
                expected=f"one of {', '.join(BATCH_SAMPLERS)}",
                fix="leave it out for no_duplicates",
            )
        self.batch_size = batch_size  # read by accelerate
        self.drop_last = drop_last
        self._rows, self._plan, self._seed, self._epoch = rows, BATCH_SAMPLERS[sampler], seed, 0
        self._length = len(self._batches(0))

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order the next pass follows."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._batches(self._epoch)

    def _batches(self, epoch: int) -> list[list[int]]:
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._rows)).tolist()
        batches = self._plan(self._rows, self.batch_size, order)
        if self.drop_last:
            return [batch for batch in batches if len(batch) >= self.batch_size]
        return batches
