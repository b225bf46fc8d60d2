"""Rows → batches, with their prompts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.collator import Collator
from sentune.training.batches.examples import Row, TrainingData
from sentune.training.batches.row_batches import RowBatches
from sentune.wording import counted

__all__ = ["batch_loader", "column_prompts", "prompts_of_model", "train_loader"]

logger = logging.getLogger(__name__)


class _Loader(DataLoader[Any]):
    """A loader whose sampler the trainer can set to an epoch."""

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


def train_loader(
    data: TrainingData,
    batch_size: int,
    collator: Collator,
    args: SentenceTransformerTrainingArguments,
    vectors: NDArray[np.float32] | None = None,
) -> DataLoader[Any]:
    """This process's share of the batches that the settings ask for."""
    by_length = str(getattr(args.train_sampling_strategy, "value", args.train_sampling_strategy))
    lengths = None
    if by_length == "group_by_length":
        lengths = [sum(map(len, row.texts)) for row in data.rows]  # characters are cheap to count
    batches = RowBatches(
        data.rows,
        batch_size,
        sampler=args.batch_sampler,
        seed=args.seed if args.data_seed is None else args.data_seed,
        drop_last=args.dataloader_drop_last,
        shuffle=by_length != "sequential",
        multi_dataset=args.multi_dataset_batch_sampler,
        lengths=lengths,
        vectors=vectors,
        rows_in=data.rows_in if data.extra else None,
        spread=data.spread,
        processes=args.world_size,
        rank=args.process_index,
    )
    if not len(batches):
        raise ArgumentError(
            f"{counted(len(data.rows), 'row')} cannot fill a batch of {batch_size}",
            expected="a full batch with dataloader_drop_last, and a row for each process",
            fix="leave out dataloader_drop_last, or lower the batch size",
        )
    _tell_left_out(batches, len(data.rows) - data.extra, args)
    return batch_loader(data.rows, batches, collator, args)


def _tell_left_out(
    batches: RowBatches, rows: int, args: SentenceTransformerTrainingArguments
) -> None:
    left_out = batches.left_out() if args.world_size == 1 else 0
    if left_out > 0:
        chosen = ("batch_sampler", "multi_dataset_batch_sampler", "dataloader_drop_last")
        logger.warning(
            "%s of %s are in no batch of an epoch, with %s",
            counted(left_out, "row"),
            f"{rows:,}",
            ", ".join(f"{name}={getattr(args, name)}" for name in chosen),
        )


def batch_loader(
    rows: Sequence[Row],
    batches: Any,
    collator: Collator,
    args: SentenceTransformerTrainingArguments,
) -> DataLoader[Any]:
    """A loader of the batches of a sampler with ``set_epoch``."""
    workers = args.dataloader_num_workers
    return _Loader(
        rows,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=collator,
        num_workers=workers,
        prefetch_factor=args.dataloader_prefetch_factor if workers else None,
        persistent_workers=args.dataloader_persistent_workers and workers > 0,
    )


def column_prompts(
    prompts: Any, model: SentenceTransformer, columns: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Data set → the prompt of each of its columns.

    Args:
        prompts: the setting: None for no prompts, a text for all columns, a mapping from column to
            text, or a mapping from data set to one of these.
        model: the one that is trained; it may leave prompts out of its pooling.
        columns: data set → its columns.

    Raises:
        ArgumentError: a name that is no column and no data set, or prompts for a model that
            leaves prompts out of its pooling.
    """
    per_set = isinstance(prompts, Mapping) and set(prompts) <= set(columns) and prompts
    found = {
        name: _of_columns(prompts.get(name) if per_set else prompts, names)
        for name, names in columns.items()
    }
    if not model.pooling.include_prompt and any(any(texts) for texts in found.values()):
        raise ArgumentError(
            "prompts for a model that leaves prompts out of its pooling",
            expected="a model that pools over its prompts, or no prompts",
            fix="leave out prompts, or choose another base model",
        )
    return found


def prompts_of_model(
    model: SentenceTransformer, columns: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, str]] | None:
    """The setting with which a model is trained as it is searched with; None without prompts.

    The first column has questions, the others passages.
    """
    if not model.query_prompt and not model.document_prompt:
        return None
    return {
        name: {first: model.query_prompt, **dict.fromkeys(others, model.document_prompt)}
        for name, (first, *others) in columns.items()
    }


def _of_columns(prompts: Any, columns: Sequence[str]) -> tuple[str, ...]:
    if prompts is None:
        return ("",) * len(columns)
    if isinstance(prompts, str):
        return (prompts,) * len(columns)
    if isinstance(prompts, Mapping) and set(prompts) <= set(columns):
        return tuple(str(prompts.get(column, "")) for column in columns)
    raise ArgumentError(
        f"prompts={prompts!r}",
        expected=f"a text, or texts for some of the columns {', '.join(columns)}",
        fix="correct prompts",
    )
