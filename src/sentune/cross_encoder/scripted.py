"""Methods of the reference's cross-encoder that scripts call, over the model's own ones."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

from torch import Tensor

from sentune.cross_encoder.arguments import pairs_of
from sentune.cross_encoder.card import CrossEncoderModelCardData, card_text
from sentune.cross_encoder.scoring import Scorer
from sentune.encoding.adapters import WithoutAdapters
from sentune.encoding.card_data import said_when_saving
from sentune.errors import ArgumentError
from sentune.files import claim_folder, make_folder, new_folder, write_text
from sentune.model_folder.hub.pushing import Pushes, require_safetensors
from sentune.tokens.batch import TokenBatch
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["ScriptedScorer"]


class ScriptedScorer(WithoutAdapters, Pushes, Scorer):
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
    def processor(self) -> Tokenizer:
        """``tokenizer``."""
        return self.tokenizer

    @property
    def default_activation_function(self) -> Callable[[Tensor], Tensor]:
        """The older name of ``activation_fn``."""
        return self.activation_fn  # type: ignore[no-any-return]

    @default_activation_function.setter
    def default_activation_function(self, function: Callable[[Tensor], Tensor]) -> None:
        self.activation_fn = function

    def get_backend(self) -> str:
        """``torch``."""
        return "torch"

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

    def evaluate(self, evaluator: Callable[..., Any], output_path: str | Path | None = None) -> Any:
        """What an evaluator finds; its files go to ``output_path``. Raises OutputError."""
        if output_path is not None:
            make_folder(output_path)
        return evaluator(self, output_path)

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

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: dict[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Train with less memory in more time; the trainer calls it when a setting asks for it."""
        del activation_checkpointing_kwargs, offload
        self.encoder.recompute_every = every_n_layers

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: dict[str, Any] | None = None
    ) -> None:
        """``activation_checkpointing_enable`` under its older name."""
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs)

    # ── model → folder ────────────────────────────────────────────────────────────────────────

    def write_into(self, path: Path) -> None:
        """Write the model's files into an existing empty folder. Raises OutputError."""
        raise NotImplementedError

    def save_pretrained(
        self,
        path: str | Path,
        model_name: str | None = None,
        create_model_card: bool = True,
        train_datasets: Sequence[str] | None = None,
        safe_serialization: bool = True,
    ) -> None:
        """Write the model folder, whole or not at all.

        Every version of sentence-transformers from 3.1 on loads it, and transformers does.

        Args:
            path: a folder that does not exist yet, an empty one, or one that this process has
                saved to before; its files are replaced then.
            model_name: the name for the card of a model that has none.
            create_model_card: write ``README.md``.
            train_datasets: names of data sets, for the same card.
            safe_serialization: only True: weights are written as safetensors.

        Raises:
            OutputError: the folder holds what this process did not write, or cannot be written.
            ArgumentError: another value of ``safe_serialization``.
        """
        require_safetensors(safe_serialization)
        card = self._card(model_name, train_datasets)
        with new_folder(path) as folder:
            self.write_into(folder)
            if not create_model_card:
                (folder / "README.md").unlink()
            elif card:
                write_text(folder / "README.md", card)
        claim_folder(path)

    save = save_pretrained

    def _card(self, model_name: str | None, train_datasets: Sequence[str] | None) -> str:
        """The card with what the caller says now; empty where the caller says nothing."""
        said = said_when_saving(self.model_card_data, model_name, train_datasets)
        if said is self.model_card_data or (self.model_card and not train_datasets):
            return ""
        return card_text(said, self, None)
