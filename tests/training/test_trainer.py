"""The loop: what it changes, what it leaves alone, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sentune import SentenceTransformer
from sentune.data import Pairs
from sentune.errors import ArgumentError, OutputError, TrainingError
from sentune.machine import process
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.collator import Batch
from sentune.training.batches.examples import Row, rows_of
from sentune.training.loader import prompts_of_model
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.own_losses import OwnLoss
from sentune.training.trainer import SentenceTransformerTrainer

COLUMNS = {
    "anchor": ["copy a file", "wait for a thread", "parse a date", "open a socket"],
    "positive": [
        "shutil.copy(src, dst) copies the file src to dst.",
        "Thread.join() blocks until the thread ends.",
        "datetime.strptime parses a string by a format.",
        "socket.socket() creates an endpoint for the network.",
    ],
}


def settings(folder: Path, **changes: object) -> SentenceTransformerTrainingArguments:
    values: dict[str, object] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 2,
        "num_train_epochs": 2,
        "dropout": 0.0,
        "disable_tqdm": True,
        "save_strategy": "no",
        **changes,
    }
    return SentenceTransformerTrainingArguments(**values)  # type: ignore[arg-type]


def train(
    base: Path, folder: Path, compute_dtype: str = "float32", **changes: object
) -> SentenceTransformerTrainer:
    model = SentenceTransformer(base, compute_dtype=compute_dtype)
    trainer = SentenceTransformerTrainer(model, settings(folder, **changes), COLUMNS)
    trainer.train()
    return trainer


def weights(trainer: SentenceTransformerTrainer) -> dict[str, torch.Tensor]:
    return {name: value.detach() for name, value in trainer.model.named_parameters()}


def test_training_lowers_the_loss_and_leaves_the_model_ready(
    base_folder: Path, tmp_path: Path
) -> None:
    trainer = train(base_folder, tmp_path, num_train_epochs=4, learning_rate=1e-4, logging_steps=1)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 8
    assert losses[-1] < losses[0]
    assert not trainer.model.training
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_bits(tiny_folder: Path, tmp_path: Path) -> None:
    first, second = (train(tiny_folder, tmp_path, "bfloat16", dropout=0.1) for _ in range(2))
    for name, value in weights(first).items():
        assert torch.equal(value, weights(second)[name]), name


def test_another_seed_gives_other_weights(tiny_folder: Path, tmp_path: Path) -> None:
    first, second = (train(tiny_folder, tmp_path, seed=seed) for seed in (1, 2))
    assert any(not torch.equal(v, weights(second)[n]) for n, v in weights(first).items())


@pytest.mark.parametrize("bf16", [True, False])
def test_bf16_overrules_the_model_and_weights_stay_float32(
    tiny_folder: Path, tmp_path: Path, bf16: bool
) -> None:
    trainer = train(
        tiny_folder, tmp_path, "float32" if bf16 else "bfloat16", bf16=bf16, max_steps=1
    )
    assert trainer.model.compute.dtype == (torch.bfloat16 if bf16 else torch.float32)
    assert {value.dtype for value in weights(trainer).values()} == {torch.float32}
    moments = next(iter(trainer.optimizer.state.values()))
    assert moments["exp_avg"].dtype == torch.float32
    assert trainer.args.bf16 is bf16


def test_biases_and_norms_are_not_decayed(tiny_folder: Path, tmp_path: Path) -> None:
    trainer = SentenceTransformerTrainer(
        SentenceTransformer(tiny_folder, compute_dtype="float32"),
        settings(tmp_path, weight_decay=0.1),
        COLUMNS,
    )
    decayed = trainer.get_decay_parameter_names(trainer.model)
    assert any("qkv.weight" in name for name in decayed)
    assert not any("bias" in name or "norm" in name for name in decayed)


def test_a_loss_that_is_not_finite_stops_at_its_step(tiny_folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(tiny_folder, compute_dtype="float32")
    trainer = SentenceTransformerTrainer(
        model,
        settings(tmp_path),
        COLUMNS,
        loss=MultipleNegativesRankingLoss(scale=float("inf")),
    )
    with pytest.raises(TrainingError, match="step 1"):
        trainer.train()


def test_an_evaluator_is_asked_during_training(tiny_folder: Path, tmp_path: Path) -> None:
    asked = []

    def evaluator(model: SentenceTransformer) -> dict[str, float]:
        asked.append(model.training)
        return {"ndcg@10": 0.5}

    trainer = SentenceTransformerTrainer(
        SentenceTransformer(tiny_folder, compute_dtype="float32"),
        settings(tmp_path, eval_strategy="epoch"),
        COLUMNS,
        evaluator=evaluator,
    )
    trainer.train()
    assert asked == [False, False]
    assert any("eval_ndcg@10" in entry for entry in trainer.state.log_history)


def test_the_loss_over_held_out_pairs_is_reported(tiny_folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(tiny_folder, compute_dtype="float32")
    trainer = SentenceTransformerTrainer(model, settings(tmp_path), eval_dataset=COLUMNS)
    vectors = [model.encode(texts, convert_to_tensor=True) for texts in COLUMNS.values()]
    expected = MultipleNegativesRankingLoss()([torch.as_tensor(v) for v in vectors]).item()
    trainer.args.per_device_eval_batch_size = 4
    assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, abs=1e-5)


def test_saving_writes_a_model_folder_and_no_pickle(tiny_folder: Path, tmp_path: Path) -> None:
    trainer = train(tiny_folder, tmp_path / "run", max_steps=1)
    trainer.save_model(str(tmp_path / "saved"))
    with pytest.raises(ArgumentError, match=r"trainer\.model\.push_to_hub"):
        trainer.push_to_hub()
    saved = SentenceTransformer(tmp_path / "saved", compute_dtype="float32")
    texts = COLUMNS["anchor"]
    assert abs(saved.encode(texts) - trainer.model.encode(texts)).max() < 1e-6
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


def test_what_was_said_of_the_base_is_not_said_of_the_tuned_model(tmp_path: Path) -> None:
    model = SentenceTransformer(compute_dtype="float32")
    model.extras = {"fusion_weight": 0.3}
    assert "all-MiniLM-L6-v2" in model.model_card
    SentenceTransformerTrainer(model, settings(tmp_path, max_steps=1), COLUMNS).train()
    assert model.extras == {}
    assert "not evaluated" in model.model_card


def test_prompts_are_trained_with(tmp_path: Path) -> None:
    prompts = {"query": "ask: ", "passage": "text: "}
    model = SentenceTransformer(compute_dtype="float32", prompts=prompts)
    columns = prompts_of_model(model, {"": ("anchor", "positive")})
    trainer = SentenceTransformerTrainer(model, settings(tmp_path, prompts=columns), COLUMNS)
    assert trainer.train_data is not None
    batch = trainer.data_collator(trainer.train_data.rows[:2])["batch"]
    anchors, positives = batch.columns(model(batch.pack()).detach())
    assert abs(anchors.numpy() - model.encode_query(COLUMNS["anchor"][:2])).max() < 1e-6
    assert abs(positives.numpy() - model.encode_document(COLUMNS["positive"][:2])).max() < 1e-6


def test_labels_are_no_texts() -> None:
    labelled: dict[str, Any] = {**COLUMNS, "label": [1, 1, 1, 1]}
    assert [row.texts for row in rows_of(labelled)] == [row.texts for row in rows_of(COLUMNS)]
    assert [row.label for row in rows_of(labelled)] == [1.0] * 4
    numbers: dict[str, Any] = {"anchor": ["a"], "positive": [1]}
    with pytest.raises(ArgumentError, match="other than texts"):
        rows_of(numbers)


def test_evaluating_with_nothing_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    trainer = SentenceTransformerTrainer(
        SentenceTransformer(tiny_folder, compute_dtype="float32"), settings(tmp_path), COLUMNS
    )
    with pytest.raises(ArgumentError, match="evaluator"):
        trainer.evaluate()


def test_rows_come_from_pairs_columns_and_datasets() -> None:
    datasets = pytest.importorskip("datasets")
    pairs = Pairs({"q": "a"}, {"p": "b"}, {"q": ("p",)}, {"q": ("n",)})
    assert rows_of(pairs) == [Row(("a", "b", "n"))]
    assert rows_of(COLUMNS) == rows_of(datasets.Dataset.from_dict(COLUMNS))


@pytest.mark.parametrize("columns", [{"anchor": ["a"]}, {"anchor": ["a"], "positive": ["b", "c"]}])
def test_columns_that_do_not_fit_are_refused(columns: dict[str, list[str]]) -> None:
    with pytest.raises(ArgumentError, match="anchor"):
        rows_of(columns)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_sampler", "sorted"),
        ("fp16", True),
        ("save_only_model", True),
        ("dropout", 1.0),
        ("multi_dataset_batch_sampler", "sorted"),
    ],
)
def test_settings_that_are_not_supported_are_named(
    tmp_path: Path, name: str, value: object
) -> None:
    with pytest.raises(ArgumentError, match=name):
        settings(tmp_path, **{name: value})


def test_training_without_data_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    trainer = SentenceTransformerTrainer(
        SentenceTransformer(tiny_folder, compute_dtype="float32"), settings(tmp_path)
    )
    with pytest.raises(ArgumentError, match="train_dataset"):
        trainer.train()


def test_an_output_folder_that_cannot_be_made_is_named(
    tmp_path: Path, tiny: SentenceTransformer
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/below cannot be written"):
        SentenceTransformerTrainer(tiny, settings(tmp_path / "file" / "below"), COLUMNS)


def test_training_leaves_the_memory_settings_of_the_process(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are for good, so only the command line changes them."""
    monkeypatch.setattr(process, "_kept", [0])
    model = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    SentenceTransformerTrainer(model, settings(tmp_path), COLUMNS).train()
    assert process._kept == [0]


def test_a_loss_of_ones_own_that_hides_the_model_is_refused_in_several_processes() -> None:
    class Hides(torch.nn.Module):
        def forward(self, features: Any, labels: Any) -> torch.Tensor:
            return torch.zeros(())

    class Wrapped:
        module = torch.nn.Linear(1, 1)  # what DistributedDataParallel holds the model as

    class Encode:
        model = Wrapped()

    batch = Batch(("a", "b"), ((1, 2), (3, 4)), 1)
    encode: Any = Encode()
    with pytest.raises(ArgumentError, match=r"Hides in several processes.*self\.model = model"):
        OwnLoss(Hides()).compute(encode, batch)
