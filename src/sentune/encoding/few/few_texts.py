"""A few texts → vectors, without the time that importing PyTorch takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.encoding.few.few_modules import light_modules, scaled
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import BaseModel
from sentune.model_folder.weight_files import WEIGHTS, say_left_out
from sentune.network.light_encoder import LightEncoder
from sentune.tokens.prompts import all_prompts, choose_prompt
from sentune.tokens.truncation import Truncation
from sentune.vectors import all_finite

__all__ = ["FewVectors", "encode_few"]

Array = NDArray[np.float32]

# Half a second on two processors: about what loading PyTorch takes.
_MOST_MULTIPLICATIONS = 20e9
_MOST_CHARACTERS = 100_000  # more are not even tokenized

# (tokens, hidden) → (hidden,)
_POOLED: dict[str, Callable[[Array], Array]] = {
    "cls": lambda tokens: tokens[0],
    "max": lambda tokens: tokens.max(axis=0),
    "mean": lambda tokens: tokens.mean(axis=0),
}


@dataclass(frozen=True, slots=True)
class FewVectors:
    """The result of ``encode_few``.

    Attributes:
        vectors: (texts, dim).
        tokens: (tokens, hidden) of each text, with special tokens and prompt.
        truncation: what the length limit cut.
        max_seq_length: the limit.
    """

    vectors: Array
    tokens: list[Array]
    truncation: Truncation
    max_seq_length: int


def encode_few(
    base: BaseModel,
    texts: Sequence[str],
    *,
    bfloat16: bool,
    folder: ModelFolder | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
    truncate_dim: int | None = None,
    normalize_embeddings: bool = False,
) -> FewVectors | None:
    """What ``SentenceTransformer(base.name, device="cpu").encode(texts)`` returns.

    It agrees to 1e-6 of the largest component, in a tenth of the time of a fresh process.

    Args:
        base: the model.
        texts: one or more.
        bfloat16: the number format; float32 when False.
        folder: the model's folder, if it was read already: that takes as long as a question.
        prompt_name, prompt, truncate_dim, normalize_embeddings: as for ``encode``.

    Returns:
        None where SentenceTransformer has to encode: if that is more work than to load PyTorch, if
        :class:`~sentune.network.light_encoder.LightEncoder` cannot compute the model or a text, or
        if the model is damaged, which SentenceTransformer reports. (Embedding rows of unused
        tokens are not read, so NaN there goes unnoticed.)

    Raises:
        ModelError: a file other than the weights is missing, damaged or contradicts another.
        ArgumentError: an option outside its range.
    """
    if truncate_dim is not None:
        require_whole("truncate_dim", truncate_dim, fix="leave it out to keep all")
    found = ModelFolder.read(base.folder) if folder is None else folder
    prompts = all_prompts(found.prompts)
    before = choose_prompt(prompts, found.default_prompt_name, prompt_name, prompt)
    skips_prompt = bool(before) and not found.include_prompt
    if skips_prompt or not _computes(found) or sum(map(len, texts)) > _MOST_CHARACTERS:
        return None
    encoder = LightEncoder.open(found.weights, found.config, bfloat16=bfloat16)
    width = found.config.hidden_size * len(found.pooling_modes)
    modules = light_modules(found.after_pooling, width)
    if encoder is None or modules is None:
        return None
    token_ids, truncation = found.tokenizer([before + text for text in texts])
    work = sum(encoder.multiplications(len(ids)) for ids in token_ids)
    if work > _MOST_MULTIPLICATIONS or not all(token_ids):
        return None
    encoded = encoder(token_ids)
    if encoded is None:
        return None
    with np.errstate(all="ignore"):  # NaN and infinity are checked once, at the end
        pooled = [
            np.concatenate([_POOLED[mode](tokens) for mode in found.pooling_modes])
            for tokens in encoded
        ]
        vectors = np.stack(pooled)
        for module in modules:
            vectors = module(vectors)
        vectors = vectors[:, : truncate_dim or found.truncate_dim]
        vectors = scaled(vectors) if normalize_embeddings else vectors
    if not all_finite(vectors):
        return None
    say_left_out(encoder.left_out, found.weights)
    return FewVectors(vectors, encoded, truncation, found.tokenizer.max_seq_length)


def _computes(found: ModelFolder) -> bool:
    plain = found.adapter is None and found.weights.name == WEIGHTS and not found.own_stages
    return plain and _POOLED.keys() >= set(found.pooling_modes)
