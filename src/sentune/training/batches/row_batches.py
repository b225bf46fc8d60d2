"""Which rows go into a batch together, in every epoch, data set and process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice, require_whole
from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row
from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers
from sentune.training.batches.neighbours import HardNegatives
from sentune.training.batches.samplers import Sampler, group_by_label, no_duplicates, plain
from sentune.wording import counted

__all__ = ["BATCH_SAMPLERS", "MULTI_DATASET", "RowBatches"]

_PLANS: dict[str, Sampler] = {
    "no_duplicates": no_duplicates,
    "no_duplicates_hashed": no_duplicates,  # the reference's faster variant of the same rule
    "batch_sampler": plain,
    "group_by_label": group_by_label,
}
BATCH_SAMPLERS = tuple(one.value for one in BatchSamplers)
MULTI_DATASET = tuple(one.value for one in MultiDatasetBatchSamplers)
_SORTED_TOGETHER = 50


class RowBatches:
    """A batch sampler for a data loader: another order of the rows in every epoch.

    Batches never mix data sets. With several processes, ``batch_size · processes`` rows are
    planned together, so that the sampler's rule is true for all of them, and each process takes a
    contiguous share. Shares differ by one row at most; the first are the larger. With
    ``group_by_label`` each share is a batch by itself, because two rows of a label are useful
    only in one process. A batch with fewer rows than processes is left out.

    Args:
        rows: of all data sets, each with its ``Row.dataset``.
        batch_size: rows in a batch of one process.
        sampler: a name from ``BATCH_SAMPLERS``.
        seed: of the random order, together with the epoch.
        drop_last: leave out batches that are not full.
        shuffle: another order in every epoch; the order of the rows when False.
        multi_dataset: ``round_robin`` (one batch of each data set after another, until one has
            none left) or ``proportional`` (all batches of all, shuffled).
        vectors: (rows, dim) float32 of unit length, for the sampler ``hard_negatives``.
        lengths: of each row, in tokens or letters; batches then hold rows of similar length. The
            shuffled rows are sorted inside pieces of up to 50 batches, longest first. The longest
            of all is the very first, so that a lack of memory shows at once.
        rows_in: epoch → the numbers of the rows that it uses, see ``TrainingData``; all when None.
        spread: epochs after which ``rows_in`` repeats itself.
        processes: how many processes share each batch.
        rank: the number of this process, from 0.

    Cost: see the samplers; the plan of the first epoch is kept from ``len`` to the first pass.

    Raises:
        ArgumentError: an argument outside its range, or the sampler lacks what it needs. Errors
            that depend on the rows come with the first ``len`` or pass.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        batch_size: int,
        *,
        sampler: str = "no_duplicates",
        seed: int = 0,
        drop_last: bool = False,
        shuffle: bool = True,
        multi_dataset: str = "proportional",
        vectors: NDArray[np.float32] | None = None,
        lengths: Sequence[int] | None = None,
        rows_in: Callable[[int], NDArray[np.int64]] | None = None,
        spread: int = 1,
        processes: int = 1,
        rank: int = 0,
    ) -> None:
        require_choice("batch_sampler", sampler, BATCH_SAMPLERS)
        require_choice("multi_dataset_batch_sampler", multi_dataset, MULTI_DATASET)
        require_whole("batch_size", batch_size)
        require_whole("rank", rank, least=0, most=require_whole("processes", processes) - 1)
        if lengths is not None and len(lengths) != len(rows):
            raise ArgumentError(
                f"{counted(len(lengths), 'length')} for {counted(len(rows), 'row')}",
                expected="one length for each row",
                fix="pass the length of every row",
            )
        self.batch_size = batch_size  # read by accelerate
        self.drop_last, self._shuffle = drop_last, shuffle
        self._rows, self._seed, self._epoch = rows, seed, 0
        self._multi_dataset, self._processes, self._rank = multi_dataset, processes, rank
        self._lengths = None if lengths is None else np.asarray(lengths, np.int64)
        self._each_alone = sampler == "group_by_label"
        self._planned = batch_size if self._each_alone else batch_size * processes
        self._datasets = _datasets(rows)
        self._rows_in, self._spread = rows_in, spread
        self._sampler = _PLANS.get(sampler) or self._hard_negatives(vectors)
        self._length: int | None = None
        self._first: list[list[int]] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches of one process in an epoch: the same in every process and every epoch."""
        if self._length is None:
            self._first = self._batches(0)
            others = (self._batches(epoch) for epoch in range(1, self._spread))
            self._length = max(len(self._first), *map(len, others), 0)
        return self._length

    def left_out(self) -> int:
        """Rows that the first epoch should use and that are in no batch of this process."""
        used = sum(map(len, self._batches(0) if self._first is None else self._first))
        wanted = len(self._rows) if self._rows_in is None else len(self._rows_in(0))
        return wanted - used

    def __iter__(self) -> Iterator[list[int]]:
        count = len(self)
        planned, self._first = self._first, None
        batches = planned if planned and self._epoch == 0 else self._batches(self._epoch)
        # Epochs can differ by a few batches, where small ones are left out or rows are spread. A
        # resumed run needs epochs of one length, so short ones repeat their first batches.
        yield from islice(cycle(batches), count)

    def _hard_negatives(self, vectors: NDArray[np.float32] | None) -> Sampler:
        if vectors is None:
            raise ArgumentError(
                "batch_sampler 'hard_negatives' without vectors",
                expected="one vector for the positive of each row",
                fix="encode the positives with the model",
            )
        return HardNegatives(vectors, self._datasets, self._planned)

    def _batches(self, epoch: int) -> list[list[int]]:
        each = [self._of_dataset(number, epoch) for number in range(len(self._datasets))]
        if len(each) <= 1:
            return each[0] if each else []
        if self._multi_dataset == "round_robin":
            return [batch for one_of_each in zip(*each, strict=False) for batch in one_of_each]
        numbers = np.repeat(np.arange(len(each)), [len(batches) for batches in each])
        self._random(len(each), epoch).shuffle(numbers)
        left = [iter(batches) for batches in each]
        return [next(left[number]) for number in numbers.tolist()]

    def _of_dataset(self, number: int, epoch: int) -> list[list[int]]:
        indices = self._datasets[number]
        if self._rows_in is not None:
            indices = np.intersect1d(indices, self._rows_in(epoch), assume_unique=True)
        if not len(indices):
            return []
        order = indices.copy()
        if self._shuffle:
            order = indices[self._random(number, epoch).permutation(len(indices))]
        if self._lengths is not None:
            order = self._by_length(order, self._lengths)
        batches = self._sampler(self._rows, self._planned, order.tolist())
        if self.drop_last:
            full = self._planned // 2 * 2 if self._each_alone else self._planned  # rows in twos
            batches = [batch for batch in batches if len(batch) >= full]
        if self._processes == 1:
            return batches
        if self._each_alone:
            whole = len(batches) // self._processes * self._processes
            return batches[self._rank : whole : self._processes]
        shared = (batch for batch in batches if len(batch) >= self._processes)
        return [_share(batch, self._processes, self._rank) for batch in shared]

    def _random(self, number: int, epoch: int) -> np.random.Generator:
        # A single data set has the number 0, which is left out.
        return np.random.default_rng((self._seed, epoch, *([number] if number else [])))

    def _by_length(self, order: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        # At least four pieces, or few rows would make the same batches in every epoch.
        together = max(1, min(_SORTED_TOGETHER, len(order) // (4 * self._planned)))
        step = together * self._planned
        longest = int(lengths[order].argmax())
        order[[0, longest]] = order[[longest, 0]]
        pieces = [order[start : start + step] for start in range(0, len(order), step)]
        return np.concatenate(
            [piece[np.argsort(-lengths[piece], kind="stable")] for piece in pieces]
        )


def _share(batch: list[int], processes: int, rank: int) -> list[int]:
    size, larger = divmod(len(batch), processes)
    start = rank * size + min(rank, larger)
    return batch[start : start + size + (rank < larger)]


def _datasets(rows: Sequence[Row]) -> list[NDArray[np.int64]]:
    """The numbers of the rows of each data set; data sets in the order of their first rows."""
    numbers: dict[str, int] = {}
    of_row = np.fromiter(
        (numbers.setdefault(row.dataset, len(numbers)) for row in rows), np.int64, len(rows)
    )
    return [np.flatnonzero(of_row == number) for number in range(len(numbers))]
