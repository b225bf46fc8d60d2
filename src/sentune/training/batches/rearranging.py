"""Room for a row that fits nowhere: rows change places until it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

__all__ = ["Rearranging"]

_TRIED = 8  # batches in each search: enough where it can be done, and short where it cannot


class Rearranging:
    """Batches of rows without a common text, and room made in them for further rows.

    Two batches exchange the rows that stand in each other's way: those of one batch that share a
    text with the new row, those of the other that share a text with these, and so on (a Kempe
    chain). Where rows have two texts of different kinds, such as questions and passages, this
    always succeeds with the fewest possible batches, because the rows are the edges of a
    bipartite graph (König 1916; equal sizes: de Werra 1971). With more texts in a row it can fail.

    Args:
        batches: numbers of rows; every text at most once in each.
        texts_of: row → the numbers of its texts.
        batch_size: the most rows of a batch.

    Cost of a row: O(batches + rows of two batches).
    """

    def __init__(
        self,
        batches: Iterable[Iterable[int]],
        texts_of: Callable[[int], Sequence[int]],
        batch_size: int,
    ) -> None:
        self._texts, self._size = texts_of, batch_size
        self._rows: list[set[int]] = []
        self._held: list[dict[int, int]] = []  # text → its row, for each batch
        self._relief: list[tuple[set[int], int, set[int], int]] = []  # since a row was added
        for batch in batches:
            self._open()
            for row in batch:
                self._add(row, len(self._rows) - 1)

    def sorted(self) -> list[list[int]]:
        """The batches, each in ascending order; no empty one."""
        return [sorted(rows) for rows in self._rows if rows]

    def place(self, row: int) -> None:
        """Put a row into a batch; into a new one where no exchange was found."""
        texts = self._texts(row)
        blocked = [sum(text in held for text in texts) for held in self._held]
        order = sorted(range(len(blocked)), key=lambda b: (blocked[b], len(self._rows[b])))
        for batch in order[:_TRIED]:
            if self._placed(row, batch):
                return
        self._open()
        self._add(row, len(self._rows) - 1)

    def _placed(self, row: int, batch: int) -> bool:
        held = self._held[batch]
        common = [text for text in self._texts(row) if text in held]
        if not common:
            return self._added(row, batch)
        others = (
            number
            for number, texts in enumerate(self._held)
            if number != batch and not any(text in texts for text in common)
        )
        for other, _ in zip(others, range(_TRIED), strict=False):
            if self._exchanged(row, [held[text] for text in common], batch, other):
                return True
        return False

    def _exchanged(self, row: int, in_the_way: Sequence[int], batch: int, other: int) -> bool:
        leaving, coming = self._chain(in_the_way, batch, other)
        texts = set(self._texts(row))
        if any(not texts.isdisjoint(self._texts(one)) for one in coming):
            return False
        self._swap(leaving, batch, coming, other)
        if self._added(row, batch, other):
            return True
        self._swap(leaving, other, coming, batch)
        return False

    def _added(self, row: int, *batches: int) -> bool:
        """Add the row to the first batch. False, and no change, if one of them stays too large."""
        self._add(row, batches[0])
        self._relief.clear()
        if all(self._within_size(number) for number in batches):
            return True
        for leaving, batch, coming, other in reversed(self._relief):
            self._swap(leaving, other, coming, batch)
        self._remove(row, batches[0])
        return False

    def _within_size(self, batch: int) -> bool:
        """Give rows of a batch that is too large to smaller ones. False where that fails."""
        while len(self._rows[batch]) > self._size:
            smaller = sorted(range(len(self._rows)), key=lambda b: len(self._rows[b]))[:_TRIED]
            if not any(self._relieved(batch, other) for other in smaller if other != batch):
                return False
        return True

    def _relieved(self, batch: int, other: int) -> bool:
        room, seen = self._size - len(self._rows[other]), set[int]()
        for row in sorted(self._rows[batch]):
            if row in seen:
                continue
            leaving, coming = self._chain([row], batch, other)
            seen |= leaving
            if 0 < len(leaving) - len(coming) <= room:
                self._swap(leaving, batch, coming, other)
                self._relief.append((leaving, batch, coming, other))
                return True
        return False

    def _chain(self, rows: Sequence[int], batch: int, other: int) -> tuple[set[int], set[int]]:
        """Rows of the two batches that must change places together with these of ``batch``."""
        found: tuple[set[int], set[int]] = (set(), set())
        left = [(row, 0) for row in rows]
        while left:
            row, side = left.pop()
            if row in found[side]:
                continue
            found[side].add(row)
            held = self._held[batch if side else other]
            left += [(held[text], 1 - side) for text in self._texts(row) if text in held]
        return found

    def _swap(self, leaving: set[int], batch: int, coming: set[int], other: int) -> None:
        for rows, source in ((leaving, batch), (coming, other)):
            for row in rows:
                self._remove(row, source)
        for rows, target in ((leaving, other), (coming, batch)):
            for row in rows:
                self._add(row, target)

    def _open(self) -> None:
        self._rows.append(set())
        self._held.append({})

    def _add(self, row: int, batch: int) -> None:
        self._rows[batch].add(row)
        self._held[batch].update(dict.fromkeys(self._texts(row), row))

    def _remove(self, row: int, batch: int) -> None:
        self._rows[batch].discard(row)
        for text in self._texts(row):
            del self._held[batch][text]
