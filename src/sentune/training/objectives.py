"""The objectives of ``fit``: data with its loss, and their batches in rotation."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader, SequentialSampler

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Dataset
from sentune.training.batches.row_batches import RowBatches
from sentune.training.choosing import LossOf
from sentune.training.example_loaders import NoDuplicatesDataLoader, SentenceLabelDataset
from sentune.wording import named_kind

__all__ = ["Objective", "RoundRobinBatchSampler"]

logger = logging.getLogger(__name__)

_BATCH_SIZE = 8  # for data that comes without a loader


@dataclass(frozen=True, slots=True)
class Objective:
    """Data and its loss, and how its loader makes batches."""

    data: Dataset
    loss: LossOf
    batch_size: int = _BATCH_SIZE
    shuffle: bool = True
    drop_last: bool = False
    sampler: str = "batch_sampler"

    @classmethod
    def of(cls, data: Any, loss: LossOf) -> Objective:
        """The objective of one pair passed to ``fit``. Raises ArgumentError, see there."""
        if isinstance(data, NoDuplicatesDataLoader):
            columns = _columns(data.train_examples)
            return cls(columns, loss, data.batch_size, sampler="no_duplicates")
        if not isinstance(data, DataLoader):
            return cls(data, loss)
        if isinstance(data.dataset, SentenceLabelDataset):
            columns = _columns(data.dataset.examples)
            return cls(columns, loss, data.batch_size or _BATCH_SIZE, sampler="group_by_label")
        size = data.batch_size
        if size is None:
            size = getattr(data.batch_sampler, "batch_size", None) or _BATCH_SIZE
            logger.warning("the batch_sampler of a DataLoader is not used: rows are shuffled")
        shuffle = not isinstance(data.sampler, SequentialSampler)
        return cls(_columns(data.dataset), loss, size, shuffle, data.drop_last)


def _columns(dataset: Any) -> dict[str, list[Any]]:
    """Examples → sentence_0, sentence_1, …, label."""
    # list() of a torch Dataset with only __getitem__ and __len__ would not end.
    count = len(dataset) if hasattr(dataset, "__len__") else None
    examples = list(dataset) if count is None else [dataset[index] for index in range(count)]
    lacking = next((e for e in examples if not hasattr(e, "texts")), None)
    widths = {len(example.texts or ()) for example in examples} if lacking is None else set()
    if len(widths) != 1:
        given = f"{named_kind(lacking)}" if lacking is not None else "no example"
        raise ArgumentError(
            f"examples of {sorted(widths)} texts" if len(widths) > 1 else given,
            expected="objects with an equal number of .texts, for example InputExample",
            fix="pass a list of InputExample to the DataLoader",
        )
    columns: dict[str, list[Any]] = {
        f"sentence_{column}": [example.texts[column] for example in examples]
        for column in range(widths.pop())
    }
    return {**columns, "label": [getattr(example, "label", 0.0) for example in examples]}


class RoundRobinBatchSampler:
    """One batch of each part after another, until the shortest has none left."""

    drop_last = False

    def __init__(self, parts: Sequence[RowBatches], counts: Sequence[int]) -> None:
        self._parts = parts
        self._rows = sum(counts)
        self._starts = [sum(counts[:part]) for part in range(len(counts))]
        self.batch_size = parts[0].batch_size  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass."""
        for part in self._parts:
            part.set_epoch(epoch)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return min(map(len, self._parts)) * len(self._parts)

    def left_out(self) -> int:
        """Rows that are in no batch of the first epoch, of this process."""
        return self._rows - sum(map(len, self))

    def __iter__(self) -> Iterator[list[int]]:
        for one_of_each in zip(*self._parts, strict=False):
            for start, batch in zip(self._starts, one_of_each, strict=True):
                yield [start + row for row in batch]
