"""The objectives of ``fit``: data with its loss, and their batches in rotation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader, SequentialSampler

from sentune.errors import ArgumentError
from sentune.training.batches.examples import Dataset
from sentune.training.batches.row_batches import RowBatches
from sentune.training.losses import EmbeddingLoss

__all__ = ["Objective", "RoundRobinBatchSampler"]

_BATCH_SIZE = 8  # for data that comes without a loader


@dataclass(frozen=True, slots=True)
class Objective:
    """Data and its loss, and how its loader makes batches."""

    data: Dataset
    loss: EmbeddingLoss
    batch_size: int = _BATCH_SIZE
    shuffle: bool = True
    drop_last: bool = False

    @classmethod
    def of(cls, data: DataLoader[Any] | Dataset, loss: EmbeddingLoss) -> Objective:
        """The objective of one pair passed to ``fit``. Raises ArgumentError, see there."""
        if not isinstance(loss, EmbeddingLoss):
            raise ArgumentError(
                f"a {type(loss).__name__} as the loss of an objective",
                expected="a loss of sentune.losses",
                fix="import the loss of the same name from sentune.losses",
            )
        if not isinstance(data, DataLoader):
            return cls(data, loss)
        if data.batch_size is None:
            raise ArgumentError(
                "a DataLoader with a batch_sampler",
                expected="a DataLoader with a batch_size",
                fix="use SentenceTransformerTrainer, which has batch samplers",
            )
        shuffle = not isinstance(data.sampler, SequentialSampler)
        return cls(_columns(data.dataset), loss, data.batch_size, shuffle, data.drop_last)


def _columns(dataset: Any) -> dict[str, list[Any]]:
    """Examples → sentence_0, sentence_1, …, label."""
    # list() of a torch Dataset with only __getitem__ and __len__ would not end.
    count = len(dataset) if hasattr(dataset, "__len__") else None
    examples = list(dataset) if count is None else [dataset[index] for index in range(count)]
    lacking = next((e for e in examples if not hasattr(e, "texts")), None)
    widths = {len(example.texts) for example in examples} if lacking is None else set()
    if len(widths) != 1:
        given = f"a {type(lacking).__name__}" if lacking is not None else "no example"
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
        self._starts = [sum(counts[:part]) for part in range(len(counts))]
        self.batch_size = parts[0].batch_size  # read by accelerate

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass."""
        for part in self._parts:
            part.set_epoch(epoch)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return min(map(len, self._parts)) * len(self._parts)

    def __iter__(self) -> Iterator[list[int]]:
        for one_of_each in zip(*self._parts, strict=False):
            for start, batch in zip(self._starts, one_of_each, strict=True):
                yield [start + row for row in batch]
