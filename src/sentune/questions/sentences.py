"""Sentences of passages as training questions, each answered by its passage."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.questions.prose import sentences_of
from sentune.ranking.pieces import cut_to

__all__ = ["sentence_rows"]

_PIECE = 100


def sentence_rows(
    pairs: Pairs, model: SentenceTransformer, tokens: int, each: int, seed: int
) -> list[tuple[str, ...]]:
    """Rows of a sentence and the piece of a passage that contains it; sentences of one piece only.

    The inverse cloze task (Lee et al. 2019, arXiv:1906.00300), with the sentence left in the
    piece. Questions share words with the passages that answer them, and the model learns which
    words tell the passages of this corpus apart. No labels are needed, so passages without a
    question are used, too.

    Args:
        pairs: passages, cut into pieces or not. If rows have hard negatives, a sentence's row gets
            as many other pieces, drawn at random.
        model: its tokenizer counts.
        tokens: the most in a piece, special tokens included.
        each: the most sentences of a piece.
        seed: of the choice of sentences, and of the order of the rows.

    Returns:
        Rows as :meth:`Pairs.rows` gives them, in random order; none if no passage contains a
        sentence.

    Cost: one tokenization of all passages.
    """
    draw = np.random.default_rng(seed)
    room = tokens - sum(model.tokenizer.frame())
    pieces = dict.fromkeys(
        piece
        for piece in cut_to(list(pairs.passages.values()), model.tokenizer, room).texts
        if len(piece) >= _PIECE
    )
    found = {piece: sentences_of(piece) for piece in pieces}
    times = Counter(part for parts in found.values() for part in parts)
    rows: list[tuple[str, ...]] = []
    for piece, parts in found.items():
        sentences = [part for part in parts if times[part] == 1]
        chosen = draw.permutation(len(sentences))
        rows += ((sentences[index], piece) for index in islice(chosen, each))
    if pairs.negative_count:
        rows = _with_others(rows, list(pieces), pairs.negative_count, draw)
    return [rows[index] for index in draw.permutation(len(rows))]


def _with_others(
    rows: list[tuple[str, ...]], pieces: list[str], count: int, draw: np.random.Generator
) -> list[tuple[str, ...]]:
    """Each row with ``count`` other pieces; no rows if there is no other piece."""
    if len(pieces) < 2:
        return []
    indices = {piece: index for index, piece in enumerate(pieces)}
    others = draw.integers(len(pieces) - 1, size=(len(rows), count))
    answers = np.array([indices[row[1]] for row in rows]).reshape(-1, 1)
    others += others >= answers
    return [
        (*row, *(pieces[index] for index in found))
        for row, found in zip(rows, others.tolist(), strict=True)
    ]
