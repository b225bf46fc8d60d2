"""Passages as their own teachers: their sentences are questions that they answer."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.ranking.bm25 import BM25
from sentune.ranking.rank import rank

__all__ = ["WordsOrModel", "sentence_rows", "words_or_model"]

_ENDS = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？；：])|\n+")
_SENTENCE = range(40, 250)  # characters: shorter ones are headings, longer ones no sentences
_PIECE = 100
_QUESTIONS, _PASSAGES = 200, 500  # that the two are compared on


class WordsOrModel(NamedTuple):
    """Mean nDCG@10 of BM25 and of a model on questions that are to be trained on."""

    words: float
    model: float
    questions: int


def words_or_model(pairs: Pairs, model: SentenceTransformer, seed: int) -> WordsOrModel:
    """How well BM25 and the model find the passages of up to 200 questions among up to 500.

    Training on sentences teaches the words of a corpus. Where BM25 is the better of the two on the
    questions that are there, that is what the model lacks; where it is the worse, it leads astray:
    measured on both kinds of corpus, see docs/performance-log.md.

    Cost: one encoding of those questions and passages.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    draw = np.random.default_rng(seed)
    names = list(pairs.relevant)
    asked = [names[place] for place in draw.permutation(len(names))[:_QUESTIONS]]
    wanted = dict.fromkeys(name for key in asked for name in pairs.relevant[key])
    others = [name for name in pairs.passages if name not in wanted]
    further = draw.permutation(len(others))[: max(0, _PASSAGES - len(wanted))]
    kept = [*wanted, *(others[place] for place in further)]
    texts = {name: pairs.passages[name] for name in kept}
    task = RetrievalTask.from_pairs(replace(pairs.select(asked), passages=texts, negatives={}))
    by_model = model.encode_query(task.questions, normalize_embeddings=True) @ (
        model.encode_document(task.passages, normalize_embeddings=True).T
    )
    words, found = (
        float(question_metrics(rank(scores), task.relevant)["ndcg@10"].mean())
        for scores in (BM25(task.passages).scores(task.questions), by_model)
    )
    return WordsOrModel(words, found, len(task.questions))


def sentence_rows(
    pairs: Pairs, model: SentenceTransformer, tokens: int, each: int, seed: int
) -> list[tuple[str, ...]]:
    """Rows of a sentence and the piece of a passage that it stands in, and no other does.

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
    room = tokens - sum(model.tokenizer.frame())
    pieces = dict.fromkeys(
        piece
        for text in pairs.passages.values()
        for piece in model.tokenizer.pieces(text, room)
        if len(piece) >= _PIECE
    )
    found = {piece: _sentences(piece) for piece in pieces}
    times = Counter(part for parts in found.values() for part in parts)
    rows: list[tuple[str, ...]] = []
    for piece, parts in found.items():
        sentences = [part for part in parts if times[part] == 1]
        chosen = draw.permutation(len(sentences))
        rows += ((sentences[place], piece) for place in islice(chosen, each))
    if pairs.negative_count:
        rows = _with_others(rows, list(pieces), pairs.negative_count, draw)
    return [rows[place] for place in draw.permutation(len(rows))]


def _sentences(piece: str) -> list[str]:
    # A piece that is one sentence would be the answer to itself.
    parts = dict.fromkeys(_ENDS.split(piece))
    return [part for part in parts if len(part) in _SENTENCE and part != piece.strip()]


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
