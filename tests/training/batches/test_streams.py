"""Training on data sets without a length, and what a trainer shows of its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from sentune import (
    CrossEncoder,
    CrossEncoderTrainer,
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentune.errors import ArgumentError

ROWS = [{"anchor": f"question {i}", "positive": f"passage number {i}"} for i in range(10)]


def stream(rows: list[dict[str, Any]] = ROWS) -> Any:
    def generate() -> Iterator[dict[str, Any]]:
        yield from rows

    return datasets.IterableDataset.from_generator(generate)


def endless() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        yield {"anchor": f"question {number}", "positive": f"passage number {number}"}
        number += 1


def settings(out: Path, **changes: Any) -> SentenceTransformerTrainingArguments:
    values = {"max_steps": 3, "per_device_train_batch_size": 2, "dropout": 0.0, **changes}
    return SentenceTransformerTrainingArguments(
        str(out), save_strategy="no", disable_tqdm=True, **values
    )


def batches(trainer: Any) -> list[list[str]]:
    return [[*one["batch"].texts[:2]] for one in trainer.get_train_dataloader()]


@pytest.mark.parametrize("make", [stream, endless], ids=["finite", "endless"])
def test_a_stream_is_trained_in_its_order(
    make: Callable[[], Any], tiny_folder: Path, tmp_path: Path
) -> None:
    weights = []
    for data, order in ((make(), {}), (ROWS[:6], {"train_sampling_strategy": "sequential"})):
        model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
        given = data if not isinstance(data, list) else datasets.Dataset.from_list(data)
        trainer = SentenceTransformerTrainer(model, settings(tmp_path, **order), given)
        assert batches(trainer) == [
            [f"question {2 * i}", f"question {2 * i + 1}"] for i in (0, 1, 2)
        ]
        trainer.train()
        assert trainer.state.global_step == 3
        weights.append(model.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_every_step_has_rows_of_its_own(tiny: SentenceTransformer, tmp_path: Path) -> None:
    args = settings(tmp_path, gradient_accumulation_steps=2)
    trainer = SentenceTransformerTrainer(tiny, args, endless())
    assert len({text for batch in batches(trainer) for text in batch}) == 12


@pytest.mark.parametrize(
    ("given", "changes", "said"),
    [
        (stream(), {"max_steps": -1}, "an IterableDataset without max_steps"),
        (stream([]), {}, "an IterableDataset whose rows are not alike, or that has none"),
        (iter([("a", "b")] * 9), {}, "a list_iterator whose"),
        (iter([{"a": "x", "b": "y"}, {"a": "x"}]), {}, "whose rows are not alike"),
    ],
)
def test_streams_that_cannot_be_trained_on(
    given: Any, changes: dict[str, Any], said: str, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=said):
        SentenceTransformerTrainer(tiny, settings(tmp_path, **changes), given)


def test_a_cross_encoder_takes_a_stream(tiny_folder: Path, tmp_path: Path) -> None:
    rows = [{"query": f"q {i}", "passage": f"p {i}", "label": float(i % 2)} for i in range(6)]
    model = CrossEncoder(tiny_folder, num_labels=1, device="cpu")
    trainer = CrossEncoderTrainer(model, settings(tmp_path), stream(rows))
    trainer.train()
    assert trainer.state.global_step == 3
    with pytest.raises(ArgumentError, match="an IterableDataset as data to train on"):
        CrossEncoderTrainer(model, settings(tmp_path), eval_dataset=stream(rows))


@pytest.mark.parametrize("data", [ROWS, tuple(ROWS), "rows.jsonl"], ids=["list", "tuple", "str"])
def test_what_has_no_columns_is_refused(
    data: Any, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=r"as data to train on.*from_list"):
        SentenceTransformerTrainer(tiny, settings(tmp_path), data)


def test_data_sets_stay_as_they_were_given(tiny: SentenceTransformer, tmp_path: Path) -> None:
    data = datasets.Dataset.from_list(ROWS)
    trainer = SentenceTransformerTrainer(tiny, settings(tmp_path), data, {"dev": data})
    assert trainer.train_dataset is data
    assert trainer.train_dataset.column_names == ["anchor", "positive"]
    assert trainer.eval_dataset["dev"][0] == ROWS[0]
    assert trainer.eval_dataset.column_names == {"dev": ["anchor", "positive"]}
    assert SentenceTransformerTrainer(tiny, settings(tmp_path), data).eval_dataset is None
