"""SentenceEvaluator, SequentialEvaluator, LabelAccuracyEvaluator and NanoBEIREvaluator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sentune import InputExample
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError, OutputError
from sentune.evaluation import (
    EmbeddingSimilarityEvaluator,
    LabelAccuracyEvaluator,
    NanoBEIREvaluator,
    SentenceEvaluator,
    SequentialEvaluator,
    TripletEvaluator,
)
from sentune.training.losses import SoftmaxLoss

Any_ = Callable[..., Any]
A, B, C = ([f"{side}{number}" for number in range(12)] for side in "abc")
SCORES = np.linspace(0, 1, 12).tolist()


def made(base: Any, value: Any, primary: str | None = None) -> Any:
    """An evaluator as people write one, from the base class of either library."""

    class Own(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            if primary is not None:
                self.primary_metric = primary

        def __call__(
            self, model: Any, output_path: Any = None, epoch: int = -1, steps: int = -1
        ) -> Any:
            return value

    return Own()


@pytest.mark.parametrize("score", [None, sum])
def test_a_sequence_equals_the_reference(
    reference: Any, make_table: Any_, compare: Any_, score: Any
) -> None:
    options = {} if score is None else {"main_score_function": score}

    def sequence(library: Any, base: Any) -> Any:
        return library.SequentialEvaluator(
            [
                made(base, 0.5),
                library.TripletEvaluator(A, B, C, name="dev"),
                made(base, {"x": 1.0, "y": 2.0}),
                made(base, {"x": 1.0, "y": 2.0}, "y"),
                library.EmbeddingSimilarityEvaluator(A, B, SCORES, name="sts"),
            ],
            **options,
        )

    from sentune import evaluation

    compare(
        sequence(evaluation, SentenceEvaluator),
        sequence(reference, reference.SentenceEvaluator),
        make_table(A, B, C),
    )


def test_nothing_to_call_is_refused() -> None:
    for wrong in ([], ["triplet"]):
        with pytest.raises(ArgumentError, match="at least one evaluator"):
            SequentialEvaluator(wrong)  # type: ignore[arg-type]


def test_the_base_class_equals_the_reference(reference: Any, make_table: Any_) -> None:
    ours, theirs = made(SentenceEvaluator, 1.0, "a"), made(reference.SentenceEvaluator, 1.0, "a")
    for one in (ours, theirs):
        metrics = {"a": np.float32(0.5), "b": 2}
        assert one.prefix_name_to_metrics(metrics, "") == metrics
        assert one.primary_metric == "a"
        assert one.prefix_name_to_metrics(metrics, "dev") == {"dev_a": 0.5, "dev_b": 2.0}
        assert one.primary_metric == "dev_a"
        one.prefix_name_to_metrics(metrics, "dev")
        assert one.primary_metric == "dev_a"
        model = make_table(A)
        one.store_metrics_in_model_card_data(model, {"a": 1.0}, 2, 3)
        assert model.model_card_data.found == [("Own", {"a": 1.0}, 2, 3)]
        assert one.description == "Own"
        assert one.greater_is_better
        assert one.get_config_dict() == {}
    ours.store_metrics_in_model_card_data(object(), {"a": 1.0})  # a model without such data
    with pytest.raises(NotImplementedError, match="does not define __call__"):
        SentenceEvaluator()(None)


def test_a_folder_that_cannot_be_made_is_an_output_error(make_table: Any_, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="output_path"):
        TripletEvaluator(A, B, C)(make_table(A, B, C), tmp_path / "file" / "folder")


def test_no_file_unless_wanted(make_table: Any_, tmp_path: Path) -> None:
    model = make_table(A, B, C)
    TripletEvaluator(A, B, C, write_csv=False)(model, tmp_path)
    EmbeddingSimilarityEvaluator(A, B, SCORES)(model)
    assert list(tmp_path.iterdir()) == []


def test_accuracy_of_classes_equals_the_reference(
    reference: Any, tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path
) -> None:
    import sentence_transformers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.sentence_transformer import losses

        other = sentence_transformers.SentenceTransformer(str(tiny_folder), device="cpu")
    texts = ["a file", "the name of a thread", "copy the list", "wait for it", "the sum of x and y"]
    rows: Any = [
        InputExample(texts=[a, b], label=i % 3)
        for i, (a, b) in enumerate(zip(texts, texts[::-1], strict=True))
    ]
    found: list[Any] = []
    for library, model, loss in (
        (None, tiny, SoftmaxLoss),
        (reference, other, losses.SoftmaxLoss),
    ):
        torch.manual_seed(1)
        classifier = loss(model, 32, 3)
        kind = library.LabelAccuracyEvaluator if library else LabelAccuracyEvaluator
        evaluator = kind(DataLoader(rows, batch_size=2), "dev", softmax_model=classifier)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(evaluator(model, str(tmp_path / str(len(found))), 1, 2))
        assert evaluator.primary_metric == "dev_accuracy"
    assert found[0] == pytest.approx(found[1])
    files = [tmp_path / f"{number}/accuracy_evaluation_dev_results.csv" for number in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not tiny.training


def test_classes_that_cannot_be_found_are_refused(tiny: SentenceTransformer) -> None:
    with pytest.raises(ArgumentError, match="softmax_model is None"):
        LabelAccuracyEvaluator(DataLoader([]))  # type: ignore[arg-type]
    loss = SoftmaxLoss(tiny, 32, 3)
    with pytest.raises(DataError, match="without a row"):
        LabelAccuracyEvaluator([], softmax_model=loss)(tiny)


def test_data_on_a_hub_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"hub.*InformationRetrievalEvaluator"):
        NanoBEIREvaluator(["msmarco"])
