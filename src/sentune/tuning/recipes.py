"""Ways to train, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError
from sentune.model.sentence_transformer import SentenceTransformer
from sentune.training.losses import EmbeddingLoss, MultipleNegativesRankingLoss
from sentune.training.rows import Row, TrainingData
from sentune.tuning.passages import cut_passages
from sentune.tuning.sentences import sentence_rows

__all__ = ["DEFAULT_RECIPE", "RECIPES", "Recipe", "recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to train on question–passage pairs.

    Attributes:
        summary: what it does, in a sentence.
        settings: of ``SentenceTransformerTrainingArguments``.
        loss: parameters of MultipleNegativesRankingLoss.
        passage_tokens: passages of more tokens are cut for training, see
            :func:`~sentune.tuning.passages.cut_passages`; left whole when None. Never more than
            the model's limit.
        sentences: of each piece of a passage, which are trained on as questions too, see
            :func:`~sentune.tuning.sentences.sentence_rows`. Each stands in one epoch; an epoch
            has as many of them as questions at the most.
    """

    summary: str
    settings: Mapping[str, Any]
    loss: Mapping[str, Any] = field(default_factory=dict)
    passage_tokens: int | None = None
    sentences: int = 0

    def make_loss(self) -> EmbeddingLoss:
        """The loss with its parameters."""
        return MultipleNegativesRankingLoss(**self.loss)

    def prepare(self, pairs: Pairs, base: SentenceTransformer) -> Pairs:
        """The pairs as they are trained on. ``base`` is the model before training."""
        if self.passage_tokens is None:
            return pairs
        return cut_passages(pairs, base, self._most(base))

    def _most(self, base: SentenceTransformer) -> int:
        """Tokens of a piece that the model sees whole, with its prompt."""
        whole, before = base.max_seq_length, base.tokenizer.prompt_length(base.document_prompt)
        prompt = max(0, before - base.tokenizer.frame()[0])
        return min(self.passage_tokens or whole, whole - prompt)

    def training_data(
        self, pairs: Pairs, base: SentenceTransformer, epochs: float, seed: int
    ) -> TrainingData:
        """The rows of a run over prepared pairs, and the sentences of their passages.

        Args:
            pairs: from :meth:`prepare`.
            base: whose tokenizer counts.
            epochs: over which the sentences are spread, 100 at the most.
            seed: settles which sentences.
        """
        data = TrainingData.of(pairs)
        if not self.sentences:
            return data
        spread = math.ceil(min(epochs, _MOST_TURNS))
        found = sentence_rows(pairs, base, self._most(base), self.sentences, seed)
        found = found[: spread * len(data.rows)]
        rows = [Row(row, turn=(place % spread, spread)) for place, row in enumerate(found)]
        return replace(data, rows=[*data.rows, *rows])


_MOST_TURNS = 100
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
    "sentences": Recipe(
        "as plain, on the likeliest pieces of passages, with passages' sentences as questions too",
        {**_CARD, "dropout": 0.0, "num_train_epochs": 5},
        passage_tokens=256,
        sentences=2,
    ),
}
DEFAULT_RECIPE = "sentences"


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ArgumentError."""
    if not isinstance(name, str) or name not in RECIPES:
        raise ArgumentError(
            f"recipe {name!r}",
            expected=f"one of {', '.join(RECIPES)}",
            fix=f"leave it out for {DEFAULT_RECIPE}",
        )
    return RECIPES[name]
