"""The tokenizer of a model, and how much of a text it reads: what passages are cut for."""

from __future__ import annotations

from typing import NamedTuple

from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import resolve
from sentune.tokens.prompts import all_prompts
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["ModelLimit", "model_limit"]


class ModelLimit(NamedTuple):
    """A tokenizer, and the most tokens of a passage after the model's prompt for passages."""

    tokenizer: Tokenizer
    tokens: int


def model_limit(model: str) -> ModelLimit:
    """The limit of a model, from its folder alone: no weights are loaded. Raises ModelError."""
    folder = ModelFolder.read(resolve(model).folder)
    prompt = all_prompts(folder.prompts)["document"]
    tokenizer = folder.tokenizer
    taken = len(tokenizer.whole([prompt])[0]) - sum(tokenizer.frame()) if prompt else 0
    return ModelLimit(tokenizer, tokenizer.max_seq_length - taken)
