"""The scores that an index has to give: for each passage, those of its best piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.ranking.bm25 import BM25

Scores = NDArray[np.float64]


def dense_scores(
    model: SentenceTransformer, questions: Sequence[str], texts: Sequence[str]
) -> Scores:
    """The model's similarity of questions (Q) and the best pieces of texts (P): (Q, P)."""
    pieces = _pieces(model, texts)
    vectors = model.encode_document([piece for own in pieces for piece in own])
    return _best(np.asarray(model.similarity(model.encode_query(questions), vectors)), pieces)


def word_scores(
    model: SentenceTransformer, questions: Sequence[str], texts: Sequence[str]
) -> Scores:
    """BM25 over all pieces of texts, and the best of each: (Q, P)."""
    pieces = _pieces(model, texts)
    return _best(BM25([piece for own in pieces for piece in own]).scores(questions), pieces)


def _pieces(model: SentenceTransformer, texts: Sequence[str]) -> list[list[str]]:
    room = model.max_seq_length - sum(model.tokenizer.frame())
    return [model.tokenizer.pieces(text, room) for text in texts]


def _best(scores: NDArray[np.floating], pieces: Sequence[Sequence[str]]) -> Scores:
    found = np.empty((len(scores), len(pieces)))
    start = 0
    for passage, own in enumerate(pieces):
        found[:, passage] = scores[:, start : start + len(own)].max(axis=1)
        start += len(own)
    return found
