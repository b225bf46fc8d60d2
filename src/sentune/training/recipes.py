"""Ways to train, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sentune.errors import ArgumentError
from sentune.training.losses import EmbeddingLoss, MultipleNegativesRankingLoss

__all__ = ["DEFAULT_RECIPE", "RECIPES", "Recipe", "recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to train on question–passage pairs.

    Attributes:
        summary: what it does, in a sentence.
        settings: of ``SentenceTransformerTrainingArguments``.
        loss: parameters of MultipleNegativesRankingLoss.
    """

    summary: str
    settings: Mapping[str, Any]
    loss: Mapping[str, Any] = field(default_factory=dict)

    def make_loss(self) -> EmbeddingLoss:
        """The loss with its parameters."""
        return MultipleNegativesRankingLoss(**self.loss)


_CARD = {
    "num_train_epochs": 10,
    "per_device_train_batch_size": 20,
    "per_device_eval_batch_size": 20,
    "learning_rate": 5e-5,
    "logging_steps": 0.1,
}

RECIPES = {
    "reference": Recipe(
        "as the reference card's run: dropout on, batches at random, 5e-5 falling to 0",
        {**_CARD, "batch_sampler": "batch_sampler"},
    ),
    "plain": Recipe(
        "the same without dropout and without a text twice in a batch",
        {**_CARD, "dropout": 0.0},
    ),
}
DEFAULT_RECIPE = "plain"


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ArgumentError."""
    if name not in RECIPES:
        raise ArgumentError(
            f"recipe {name!r}",
            expected=f"one of {', '.join(RECIPES)}",
            fix=f"leave it out for {DEFAULT_RECIPE}",
        )
    return RECIPES[name]
