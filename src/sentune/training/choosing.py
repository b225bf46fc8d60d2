"""The loss of each data set: what was passed, or what suits the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from sentune.encoding.embedder import Embedder
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.batches.examples import TrainingData
from sentune.training.losses import (
    CoSENTLoss,
    EmbeddingLoss,
    GISTEmbedLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
    SupervisedContrastiveLoss,
    TripletLoss,
)
from sentune.training.own_losses import OwnLoss
from sentune.wording import counted, named_kind

__all__ = ["LossOf", "Losses", "chosen_losses", "own_weights", "trained_dimensions"]

logger = logging.getLogger(__name__)

LossOf = nn.Module | Callable[[SentenceTransformer], nn.Module]
Losses = LossOf | Mapping[str, LossOf]

_WITHOUT_LABELS = (
    MultipleNegativesRankingLoss,
    GISTEmbedLoss,
    SupervisedContrastiveLoss,
    TripletLoss,
)
_FOR_LABELS = (
    "a loss that uses the label, such as CoSENTLoss for two texts and a score, ContrastiveLoss for "
    "two texts and 0 or 1, or BatchAllTripletLoss for a text and its class"
)


def chosen_losses(
    given: Losses | None, model: SentenceTransformer, data: list[TrainingData]
) -> EmbeddingLoss | dict[str, EmbeddingLoss]:
    """The losses to train with.

    Where none was passed, two texts with a score get :class:`CoSENTLoss`, as in the reference,
    and data without labels gets :class:`MultipleNegativesRankingLoss`, for which the reference
    has no loss. A loss that leaves labels unused is named in a warning.

    Args:
        given: a loss, a class or function that makes one from the model, or these by data set.
        model: the one to train.
        data: to train and to evaluate on.

    Raises:
        ArgumentError: something that is no loss; or no loss, for labels of another kind.
    """
    found: EmbeddingLoss | dict[str, EmbeddingLoss]
    if given is None:
        found = _usual(model, data)
    elif isinstance(given, Mapping):
        found = {name: _loss(one, model, data) for name, one in given.items()}
    else:
        found = _loss(given, model, data)
    _tell_unused_labels(found, data)
    return found


def _loss(given: Any, model: SentenceTransformer, data: list[TrainingData]) -> EmbeddingLoss:
    loss = given if isinstance(given, nn.Module) or not callable(given) else given(model)
    if isinstance(loss, EmbeddingLoss) and not loss.encodes_itself:
        return loss
    if not isinstance(loss, nn.Module):
        raise ArgumentError(
            f"loss is {named_kind(loss)}",
            expected="a loss of sentune.losses, a module, or a class or function that makes one "
            "from the model",
            fix="use a loss of sentune.losses",
        )
    return OwnLoss(loss, frozenset().union(*(part.whole_labels for part in data)))


def _usual(
    model: SentenceTransformer, data: list[TrainingData]
) -> EmbeddingLoss | dict[str, EmbeddingLoss]:
    labelled = {name for part in data for name in part.labelled}
    columns = {name: names for part in data for name, names in part.columns.items()}
    for name in labelled:
        rows = next(row for part in data for row in part.rows if row.dataset == name)
        if len(columns[name]) != 2 or not isinstance(rows.label, float):
            raise ArgumentError(
                f"no loss for {_named(name)}{counted(len(columns[name]), 'column')} of texts with "
                "a label",
                expected=_FOR_LABELS,
                fix="pass loss, or leave out the column of labels",
            )
    if not labelled:
        return MultipleNegativesRankingLoss(model)
    if labelled == {*columns}:
        return CoSENTLoss(model)
    kinds = {
        name: CoSENTLoss if name in labelled else MultipleNegativesRankingLoss for name in columns
    }
    return {name: kind(model) for name, kind in kinds.items()}


def _tell_unused_labels(
    found: EmbeddingLoss | Mapping[str, EmbeddingLoss], data: list[TrainingData]
) -> None:
    """Warn where labels differ and the loss that was named has no use for them."""
    for name in {name: None for part in data for name in part.labelled}:
        loss: Any = found.get(name) if isinstance(found, Mapping) else found
        while hasattr(loss, "loss"):  # a loss around another
            loss = loss.loss
        labels = (row.label for part in data for row in part.rows if row.dataset == name)
        first = next(labels)
        if isinstance(loss, _WITHOUT_LABELS) and any(bool(one != first) for one in labels):
            logger.warning(
                "%s does not use the labels of %s: every pair counts as right",
                type(loss).__name__,
                f"the data set {name!r}" if name else "the data",
            )


def trained_dimensions(losses: EmbeddingLoss | Mapping[str, EmbeddingLoss]) -> dict[str, list[int]]:
    """What is kept with a model whose first dimensions are trained for use without the rest.

    These are the dimensions that the losses of all data sets train; nothing where there are none.
    """
    each = losses.values() if isinstance(losses, Mapping) else [losses]
    sizes = [
        {
            size
            for part in loss.modules()
            if isinstance(part, MatryoshkaLoss)
            for size in part.matryoshka_dims
        }
        for loss in each
    ]
    common = sorted(set.intersection(*sizes), reverse=True)
    return {"matryoshka_dims": common} if common else {}


def own_weights(
    losses: EmbeddingLoss | Mapping[str, EmbeddingLoss], model: nn.Module
) -> dict[str, nn.Parameter]:
    """What losses train beside the model, such as a classifier, by name; no weights of models."""
    each = losses if isinstance(losses, Mapping) else {"loss": losses}
    models = [model]
    models += [part for loss in each.values() for part in loss.modules() if _is_model(part)]
    known = {id(weight) for one in models for weight in one.parameters()}
    return {
        f"{name}.{inner}": weight
        for name, loss in each.items()
        for inner, weight in loss.named_parameters()
        if id(weight) not in known and weight.requires_grad
    }


def _is_model(module: nn.Module) -> bool:
    return isinstance(module, Embedder)


def _named(dataset: str) -> str:
    return f"the data set {dataset!r}: " if dataset else ""
