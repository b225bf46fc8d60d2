"""Losses beside the reference's, on the same scores, and their gradients beside float64."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sentune.cross_encoder import CrossEncoder, losses
from sentune.cross_encoder.batches import PairCollator, read_training_data
from sentune.errors import ArgumentError

MakePairFolder = Callable[..., Path]
Reference = Callable[..., Any]

QUERIES = ["copy a file", "wait for a thread", "read a list", "the word"]
POSITIVES = ["a file is copied", "Thread.join", "a list of words", "word"]
NEGATIVES = ["tax law", "the file", "wait", "a thread"]
LISTS = [
    ["the file", "a", "copy"],
    ["the thread", "wait"],
    ["list"],
    ["word", "the", "a word", "of"],
]
GRADES = [[1.0, 0.0, 2.0], [0.0, 1.0], [1.0], [0.0, 0.0, 3.0, 1.0]]
TWO = {"query": QUERIES, "positive": POSITIVES}
THREE = {**TWO, "negative": NEGATIVES}
LIST = {"query": QUERIES, "docs": LISTS, "labels": GRADES}
BINARY = {**TWO, "label": [1.0, 0.0, 1.0, 0.3]}
CLASSES = {**TWO, "label": [0, 2, 1, 1]}
MARGINS = {**THREE, "label": [0.5, 1.0, -0.2, 2.0]}
PAIRS_OF_SCORES = {**THREE, "label": [[2.0, 1.0], [1.0, 0.5], [3.0, -1.0], [0.0, 0.0]]}
FOUR = {**THREE, "negative_2": NEGATIVES[::-1], "label": [[1.0, 2.0]] * 4}
TANH = {"activation_fn": nn.Tanh()}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("BinaryCrossEntropyLoss", BINARY, {}),
    ("BinaryCrossEntropyLoss", BINARY, {"pos_weight": torch.tensor(3.0), **TANH}),
    ("CrossEntropyLoss", CLASSES, {}),
    ("MSELoss", BINARY, TANH),
    ("MarginMSELoss", MARGINS, {}),
    ("MarginMSELoss", PAIRS_OF_SCORES, TANH),
    ("MarginMSELoss", FOUR, {}),
    ("MultipleNegativesRankingLoss", TWO, {"num_negatives": 2}),
    ("MultipleNegativesRankingLoss", THREE, {"num_negatives": 3, "scale": 5.0, **TANH}),
    ("MultipleNegativesRankingLoss", TWO, {"num_negatives": None}),
    ("CachedMultipleNegativesRankingLoss", THREE, {"num_negatives": 2, "mini_batch_size": 3}),
    ("ListNetLoss", LIST, {}),
    ("ListNetLoss", LIST, {"mini_batch_size": 2, **TANH}),
    ("ListMLELoss", LIST, {}),
    ("ListMLELoss", LIST, {"respect_input_order": False}),
    ("PListMLELoss", LIST, {}),
    ("PListMLELoss", LIST, {"respect_input_order": False}),
    ("RankNetLoss", LIST, {"sigma": 2.0}),
    ("LambdaLoss", LIST, {}),
    ("RankNetLoss", LIST, {"k": 2}),
    ("LambdaLoss", LIST, {"k": 2, "weighting_scheme": "NDCGLoss1Scheme"}),
    ("LambdaLoss", LIST, {"k": 1, "reduction_log": "natural", "sigma": 0.5}),
    *(
        ("LambdaLoss", LIST, {"weighting_scheme": name})
        for name in (
            *("NoWeightingScheme", "NDCGLoss1Scheme", "NDCGLoss2Scheme"),
            *("LambdaRankScheme", "NDCGLoss2PPScheme"),
        )
    ),
]


@pytest.fixture(scope="module")
def models(make_pair_folder: MakePairFolder, reference_of: Reference) -> dict[int, Any]:
    """Number of labels → our model and the reference's, both without dropout."""
    found = {}
    for labels in (1, 3):
        folder = make_pair_folder("segmented", num_labels=labels)
        ours = CrossEncoder(folder, device="cpu", compute_dtype="float32")
        theirs = reference_of(folder)
        found[labels] = ours, theirs.eval()
    return found


def our_loss(loss: Any, model: CrossEncoder, data: dict[str, Any]) -> Tensor:
    from sentune.cross_encoder.trainer import _Scorer

    batch = PairCollator({})(read_training_data(data).rows)["batch"]
    scorer = _Scorer(model, model, torch.device("cpu"))
    value: Tensor = loss.compute(scorer, batch)
    return value


