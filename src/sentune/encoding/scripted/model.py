"""Methods of the reference that scripts call on a model of either kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sentune.encoding.scripted.adapters import WithoutAdapters
from sentune.files import claim_folder, make_folder, new_folder, write_text
from sentune.model_folder.hub.pushing import Pushes, require_safetensors
from sentune.network.encoder import Encoder
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["ScriptedModel"]


class ScriptedModel(WithoutAdapters, Pushes):
    """What the reference's SentenceTransformer and CrossEncoder have alike, over a packed encoder.

    Attributes:
        encoder: the computation.
    """

    encoder: Encoder

    @property
    def processor(self) -> Tokenizer:
        """``tokenizer``."""
        tokenizer: Tokenizer = self.tokenizer  # type: ignore[attr-defined]
        return tokenizer

    def get_backend(self) -> str:
        """``torch``."""
        return "torch"

    def evaluate(self, evaluator: Callable[..., Any], output_path: str | Path | None = None) -> Any:
        """What an evaluator finds; its files go to ``output_path``. Raises OutputError."""
        if output_path is not None:
            make_folder(output_path)
        return evaluator(self, output_path)

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

        Every version of sentence-transformers from 3.1 on loads it.

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
        """The card with what the caller says now; empty to keep the one of ``write_into``."""
        raise NotImplementedError
