"""How much each token of a question counts in the late stage: what BM25 says of its word.

With equal weights "what are the" counts as much as the three words after it, and nearly every
passage has tokens near them. docs/performance-log.md has what the weights gained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.ranking.bm25 import counted_words

if TYPE_CHECKING:
    from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Idf", "token_weights"]

Idf = Callable[[str], float]
"""Stemmed word → its idf in the passages that are searched."""


def token_weights(
    tokenizer: Tokenizer, questions: Sequence[str], idf: Idf, prompt: str = ""
) -> list[NDArray[np.float32]]:
    """The weight of each token of each question, (tokens,), with a mean of 1.

    A token has the idf of its word. Words that BM25 does not count (stopwords, single letters,
    signs) have 0. If no word counts, all tokens have 1. Special tokens and those of the prompt are
    left out.

    Cost: one tokenization, and one look at the postings for each different word.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    before, after = tokenizer.prompt_length(prompt), tokenizer.frame()[1]
    places = tokenizer.offsets([prompt + question for question in questions])
    words = counted_words(questions)
    known = {word.stem: idf(word.stem) for row in words for word in row}
    found = []
    for question, own, row in zip(questions, places, words, strict=True):
        of_character = np.zeros(len(prompt) + len(question))
        for word in row:
            of_character[len(prompt) + word.start : len(prompt) + word.end] = known[word.stem]
        tokens = own[before : max(before, len(own) - after)]
        found.append(_with_mean_1([of_character[a:b].max(initial=0.0) for a, b in tokens]))
    return found


def _with_mean_1(weights: Sequence[float]) -> NDArray[np.float32]:
    total = sum(weights)
    if not total:
        return np.ones(len(weights), dtype=np.float32)
    return np.array([weight * len(weights) / total for weight in weights], dtype=np.float32)
