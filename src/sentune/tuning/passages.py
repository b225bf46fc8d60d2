"""Long passages are cut into pieces for training. Each question learns from the likeliest piece.

A passage beyond the length limit is truncated, so a question about its end would learn its
beginning. A step also costs what its tokens cost: a piece of half the length costs half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.ranking.blocks import row_blocks
from sentune.ranking.bm25 import BM25
from sentune.ranking.pieces import cut_to
from sentune.wording import counted

__all__ = ["cut_passages"]


def cut_passages(
    pairs: Pairs,
    model: SentenceTransformer,
    tokens: int,
    *,
    show_progress_bar: bool | None = None,
) -> Pairs:
    """Cut passages of more than ``tokens`` tokens, and choose a piece for each question.

    Pieces are about equally long and keep words whole. Which piece answers a question is not known
    (multiple-instance learning: Dietterich et al. 1997). The piece with the greatest sum of two
    z-scores is chosen, the model's cosine and BM25, each over all pieces: before training, neither
    is as good as both. Passages without a question and hard negatives are not cut.

    Args:
        pairs: questions with their passages.
        model: chooses the pieces, with its prompts for questions and passages; usually the base.
        tokens: the most in a piece, special tokens included.
        show_progress_bar: while pieces are encoded; as for ``encode``.

    Returns:
        The pairs with the piece instead of the passage, and a note of what was cut. The other
        pieces become passages without a question.

    Cost: encoding the questions and pieces of the passages that are cut, and questions · pieces
    scores of both kinds, a block of questions at a time.

    Raises:
        ArgumentError: ``tokens`` leaves no room for a text beside the special tokens.
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    room = tokens - sum(model.tokenizer.frame())
    if room < 1:
        raise ArgumentError(
            f"pieces of {tokens} tokens",
            expected=f"more than the {tokens - room} special tokens of a text",
            fix="use 128, or do not cut passages",
        )
    asked = dict.fromkeys(name for names in pairs.relevant.values() for name in names)
    cut = cut_to([pairs.passages[name] for name in asked], model.tokenizer, room)
    pieces = dict(zip(asked, cut.by_passage(), strict=True))
    several = {name: found for name, found in pieces.items() if len(found) > 1}
    if not several:
        return pairs
    passages: dict[str, str] = {}
    for name, text in pairs.passages.items():
        for number, piece in enumerate(several.get(name, [text])):
            passages[_piece_id(name, number) if name in several else name] = piece
    chosen = _choose(pairs, several, model, show_progress_bar)
    relevant = {
        key: tuple(chosen.get((key, name), name) for name in names)
        for key, names in pairs.relevant.items()
    }
    note = (
        f"{counted(len(several), 'passage')} of more than {tokens} tokens became "
        f"{sum(map(len, several.values()))} pieces; each question learns from the likeliest one"
    )
    return replace(pairs, passages=passages, relevant=relevant, notes=(*pairs.notes, note))


def _piece_id(passage: str, number: int) -> str:
    return f"{passage}\x1f{number}"  # a separator that ids in files do not contain


def _choose(
    pairs: Pairs,
    several: dict[str, list[str]],
    model: SentenceTransformer,
    show_progress_bar: bool | None,
) -> dict[tuple[str, str], str]:
    """(question, passage) → the id of the piece, for passages in several pieces."""
    texts = [piece for pieces in several.values() for piece in pieces]
    ends = np.cumsum([len(pieces) for pieces in several.values()]).tolist()
    spans = dict(zip(several, zip([0, *ends], ends, strict=False), strict=True))
    wanted = {
        key: asked
        for key, names in pairs.relevant.items()
        if (asked := [name for name in names if name in several])
    }
    questions = [pairs.questions[key] for key in wanted]
    queries = model.encode_query(questions, normalize_embeddings=True)
    passages = model.encode_document(
        texts, normalize_embeddings=True, show_progress_bar=show_progress_bar
    )
    words = BM25(texts)
    chosen: dict[tuple[str, str], str] = {}
    keys = list(wanted)
    for rows in row_blocks(len(keys), len(texts)):
        scores = _z(queries[rows] @ passages.T) + _z(words.scores(questions[rows]))
        for key, row in zip(keys[rows], scores, strict=True):
            for name in wanted[key]:
                start, end = spans[name]
                chosen[key, name] = _piece_id(name, int(np.argmax(row[start:end])))
    return chosen


def _z(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each row with mean 0 and deviation 1; zeros where all are equal."""
    exact = scores.astype(np.float64)
    centred = exact - exact.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    deviation[deviation == 0] = np.inf
    scaled: NDArray[np.float64] = centred / deviation
    return scaled
