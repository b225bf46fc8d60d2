"""Methods of the reference's cross-encoder that scripts call, over the model's own ones."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Self

from torch import Tensor

from sentune.cross_encoder.arguments import pairs_of
from sentune.cross_encoder.card import CrossEncoderModelCardData, card_text
from sentune.cross_encoder.scoring import Scorer
from sentune.encoding.card_data import said_when_saving
from sentune.encoding.scripted.model import ScriptedModel
from sentune.errors import ArgumentError
from sentune.tokens.batch import TokenBatch

__all__ = ["ScriptedScorer"]


class ScriptedScorer(Scorer, ScriptedModel):
    """What the reference's model has beside ``predict`` and ``rank``.

    Attributes:
        model_card: the text of ``README.md``; made when empty.
        model_card_data: what the caller says of the model.
        activation_fn: what ``predict`` and ``rank`` apply to the scores.
        max_length: the most tokens of both texts with the special tokens.
    """

    model_card: str
    model_card_data: CrossEncoderModelCardData
    activation_fn: Any
    max_length: Any

    @property
    def model(self) -> Self:
        """This model: its encoder and head are no model of their own."""
        return self

    @property
    def default_activation_function(self) -> Callable[[Tensor], Tensor]:
        """The older name of ``activation_fn``."""
        return self.activation_fn  # type: ignore[no-any-return]

    @default_activation_function.setter
    def default_activation_function(self, function: Callable[[Tensor], Tensor]) -> None:
        self.activation_fn = function

    def get_max_seq_length(self) -> int:
        """``max_length``."""
        return self.max_length  # type: ignore[no-any-return]

    def start_multi_process_pool(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: one process scores with all cores. Raises ArgumentError."""
        raise ArgumentError(
            "start_multi_process_pool() of a CrossEncoder",
            expected="predict without a pool, because one process scores with all cores",
            fix="leave the pool out",
        )

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        task: str | None = None,
        **options: Any,
    ) -> TokenBatch:
        """Padded token ids of pairs of texts, cut at ``max_length``, as tensors on the CPU.

        The model takes them: ``model(model.preprocess(pairs))["scores"]``. ``task`` has no effect
        here.

        Raises:
            ArgumentError: an input that is no pair of texts, with its position.
        """
        del task
        usual = {"padding": True, "truncation": True, "return_tensors": "pt"}
        given, _ = pairs_of(inputs)
        pairs = [((prompt or "") + first, second) for first, second in given]
        return self.tokenizer.batch(pairs, **{**usual, **options})

    tokenize = preprocess

    # ── training ──────────────────────────────────────────────────────────────────────────────

    def fit(self, *args: Any, **options: Any) -> None:
        """Train in one call, see :func:`sentune.cross_encoder.fit.fit`."""
        # Training is above this module, which must not depend on it.
        importlib.import_module("sentune.cross_encoder.fit").fit(self, *args, **options)

    def _card(self, model_name: str | None, train_datasets: Sequence[str] | None) -> str:
        """The card with what the caller says now; empty where the caller says nothing."""
        said = said_when_saving(self.model_card_data, model_name, train_datasets)
        if said is self.model_card_data or (self.model_card and not train_datasets):
            return ""
        return card_text(said, self, None)