def their_loss(loss: Any, data: dict[str, Any]) -> Tensor:
    columns = [column for name, column in data.items() if name not in ("label", "labels")]
    given = data.get("label", data.get("labels"))
    if data is LIST:
        labels: Any = [torch.tensor(each) for each in GRADES]
    else:
        labels = None if given is None else torch.tensor(given)
    value: Tensor = loss(columns, labels)
    return value


@pytest.mark.parametrize(("name", "data", "options"), CASES)
def test_value_and_gradient(
    name: str, data: dict[str, Any], options: dict[str, Any], models: dict[int, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import sentence_transformers.cross_encoder.losses as theirs
    ours, reference = models[3 if name == "CrossEntropyLoss" else 1]
    found = []
    sides: Any = (
        (losses, ours, lambda loss: our_loss(loss, ours, data)),
        (theirs, reference, lambda loss: their_loss(loss, data)),
    )
    for module, model, evaluate in sides:
        scheme = options.get("weighting_scheme")
        more = {"weighting_scheme": getattr(module, scheme)()} if scheme else {}
        torch.manual_seed(5)
        model.zero_grad()
        value = evaluate(getattr(module, name)(model, **{**options, **more}))
        value.backward()
        weights = dict(model.named_parameters())
        table = next(
            w for n, w in weights.items() if n.endswith(("word.weight", "word_embeddings.weight"))
        )
        found.append((value.detach(), table.grad.clone()))
    (value, gradient), (expected, wanted) = found
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    assert wanted.abs().max() > 1e-5
    torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-5)


def test_mini_batches_change_nothing(models: dict[int, Any]) -> None:
    model = models[1][0]
    found = []
    for size in (None, 2):
        model.zero_grad()
        our_loss(losses.LambdaLoss(model, mini_batch_size=size), model, LIST).backward()
        found.append(model.head.dense.weight.grad.clone())
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_no_pair_in_the_wrong_order_is_no_loss(models: dict[int, Any]) -> None:
    data = {"query": ["a", "the"], "docs": [["a", "b"], ["c"]], "labels": [[1, 1], [0]]}
    value = our_loss(losses.LambdaLoss(), models[1][0], data)
    assert value.item() == 0.0
    value.backward()


def test_more_negatives_than_there_are(models: dict[int, Any]) -> None:
    one = {"query": QUERIES[:1], "positive": POSITIVES[:1]}
    assert our_loss(losses.MultipleNegativesRankingLoss(), models[1][0], one).item() == 0.0
    model = models[1][0]
    values = [
        our_loss(losses.MultipleNegativesRankingLoss(num_negatives=n), model, TWO).item()
        for n in (3, 50, None)
    ]
    assert values[0] == pytest.approx(values[1]) == pytest.approx(values[2])


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("BinaryCrossEntropyLoss", THREE, "3 columns"),
        ("BinaryCrossEntropyLoss", TWO, "without labels"),
        ("BinaryCrossEntropyLoss", LIST, "columns of lists"),
        ("MarginMSELoss", BINARY, "2 columns"),
        ("MarginMSELoss", {**MARGINS, "label": [[1.0, 2.0, 3.0]] * 4}, "3 labels a row"),
        ("ListNetLoss", BINARY, "rows of another kind"),
        ("ListNetLoss", {**LIST, "labels": [[1.0]] * 4}, "rows of another kind"),
        ("ListNetLoss", {**LIST, "docs": [[]] * 4, "labels": [[]] * 4}, "rows of another kind"),
        ("MultipleNegativesRankingLoss", LIST, "columns of lists"),
    ],
)
def test_refused_data(name: str, data: Any, part: str, models: dict[int, Any]) -> None:
    with pytest.raises(ArgumentError, match=part):
        our_loss(getattr(losses, name)(), models[1][0], data)


def test_refused_labels_and_models(models: dict[int, Any]) -> None:
    for wrong in ([0, 1, 2, 3], [0, -1, 1, 1], [0.5, 1, 1, 1]):
        with pytest.raises(ArgumentError, match="whole numbers from 0 to 2"):
            our_loss(losses.CrossEntropyLoss(), models[3][0], {**TWO, "label": wrong})
    with pytest.raises(ArgumentError, match="3 labels: expected one label"):
        losses.BinaryCrossEntropyLoss(models[3][0])
    with pytest.raises(ArgumentError, match="expected two labels or more"):
        losses.CrossEntropyLoss(models[1][0])
    with pytest.raises(ArgumentError, match="a call by CrossEncoderTrainer"):
        losses.MSELoss()([torch.zeros(2)])
