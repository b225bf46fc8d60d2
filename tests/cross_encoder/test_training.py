"""Training: a step as the reference's, runs that continue, data and settings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from sentune import InputExample
from sentune.cross_encoder import (
    CrossEncoder,
    CrossEncoderModelCardData,
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
    losses,
)
from sentune.errors import ArgumentError, SentuneError, TrainingError

MakePairFolder = Callable[..., Path]
Reference = Callable[..., Any]
DATA: dict[str, Any] = {
    "query": ["copy a file", "wait for a thread", "read a list", "the word"] * 4,
    "passage": ["a file is copied", "tax law", "a list of words", "wait"] * 4,
    "label": [1.0, 0.0, 1.0, 0.0] * 4,
}
LISTS: dict[str, Any] = {
    "query": ["copy a file", "wait for a thread"] * 4,
    "docs": [["the file", "a", "copy"], ["the thread", "wait"]] * 4,
    "labels": [[1, 0, 2], [0, 1]] * 4,
}


def settings(folder: Path, **others: Any) -> CrossEncoderTrainingArguments:
    usual: dict[str, Any] = {
        "per_device_train_batch_size": 4,
        "num_train_epochs": 1,
        "learning_rate": 1e-3,
        "disable_tqdm": True,
        "use_cpu": True,
        "save_strategy": "no",
        "seed": 3,
    }
    return CrossEncoderTrainingArguments(str(folder), **{**usual, **others})


def load(folder: Path | str, **options: Any) -> CrossEncoder:
    return CrossEncoder(folder, device="cpu", **{"compute_dtype": "float32", **options})


def weights_of(model: CrossEncoder) -> dict[str, Any]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def test_steps_are_the_references(
    make_pair_folder: MakePairFolder, reference_of: Reference, tmp_path: Path
) -> None:
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folder = make_pair_folder("segmented", **still)
    ours, theirs = load(folder), reference_of(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from datasets import Dataset
        from sentence_transformers.cross_encoder import trainer as reference
        from sentence_transformers.cross_encoder import training_args

        options = {
            "per_device_train_batch_size": 16,
            "num_train_epochs": 2,
            "learning_rate": 1e-3,
            "disable_tqdm": True,
            "use_cpu": True,
            "report_to": "none",
            "save_strategy": "no",
        }
        args = training_args.CrossEncoderTrainingArguments(str(tmp_path / "theirs"), **options)
        reference.CrossEncoderTrainer(theirs, args, Dataset.from_dict(DATA)).train()
    CrossEncoderTrainer(ours, settings(tmp_path / "ours", **options), DATA).train()
    pairs = list(zip(DATA["query"], DATA["passage"], strict=True))[:4]
    before = load(folder).predict(pairs)
    theirs.eval()
    expected = theirs.predict(pairs)
    assert np.abs(before - expected).max() > 1e-3
    np.testing.assert_allclose(ours.predict(pairs), expected, atol=2e-5)


def test_training_learns_and_the_card_says_so(
    make_pair_folder: MakePairFolder, tmp_path: Path
) -> None:
    card = CrossEncoderModelCardData(language="en", license="apache-2.0", model_name="Files|`x`")
    model = load(make_pair_folder("distilbert"), model_card_data=card)
    trainer = CrossEncoderTrainer(model, settings(tmp_path / "run", num_train_epochs=15), DATA)
    trainer.train()
    scores = model.predict(list(zip(DATA["query"], DATA["passage"], strict=True)))
    assert ((scores > 0.5) == np.array(DATA["label"], bool)).all()
    model.save_pretrained(tmp_path / "model")
    text = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "loss:BinaryCrossEntropyLoss" in text
    assert "dataset_size:16" in text
    assert "for 60 steps" in text
    assert 'license: "apache-2.0"' in text
    assert load(tmp_path / "model").model_card == text


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        (losses.LambdaLoss, LISTS),
        (losses.CachedMultipleNegativesRankingLoss, {k: DATA[k] for k in ("query", "passage")}),
        (lambda model: losses.MSELoss(model, nn.Sigmoid()), DATA),
        (None, DATA),
    ],
)
def test_losses_in_the_loop(
    loss: Any, data: Any, make_pair_folder: MakePairFolder, tmp_path: Path
) -> None:
    model = load(make_pair_folder("segmented"))
    before = weights_of(model)
    trainer = CrossEncoderTrainer(model, settings(tmp_path), data, data, loss=loss)
    trainer.train()
    assert trainer.evaluate()["eval_loss"] > 0
    after = weights_of(model)
    for name in ("head.dense.weight", "head.out.bias", "encoder.embeddings.token_type.weight"):
        assert not torch.equal(before[name], after[name]), name
    assert not model.training


def test_a_resumed_run_has_the_same_weights(
    make_pair_folder: MakePairFolder, tmp_path: Path
) -> None:
    folder = make_pair_folder("segmented")

    class StoppedError(Exception):
        pass

    def run(name: str, stop: bool, resume: bool) -> dict[str, Any]:
        model = load(folder)
        every = {"save_strategy": "steps", "save_steps": 3, "num_train_epochs": 2}
        trainer = CrossEncoderTrainer(model, settings(tmp_path / name, **every), DATA)
        if stop:
            step = trainer.training_step

            def stopping(*args: Any, **options: Any) -> Any:
                if trainer.state.global_step == 5:
                    raise StoppedError
                return step(*args, **options)

            trainer.training_step = stopping
            with pytest.raises(StoppedError):
                trainer.train()
        else:
            trainer.train(resume_from_checkpoint=resume)
        return weights_of(model)

    whole = run("whole", stop=False, resume=False)
    run("stopped", stop=True, resume=False)
    resumed = run("stopped", stop=False, resume=True)
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), name
    scores = load(tmp_path / "stopped" / "checkpoint-8").predict([("copy a file", "a file")])
    assert scores.shape == (1,)
    with pytest.raises(TrainingError, match="another run"):
        CrossEncoderTrainer(
            load(folder),
            settings(tmp_path / "stopped", save_strategy="steps", save_steps=3, learning_rate=2e-3),
            DATA,
        ).train(resume_from_checkpoint=True)


def test_fit_as_in_old_scripts(make_pair_folder: MakePairFolder, tmp_path: Path) -> None:
    examples = [
        InputExample(texts=[query, passage], label=label)
        for query, passage, label in zip(*DATA.values(), strict=True)
    ]
    loader: Any = DataLoader(examples, shuffle=True, batch_size=4)  # type: ignore[arg-type]
    seen = []

    def evaluator(model: Any, output_path: Any = None, epoch: int = -1, steps: int = -1) -> float:
        assert not model.training
        seen.append((output_path, epoch, steps))
        return float(model.predict([("copy a file", "a file is copied")])[0])

    for loss in (None, nn.MSELoss()):
        model = load(make_pair_folder("segmented"))
        before = model.predict([("copy a file", "a file is copied")])
        model.fit(
            train_dataloader=loader,
            evaluator=evaluator,
            epochs=2,
            loss_fct=loss,
            warmup_steps=1,
            output_path=str(tmp_path / f"out{loss is None}"),
            optimizer_params={"lr": 1e-3},
            show_progress_bar=False,
        )
        assert not np.array_equal(model.predict([("copy a file", "a file is copied")]), before)
        assert load(tmp_path / f"out{loss is None}").num_labels == 1
    assert len(seen) == 4
    three = load(make_pair_folder("segmented", num_labels=3))
    three.fit(loader, epochs=1, warmup_steps=0, show_progress_bar=False)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"train_dataset": {"query": ["a"]}}, "columns query of"),
        ({"train_dataset": {"query": ["a"], "passage": ["b", "c"]}}, r"columns query, passage"),
        (
            {"train_dataset": {"query": ["a"], "passage": [3]}},
            "an int in row 0 of the column",
        ),
        (
            {"train_dataset": {"q": ["a"], "p": ["b"], "label": ["yes"]}},
            "'yes' as the label",
        ),
        (
            {"loss": nn.MSELoss()},
            r"a MSELoss of torch.*cross_encoder\.losses, or a module whose forward takes \(inputs,",
        ),
        ({"loss": {"other": losses.MSELoss()}}, "no loss|losses by name"),
    ],
)
def test_refusals(change: Any, part: str, make_pair_folder: MakePairFolder, tmp_path: Path) -> None:
    model = load(make_pair_folder("segmented"))
    options = {"train_dataset": DATA, **change}
    with pytest.raises(ArgumentError, match=part):
        CrossEncoderTrainer(model, settings(tmp_path), **options)


def test_refused_models_and_samplers(cross_encoder: CrossEncoder, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="CrossEncoder that computes"):
        CrossEncoderTrainer(None, settings(tmp_path), DATA)
    with pytest.raises(ArgumentError, match="hard_negatives"):
        CrossEncoderTrainer(cross_encoder, settings(tmp_path, batch_sampler="hard_negatives"), DATA)
    with pytest.raises(SentuneError, match="prompts="):
        CrossEncoderTrainer(cross_encoder, settings(tmp_path, prompts={"no": "a"}), DATA)


def test_prompts_are_put_before_the_query(make_pair_folder: MakePairFolder, tmp_path: Path) -> None:
    found = []
    for data, prompts in (
        (DATA, {"query": "find "}),
        ({**DATA, "query": [f"find {query}" for query in DATA["query"]]}, None),
    ):
        model = load(make_pair_folder("segmented"))
        CrossEncoderTrainer(model, settings(tmp_path, prompts=prompts), data).train()
        found.append(weights_of(model)["head.dense.weight"])
    assert torch.equal(*found)
    assert json.dumps(settings(tmp_path).prompts) == "null"


class Own(nn.Module):
    """As people write it for the reference."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.loss = model, nn.BCEWithLogitsLoss()

    def forward(self, inputs: list[list[str]], labels: Any, **options: Any) -> Any:
        del options
        pairs = list(zip(inputs[0], inputs[1], strict=True))
        found = self.model(self.model.preprocess(pairs))
        return self.loss(found["scores"].view(-1), labels.float())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_loss_of_ones_own_trains_as_in_the_reference(
    make_pair_folder: MakePairFolder, tmp_path: Path
) -> None:
    from datasets import Dataset
    from sentence_transformers import CrossEncoder as Reference
    from sentence_transformers.cross_encoder import CrossEncoderTrainer as Trainer
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments as Arguments

    folder = make_pair_folder(
        "segmented", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    data = {name: column[:4] for name, column in DATA.items()}
    usual: dict[str, Any] = {"max_steps": 4, "report_to": "none", "logging_strategy": "no"}
    ours, theirs = load(folder), Reference(str(folder), device="cpu")
    args = settings(tmp_path / "ours", num_train_epochs=4, **usual)
    CrossEncoderTrainer(ours, args, data, loss=Own(ours)).train()
    same = {"per_device_train_batch_size": 4, "learning_rate": 1e-3, "disable_tqdm": True}
    reference = Arguments(
        str(tmp_path / "theirs"), use_cpu=True, save_strategy="no", **same, **usual
    )
    dataset = Dataset.from_dict(data)
    Trainer(model=theirs, args=reference, train_dataset=dataset, loss=Own(theirs)).train()
    pairs = list(zip(data["query"], data["passage"], strict=True))
    np.testing.assert_allclose(ours.predict(pairs), theirs.predict(pairs), atol=2e-4)
    assert "Own" in ours.model_card


@pytest.mark.parametrize(
    ("labels", "whole"),
    [([0, 1, 2, 1], True), ([0.0, 1.0, 2.0, 1.0], False), ([[0, 1], [1, 2]] * 2, True)],
)
def test_a_loss_of_ones_own_gets_whole_labels_as_such(
    labels: Any, whole: bool, make_pair_folder: MakePairFolder, tmp_path: Path
) -> None:
    model, given = load(make_pair_folder("segmented")), []

    class Keeping(Own):
        def forward(self, inputs: list[list[str]], labels: Any, **options: Any) -> Any:
            given.append(labels)
            return super().forward(inputs, torch.ones(4), **options)

    data = {**{name: DATA[name][:4] for name in ("query", "passage")}, "label": labels}
    CrossEncoderTrainer(model, settings(tmp_path), data, loss=Keeping(model)).train()
    several = isinstance(labels[0], list)
    kinds = {each.dtype for each in (given[0] if several else given)}
    assert kinds == {torch.int64 if whole else torch.float32}
    assert isinstance(given[0], list) == several


def test_features_give_the_scores_that_predict_starts_from(
    make_pair_folder: MakePairFolder,
) -> None:
    model = load(make_pair_folder("segmented"))
    pairs = [("copy a file", "a file is copied"), ("the word", "wait for a thread and a file")]
    expected = model.predict(pairs, activation_fn=nn.Identity(), convert_to_tensor=True)
    features = model.preprocess(pairs)
    found = model(features)
    torch.testing.assert_close(found["scores"][:, 0], expected)
    torch.testing.assert_close(model(**features)[0], found.logits)
    with pytest.raises(ArgumentError, match="preprocess"):
        model({"input_ids": features["input_ids"], "attention_mask": torch.ones(1, 2)})
