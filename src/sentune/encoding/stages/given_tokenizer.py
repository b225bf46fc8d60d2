"""A tokenizer that a script puts in the place of the model's own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError
from sentune.model_folder.tokenizer_files import read_tokenizer
from sentune.network.encoder import Encoder
from sentune.tokens.tokenizer import Tokenizer
from sentune.wording import named_kind

__all__ = ["usable_tokenizer"]


def usable_tokenizer(given: Any, encoder: Encoder) -> Tokenizer:
    """The tokenizer, or one that reads as a tokenizer of transformers does.

    Raises:
        ArgumentError: something else, or one with tokens that the encoder has no vectors for.
        ModelError: a tokenizer of transformers that sentune does not run.
    """
    found: Tokenizer = given if isinstance(given, Tokenizer) else _converted(given, encoder)
    rows = encoder.embeddings.word.num_embeddings
    if found.vocabulary_size > rows:
        raise ArgumentError(
            f"a tokenizer of {found.vocabulary_size:,} tokens",
            expected=f"at most {rows:,}, for which the model has vectors",
            fix="use the tokenizer that the model was trained with",
        )
    return found


def _converted(given: Any, encoder: Encoder) -> Tokenizer:
    save = getattr(given, "save_pretrained", None)
    if save is None:
        raise ArgumentError(
            f"tokenizer is {named_kind(given)}",
            expected="a tokenizer of sentune or of transformers",
            fix="leave the model's own, or load one with transformers.AutoTokenizer",
        )
    with tempfile.TemporaryDirectory(prefix="sentune-tokenizer-") as folder:
        save(folder)
        return read_tokenizer(Path(folder), encoder.config, own_limits=False)
