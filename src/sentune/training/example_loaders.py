"""The data sets and the loader that scripts for ``fit`` make of their examples."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset

from sentune.checks import require_whole
from sentune.data.input_example import InputExample
from sentune.errors import ArgumentError
from sentune.wording import counted

__all__ = ["NoDuplicatesDataLoader", "SentenceLabelDataset", "SentencesDataset"]


class SentencesDataset(Dataset[InputExample]):
    """The examples as they are; a list does as well.

    Args:
        examples: in their order.
        model: not used, as in the reference.
    """

    def __init__(self, examples: Sequence[InputExample], model: object = None) -> None:
        del model
        self.examples = examples

    def __getitem__(self, item: int) -> InputExample:
        return self.examples[item]

    def __len__(self) -> int:
        return len(self.examples)


class NoDuplicatesDataLoader:
    """Batches of examples in which no text occurs twice, but for case and spaces around it.

    ``fit`` takes its examples and its batch size, and plans the batches itself, see
    :func:`sentune.training.batches.samplers.no_duplicates`.

    Args:
        train_examples: shuffled in place.
        batch_size: of every batch; examples over are left out.

    Raises:
        ArgumentError: from a pass, where the examples have too few different texts for a batch.
    """

    def __init__(self, train_examples: list[InputExample], batch_size: int) -> None:
        self.train_examples = train_examples
        self.batch_size = require_whole("batch_size", batch_size)
        self.collate_fn: Callable[[list[InputExample]], Any] | None = None
        random.shuffle(self.train_examples)

    def __len__(self) -> int:
        """Batches of a pass."""
        return len(self.train_examples) // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        """Batches, as lists or as ``collate_fn`` makes of them; passed examples come later."""
        waiting = list(self.train_examples)
        for _ in range(len(self)):
            batch, passed = self._batch(waiting)
            if len(batch) < self.batch_size:
                more, _ = self._batch(random.sample(self.train_examples, len(self.train_examples)))
                batch, passed = more, waiting
            if len(batch) < self.batch_size:
                raise ArgumentError(
                    f"{counted(len(batch), 'example')} without a common text",
                    expected=f"at least {self.batch_size} for a batch",
                    fix="lower the batch size",
                )
            waiting = passed
            yield batch if self.collate_fn is None else self.collate_fn(batch)
        random.shuffle(self.train_examples)

    def _batch(
        self, examples: Sequence[InputExample]
    ) -> tuple[list[InputExample], list[InputExample]]:
        """The first examples without a common text, and the others."""
        batch: list[InputExample] = []
        passed: list[InputExample] = []
        held: set[str] = set()
        for example in examples:
            texts = {str(text).strip().lower() for text in example.texts or ()}
            if len(batch) < self.batch_size and held.isdisjoint(texts):
                batch.append(example)
                held |= texts
            else:
                passed.append(example)
        return batch, passed


class SentenceLabelDataset(IterableDataset[InputExample]):
    """Examples with ``samples_per_label`` of one label after each other, the labels in turn.

    ``fit`` takes the examples and plans the batches itself, see
    :func:`sentune.training.batches.samplers.group_by_label`.

    Args:
        examples: with ``label``; those of labels that occur less often are left out.
        samples_per_label: how many of one label come together.
        with_replacement: an example may come again in the same turn of the labels.
    """

    def __init__(
        self,
        examples: Sequence[InputExample],
        samples_per_label: int = 2,
        with_replacement: bool = False,
    ) -> None:
        self.samples_per_label = require_whole("samples_per_label", samples_per_label)
        self.with_replacement = with_replacement
        groups: dict[Any, list[InputExample]] = {}
        for example in examples:
            groups.setdefault(example.label, []).append(example)
        self._groups = [one for one in groups.values() if len(one) >= samples_per_label]
        self.examples = [example for group in self._groups for example in group]

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[InputExample]:
        """As many examples as there are; the labels in a new random order in each turn."""
        given = 0
        left: list[list[InputExample]] = [[] for _ in self._groups]
        while given < len(self.examples):
            for number in np.random.permutation(len(self._groups)).tolist():
                group = self._groups[number]
                if self.with_replacement or len(left[number]) < self.samples_per_label:
                    left[number] = random.sample(group, len(group))
                for _ in range(self.samples_per_label):
                    yield left[number].pop()
                given += self.samples_per_label
                if given >= len(self.examples):
                    return
