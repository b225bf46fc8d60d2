"""Ways to train, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from sentune.checks import require_choice
from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.questions.made_questions import made_training, pairs_of_made
from sentune.questions.sentences import sentence_rows
from sentune.training.batches.examples import Row, TrainingData
from sentune.training.losses import EmbeddingLoss, MultipleNegativesRankingLoss
from sentune.tuning.passages import cut_passages
from sentune.tuning.words_or_model import words_or_model
from sentune.wording import counted

__all__ = ["DEFAULT_RECIPE", "DOCUMENT_RECIPE", "RECIPES", "Prepared", "Recipe", "recipe"]


class Prepared(NamedTuple):
    """The pairs to train on, with notes of what was done to them, and all rows of the run."""

    pairs: Pairs
    data: TrainingData


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to train on question–passage pairs.

    Attributes:
        settings: of ``SentenceTransformerTrainingArguments``.
        loss: parameters of MultipleNegativesRankingLoss.
        passage_tokens: passages of more tokens are cut for training, see
            :func:`~sentune.tuning.passages.cut_passages`; left whole when None. Never more than
            the model's limit.
        sentences: how many sentences of each piece become questions if BM25 is better than the
            base model, see :func:`~sentune.questions.sentences.sentence_rows`. Each is used in one
            epoch, and an epoch has at most as many of them as questions.
    """

    settings: Mapping[str, Any]
    loss: Mapping[str, Any] = field(default_factory=dict)
    passage_tokens: int | None = None
    sentences: int = 0

    def make_loss(self) -> EmbeddingLoss:
        """The loss with its parameters."""
        return MultipleNegativesRankingLoss(**self.loss)

    def prepare(
        self,
        pairs: Pairs,
        base: SentenceTransformer,
        epochs: float,
        seed: int,
        *,
        show_progress_bar: bool | None = None,
    ) -> Prepared:
        """The pairs and rows to train on; sentences are spread over the epochs, 100 at most.

        Of passages without questions, sentences are the questions.
        """
        if not pairs.relevant:
            most, each = self.piece_tokens(base), self.sentences or _SENTENCES
            return Prepared(*made_training(pairs, base, most, each, epochs, seed))
        if pairs.made:
            return self._of_made(pairs, base, epochs, seed)
        if self.passage_tokens is not None:
            tokens = self.piece_tokens(base)
            pairs = cut_passages(pairs, base, tokens, show_progress_bar=show_progress_bar)
        data = TrainingData.of(pairs)
        if not self.sentences:
            return Prepared(pairs, data)
        compared = words_or_model(pairs, base, seed)
        said = (
            f"on {compared.questions} training questions BM25 has nDCG@10 {compared.words:.3f} and "
            f"the base model {compared.model:.3f}"
        )
        if compared.words <= compared.model:
            note = f"{said}, so sentences of passages are not trained on"
            return Prepared(replace(pairs, notes=(*pairs.notes, note)), data)
        spread = math.ceil(min(epochs, _MOST_TURNS))
        found = sentence_rows(pairs, base, self.piece_tokens(base), self.sentences, seed)
        found = found[: spread * len(data.rows)]
        rows = [Row(row) for row in found]
        told = counted(len(rows), "sentence")
        note = f"{said}, so {told} of passages are trained on as questions too"
        pairs = replace(pairs, notes=(*pairs.notes, note))
        data = replace(data, rows=[*data.rows, *rows], extra=len(rows), spread=spread)
        return Prepared(pairs, data)

    def _of_made(
        self, pairs: Pairs, base: SentenceTransformer, epochs: float, seed: int
    ) -> Prepared:
        """Made pairs and sentences of the passages, each used in one epoch only.

        Nobody asked them, so what they teach is the words of the texts: other sentences in every
        epoch teach more of these than the same ones again.
        """
        spread = max(1, min(round(epochs), _MOST_TURNS))
        asked = TrainingData.of(pairs)
        tokens = min(_MADE_TOKENS, self.piece_tokens(base))
        told = [Row(row) for row in sentence_rows(pairs, base, tokens, spread, seed)]
        every = [*asked.rows, *told]
        order = np.random.default_rng(seed).permutation(len(every))[: spread * _MADE_ROWS]
        rows = [every[index] for index in order]
        note = (
            f"{counted(len(asked.rows), 'made pair')} and {counted(len(told), 'sentence')} of "
            f"passages are trained on, {counted(-(-len(rows) // spread), 'row')} in each epoch"
        )
        trained = pairs_of_made((row.texts for row in rows), pairs, note)
        return Prepared(trained, replace(asked, rows=rows, extra=len(rows), spread=spread))

    def piece_tokens(self, base: SentenceTransformer) -> int:
        """The most tokens of a piece that fits the length limit together with its prompt."""
        whole, before = base.max_seq_length, base.tokenizer.prompt_length(base.document_prompt)
        prompt = max(0, before - base.tokenizer.frame()[0])
        return min(self.passage_tokens or whole, whole - prompt)


_MOST_TURNS = 100
_MADE_TOKENS, _MADE_ROWS = 128, 2000  # of a piece with a made question; in an epoch
_SENTENCES = 2  # of a piece, if there are no questions and the recipe does not say
_CARD = {
    "num_train_epochs": 10,
    "per_device_train_batch_size": 20,
    "per_device_eval_batch_size": 20,
    "learning_rate": 5e-5,
    "logging_steps": 0.1,
    "batch_sampler": "no_duplicates",
}

RECIPES = {
    # The run on the reference model's card.
    "reference": Recipe({**_CARD, "batch_sampler": "batch_sampler"}),
    # The same without dropout, and without repeated texts in a batch.
    "plain": Recipe({**_CARD, "dropout": 0.0}),
    # As plain, on pieces of passages, and on their sentences if BM25 beats the base model.
    "sentences": Recipe(
        {**_CARD, "dropout": 0.0, "num_train_epochs": 5},
        passage_tokens=256,
        sentences=2,
    ),
    # For made pairs: larger steps, and other sentences in each pass.
    "documents": Recipe(
        {**_CARD, "dropout": 0.0, "num_train_epochs": 5, "learning_rate": 1e-4},
        passage_tokens=256,
        sentences=2,
    ),
}
DEFAULT_RECIPE = "sentences"
DOCUMENT_RECIPE = "documents"


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ArgumentError."""
    names = tuple(RECIPES)
    return RECIPES[
        require_choice("recipe", name, names, fix=f"leave it out for the default, {DEFAULT_RECIPE}")
    ]
