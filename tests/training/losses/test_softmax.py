"""The classifier over pairs: its value by hand, its weights, and labels that are no classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.losses import SoftmaxLoss

DrawColumns = Callable[..., list[Tensor]]


def test_the_value_is_the_formula(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([2.0, 0.0, 1.0, 1.0])
    loss = SoftmaxLoss(None, 6, 3, concatenation_sent_multiplication=True).double()
    weight, bias = loss.classifier.weight.tolist(), loss.classifier.bias.tolist()
    wanted = 0.0
    for row, (u, v) in enumerate(zip(columns[0].tolist(), columns[1].tolist(), strict=True)):
        given = [*u, *v]
        given += [abs(x - y) for x, y in zip(u, v, strict=True)]
        given += [x * y for x, y in zip(u, v, strict=True)]
        logits = [
            sum(w * x for w, x in zip(of_class, given, strict=True)) + b
            for of_class, b in zip(weight, bias, strict=True)
        ]
        wanted += math.log(sum(map(math.exp, logits))) - logits[int(labels[row])]
    assert loss(columns, labels).item() == pytest.approx(wanted / 4, abs=1e-12)


def test_the_classifier_is_where_the_model_is(tiny: SentenceTransformer) -> None:
    loss = SoftmaxLoss(tiny, tiny.get_sentence_embedding_dimension(), num_labels=3)
    assert loss.classifier.weight.shape == (3, 96)
    assert loss.classifier.weight.device == tiny.device
    assert SoftmaxLoss(sentence_embedding_dimension=4, num_labels=2).classifier.in_features == 12


def test_another_loss_function(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([0, 1, 1, 0])
    torch.manual_seed(1)
    plain = SoftmaxLoss(None, 6, 2).double()
    torch.manual_seed(1)
    summed = SoftmaxLoss(None, 6, 2, loss_fct=nn.CrossEntropyLoss(reduction="sum")).double()
    assert summed(columns, labels).item() == pytest.approx(4 * plain(columns, labels).item())


@pytest.mark.parametrize("label", [-1.0, 3.0, 0.5])
def test_a_label_that_is_no_class_is_named(draw: DrawColumns, label: float) -> None:
    loss = SoftmaxLoss(None, 6, 3)
    with pytest.raises(ArgumentError, match=f"the label {label:g}: expected the number of a class"):
        loss([column.float() for column in draw(2, 2)], torch.tensor([0.0, label]))


def test_what_does_not_fit_is_refused(
    draw: DrawColumns, tiny: SentenceTransformer, make_batch: Callable[..., Any]
) -> None:
    with pytest.raises(ArgumentError, match="3 columns of texts"):
        SoftmaxLoss(None, 6, 3)(draw(2, 3), torch.tensor([0, 1]))
    with pytest.raises(ArgumentError, match="every concatenation False"):
        SoftmaxLoss(None, 6, 3, False, False)
    with pytest.raises(ArgumentError, match="embedding_dimension is None"):
        SoftmaxLoss(None)
    with pytest.raises(ArgumentError, match="without labels"):
        SoftmaxLoss(tiny, 32, 3).compute(tiny, make_batch(tiny, ["a"], ["b"]))
