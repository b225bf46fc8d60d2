"""A few questions → their vectors, without the time and memory that importing PyTorch takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sentune.encoding.few.few_texts import encode_few
from sentune.encoding.fingerprint import tokenizer_digest, weights_digest
from sentune.index.index_model import IndexModel
from sentune.machine.hardware import may_have_gpu, processor_bfloat16_unit
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import resolve
from sentune.network.light_encoder import LightEncoder
from sentune.ranking.token_vectors import Compared, TokenVectors, weighted
from sentune.ranking.token_weights import Idf
from sentune.tokens.tokenizer import Tokenizer
from sentune.tokens.truncation import record_truncation

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["EncodedQuestions", "encode_questions"]

_FEW = 8  # more are encoded faster by the model, with the time to load it


@dataclass(frozen=True, slots=True)
class EncodedQuestions:
    """Vectors (Q, d) of questions, and the vectors of their tokens that are compared."""

    vectors: NDArray[np.float32]
    tokens: Sequence[TokenVectors]
    tokenizer: Tokenizer
    prompt: str

    @classmethod
    def by(cls, model: SentenceTransformer, questions: Sequence[str]) -> Self:
        """Both from one computation. Raises ModelError if a token vector is not finite."""
        compared = Compared.of(model.tokenizer, model.query_prompt)
        vectors, tokens = model.encode_with_tokens(
            questions, model.query_prompt, lambda _, rows: compared.vectors(rows)
        )
        return cls(vectors, tokens, model.tokenizer, model.query_prompt)

    def weighted(self, questions: Sequence[str], idf: Idf) -> list[TokenVectors]:
        """The token vectors times their weights, as the late stage compares them."""
        return weighted(self.tokens, self.tokenizer, questions, idf, self.prompt)


def encode_questions(built_with: IndexModel, questions: Sequence[str]) -> EncodedQuestions | None:
    """What ``EncodedQuestions.by(built_with.load(), questions)`` is; None where that has to do it.

    That is for the models and texts that :func:`sentune.encoding.few.few_texts.encode_few` leaves
    to it, for another processor, and for a model that is not the one the index was built with: then
    it says how they differ.

    Raises:
        ModelError: the model is not where it was, or is damaged, or a token vector is not finite.
    """
    known = built_with.fingerprint
    bfloat16 = known.number_format == "bfloat16"
    computed = known.number_format == "float32" or (bfloat16 and processor_bfloat16_unit())
    if not computed or len(questions) > _FEW or may_have_gpu():
        return None
    base = resolve(built_with.name, built_with.revision)
    folder = ModelFolder.read(base.folder)
    if not _is_the_same(built_with, folder, bfloat16):
        return None
    options: dict[str, Any] = {"prompt": known.query_prompt, "truncate_dim": known.dimension}
    encoded = encode_few(base, list(questions), bfloat16=bfloat16, folder=folder, **options)
    if encoded is None:
        return None
    record_truncation(encoded.truncation)
    compared = Compared.of(folder.tokenizer, known.query_prompt)
    tokens = list(map(compared.vectors, encoded.tokens))
    return EncodedQuestions(encoded.vectors, tokens, folder.tokenizer, known.query_prompt)


def _is_the_same(built_with: IndexModel, folder: ModelFolder, bfloat16: bool) -> bool:
    """Whether a folder has the index's model. Cost: one SHA-256 over its weights."""
    known = built_with.fingerprint
    following = [entry.kind for entry in folder.after_pooling]
    normalize = following == ["Normalize"]
    found = ("+".join(folder.pooling_modes), normalize, folder.tokenizer.max_seq_length)
    if found != (known.pooling, known.normalize, known.max_seq_length):
        return False
    if folder.adapter is not None or (following and not normalize):
        return False
    encoder = LightEncoder.open(folder.weights, folder.config, bfloat16=bfloat16)
    if encoder is None or tokenizer_digest(folder.tokenizer) != known.tokenizer:
        return False
    weights = ((name, "float32", shape, pieces) for name, shape, pieces in encoder.weights())
    return weights_digest(weights) == known.weights
