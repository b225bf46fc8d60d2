"""Long passages for training: cut into pieces, of which each question learns from the right one.

A passage beyond the length limit is truncated, so a question about its end would be trained
towards its beginning. And a step costs what its tokens cost: a piece of half the limit, which holds
the answer, costs half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sentune.data.assembly import counted
from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError
from sentune.model.sentence_transformer import SentenceTransformer

__all__ = ["cut_passages"]


def cut_passages(pairs: Pairs, model: SentenceTransformer, tokens: int) -> Pairs:
    """Cut passages of more than ``tokens`` tokens, and choose a piece for each question.

    Pieces are about equally long and keep words whole. The piece that answers is not known; taken
    is the one nearest to the question by the model's cosine, as in learning from several instances
    of which one is right (Dietterich et al. 1997). Passages that no question asks for and hard
    negatives are left as they are.

    Args:
        pairs: questions with their passages.
        model: chooses, with its prompts for questions and passages; usually the base model.
        tokens: the most in a piece, special tokens included.

    Returns:
        The pairs with the piece in place of the passage, and a note of what was cut. The other
        pieces are among the passages, where no question asks for them.

    Cost: encoding the questions and pieces of the passages that are cut.

    Raises:
        ArgumentError: ``tokens`` leaves no room for a text beside the special tokens.
    """
    room = tokens - len(model.tokenizer([""])[0][0])
    if room < 1:
        raise ArgumentError(
            f"pieces of {tokens} tokens",
            expected="room for a text beside the special tokens",
            fix="use 128, or leave passages whole",
        )
    asked = dict.fromkeys(name for names in pairs.relevant.values() for name in names)
    pieces = {name: model.tokenizer.pieces(pairs.passages[name], room) for name in asked}
    several = {name: found for name, found in pieces.items() if len(found) > 1}
    if not several:
        return pairs
    passages: dict[str, str] = {}
    for name, text in pairs.passages.items():
        for number, piece in enumerate(several.get(name, [text])):
            passages[_named(name, number) if name in several else name] = piece
    chosen = _choose(pairs, several, model)
    relevant = {
        key: tuple(chosen.get((key, name), name) for name in names)
        for key, names in pairs.relevant.items()
    }
    note = (
        f"{counted(len(several), 'passage')} of more than {tokens} tokens became "
        f"{sum(map(len, several.values()))} pieces; each question learns from the nearest one"
    )
    return replace(pairs, passages=passages, relevant=relevant, notes=(*pairs.notes, note))


def _named(passage: str, number: int) -> str:
    return f"{passage}\x1f{number}"  # a separator that no file's ids hold


def _choose(
    pairs: Pairs, several: dict[str, list[str]], model: SentenceTransformer
) -> dict[tuple[str, str], str]:
    """(question, passage) → the name of the piece, for passages in several pieces."""
    wanted = [
        (key, name) for key, names in pairs.relevant.items() for name in names if name in several
    ]
    keys = list(dict.fromkeys(key for key, _ in wanted))
    questions = dict(
        zip(keys, model.encode_query([pairs.questions[key] for key in keys]), strict=True)
    )
    vectors = model.encode_document(
        [piece for pieces in several.values() for piece in pieces], normalize_embeddings=True
    )
    ends = np.cumsum([len(pieces) for pieces in several.values()])
    parts = dict(zip(several, np.split(vectors, ends[:-1]), strict=True))
    return {
        (key, name): _named(name, int(np.argmax(parts[name] @ questions[key])))
        for key, name in wanted
    }
