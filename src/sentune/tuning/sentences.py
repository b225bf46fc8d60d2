"""Passages as their own teachers: their sentences are questions that they answer."""

from __future__ import annotations

import re
from itertools import islice

import numpy as np

from sentune.data.pairs import Pairs
from sentune.model.sentence_transformer import SentenceTransformer

__all__ = ["sentence_rows"]

_ENDS = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？；：])|\n+")
_SENTENCE = range(40, 250)  # characters: shorter ones are headings, longer ones no sentences
_PIECE = 100


def sentence_rows(
    pairs: Pairs, model: SentenceTransformer, tokens: int, each: int, seed: int
) -> list[tuple[str, ...]]:
    """Rows of a sentence and the piece of a passage that it stands in.

    The inverse cloze task (Lee et al. 2019, arXiv:1906.00300), with the sentence left in its
    place: a question shares words with the passage that answers it, and the model is to learn
    which words tell the passages of this corpus apart. No labels are needed, so that passages
    which no question asks for are of use as well.

    Args:
        pairs: passages, cut into pieces or not, and how many hard negatives a row has: a sentence
            row gets other pieces in their place, drawn at random.
        model: whose tokenizer counts.
        tokens: the most in a piece, special tokens included.
        each: the most sentences of a piece.
        seed: settles which sentences, and the order of the rows.

    Returns:
        Rows as :meth:`Pairs.rows` gives them, in random order; none where passages hold nothing
        like a sentence.

    Cost: one tokenization of all passages.
    """
    draw = np.random.default_rng(seed)
    room = tokens - len(model.tokenizer([""])[0][0])
    pieces = dict.fromkeys(
        piece
        for text in pairs.passages.values()
        for piece in model.tokenizer.pieces(text, room)
        if len(piece) >= _PIECE
    )
    rows: list[tuple[str, ...]] = []
    for piece in pieces:
        parts = dict.fromkeys(_ENDS.split(piece))
        # A piece that is one sentence would be the answer to itself.
        sentences = [part for part in parts if len(part) in _SENTENCE and part != piece.strip()]
        chosen = draw.permutation(len(sentences))
        rows += ((sentences[place], piece) for place in islice(chosen, each))
    if pairs.negative_count:
        rows = _with_others(rows, list(pieces), pairs.negative_count, draw)
    return [rows[place] for place in draw.permutation(len(rows))]


def _with_others(
    rows: list[tuple[str, ...]], pieces: list[str], count: int, draw: np.random.Generator
) -> list[tuple[str, ...]]:
    """Each row with ``count`` other pieces; no rows where there is no other piece."""
    if len(pieces) < 2:
        return []
    places = {piece: place for place, piece in enumerate(pieces)}
    others = draw.integers(len(pieces) - 1, size=(len(rows), count))
    own = np.array([places[row[1]] for row in rows]).reshape(-1, 1)
    others += others >= own
    return [
        (*row, *(pieces[place] for place in found))
        for row, found in zip(rows, others.tolist(), strict=True)
    ]
