"""Passages over a model's length limit → pieces, so that no token is left unseen.

Training, evaluation, search and index cut passages here. A passage's score is that of its
best piece, for the model and for BM25 alike (MaxP: Dai & Callan 2019, arXiv:1905.09217). With 110
pages as passages, 99 of them over the limit, and 796 questions, nDCG@10 of the base model rose
from .520, truncated, to .734. BM25 by the best piece had .894, by whole pages .858. Pieces that
share 32 or 64 tokens with their neighbours gained nothing and cost more (docs/performance-log.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.ranking.retrieval_model import RetrievalModel, Vectors
from sentune.ranking.token_vectors import Compared, TokenVectors
from sentune.tokens.truncation import Truncation, record_truncation

if TYPE_CHECKING:
    from sentune.encoding.text_encoder import TextEncoder
    from sentune.tokens.tokenizer import Tokenizer

__all__ = [
    "LONG_TEXTS",
    "LongText",
    "Pieces",
    "cut_texts",
    "cut_to",
    "encode_pieces",
    "encode_pieces_with_tokens",
    "require_long_text",
    "what_is_read",
]

LongText = Literal["pieces", "truncate"]
"""What is done with a passage over the length limit: it is cut into pieces, or it loses its end."""

LONG_TEXTS = ("pieces", "truncate")
_TOGETHER = 512  # texts whose tokens are counted at a time

Spans = Sequence[tuple[int, int]] | NDArray[np.int64]
Scores = NDArray[np.floating[Any]]
T = TypeVar("T")


def require_long_text(value: object) -> LongText:
    """``value`` as it is. Raises ArgumentError for anything but ``LONG_TEXTS``."""
    return cast("LongText", require_choice("long_text", value, LONG_TEXTS))


@dataclass(frozen=True, slots=True)
class Pieces:
    """P passages in n pieces, at least one each.

    Attributes:
        texts: the pieces, passage by passage.
        spans: (n, 2) start and end of each in its passage, in characters.
        starts: (P + 1,) the first piece of each passage; the last value is n.
    """

    texts: list[str]
    spans: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, passages: Sequence[str], spans: Sequence[Spans]) -> Pieces:
        """The pieces of passages, given where each is cut."""
        return cls(
            [text[a:b] for text, own in zip(passages, spans, strict=True) for a, b in own],
            np.concatenate([np.empty((0, 2), np.int64), *spans]).astype(np.int64),
            np.cumsum([0, *map(len, spans)], dtype=np.int64),
        )

    def by_passage(self) -> list[list[str]]:
        """The pieces of each passage."""
        return [self.texts[a:b] for a, b in pairwise(self.starts.tolist())]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(P,) the number of pieces of each passage."""
        return np.diff(self.starts)

    def best(self, scores: Scores) -> Scores:
        """Scores of pieces (Q, n) → of passages (Q, P): that of the best piece."""
        if len(self.texts) == len(self.starts) - 1:
            return scores
        found: Scores = np.maximum.reduceat(scores, self.starts[:-1], axis=1)
        return found

    def best_of(self, passages: NDArray[np.int64], scores: Scores) -> NDArray[np.int64]:
        """The best piece of chosen passages (Q, C), by the scores of all pieces (Q, n).

        Of equal pieces the first. Cost: O(Q · n).
        """
        if len(self.texts) == len(self.starts) - 1:
            return passages
        most = np.repeat(self.best(scores), self.counts, axis=1)
        places = np.where(scores == most, np.arange(len(self.texts)), len(self.texts))
        firsts = np.minimum.reduceat(places, self.starts[:-1], axis=1)
        found: NDArray[np.int64] = np.take_along_axis(firsts, passages, axis=1)
        return found

    def read_of(
        self, passages: NDArray[np.int64], dense: Scores, words: Scores
    ) -> NDArray[np.int64]:
        """The piece of chosen passages (Q, C) that the late stage reads.

        It is the best one by BM25, and by the model where the passage shares no word with the
        question. Both scores are of all pieces, (Q, n).
        """
        if len(self.texts) == len(self.starts) - 1:
            return passages
        shared = np.take_along_axis(self.best(words), passages, axis=1) > 0
        return np.where(shared, self.best_of(passages, words), self.best_of(passages, dense))

    def shown(self, passage: int, scores: Scores) -> dict[str, Any]:
        """What a hit says of the best piece of a passage, by the scores of all pieces (n,).

        Of equal pieces the first.
        """
        start, end = (int(each) for each in self.starts[passage : passage + 2])
        number = int(np.argmax(scores[start:end]))
        piece = self.texts[start + number]
        return {"piece": piece, "piece_number": number + 1, "pieces": end - start}

    def truncation(self) -> Truncation:
        """What to add to a count of the pieces as texts, to make it one of the passages."""
        several = self.counts[self.counts > 1]
        more = len(self.starts) - 1 - len(self.texts)
        return Truncation(texts=more, in_pieces=len(several), pieces=int(several.sum()))


def cut_texts(passages: Sequence[str], model: object, long_text: LongText = "pieces") -> Pieces:
    """Cut the passages that ``model`` cannot read whole, together with its prompt for passages.

    Pieces are about equally long, keep words whole and share nothing. Every token is in one of
    them. With ``truncate``, and for a model without a tokenizer of sentune, all stay whole.

    Cost: one tokenization of all passages, and two more of those that are cut.

    Raises:
        ArgumentError: the prompt leaves no room for a text.
    """
    from sentune.tokens.tokenizer import Tokenizer  # loads the library; a search by words does not

    tokenizer = getattr(model, "tokenizer", None)
    if long_text == "truncate" or not isinstance(tokenizer, Tokenizer):
        return Pieces.of(passages, [[(0, len(text))] for text in passages])
    room = _room(tokenizer, getattr(model, "document_prompt", ""))
    return cut_to(passages, tokenizer, room)


def cut_to(passages: Sequence[str], tokenizer: Tokenizer, room: int) -> Pieces:
    """The same for pieces of at most ``room`` tokens, special tokens and prompt not counted."""
    spans: list[Spans] = [[(0, len(text))] for text in passages]
    most = room + sum(tokenizer.frame())
    for start in range(0, len(passages), _TOGETHER):
        lengths = map(len, tokenizer.whole(passages[start : start + _TOGETHER]))
        for place, length in enumerate(lengths, start):
            if length > most:
                spans[place] = tokenizer.piece_spans(passages[place], room)
    return Pieces.of(passages, spans)


def _room(tokenizer: Tokenizer, prompt: str) -> int:
    """Tokens of a text that fit the limit."""
    before, after = tokenizer.frame()
    tokens = max(0, tokenizer.prompt_length(prompt) - before) if prompt else 0
    room = tokenizer.max_seq_length - before - after - tokens
    if room < 1:
        raise ArgumentError(
            f"a prompt for passages of {tokens} tokens and a length limit of "
            f"{tokenizer.max_seq_length}",
            expected="room for the text after the prompt and the special tokens",
            fix="shorten the prompt or raise max_seq_length",
        )
    return room


def encode_pieces(
    model: RetrievalModel, pieces: Pieces, *, show_progress_bar: bool | None = None
) -> Vectors:
    """Vectors (n, d) of pieces, each with the model's prompt for passages."""
    vectors = model.encode_document(pieces.texts, show_progress_bar=show_progress_bar)
    record_truncation(pieces.truncation())
    return vectors


def encode_pieces_with_tokens(
    model: TextEncoder,
    pieces: Pieces,
    keep: Callable[[NDArray[np.int32], TokenVectors], T],
) -> tuple[Vectors, list[T]]:
    """The same, and what ``keep`` makes of the compared tokens of each piece: ids and vectors.

    One computation gives both. Give some hundred pieces at a time.

    Raises:
        ModelError: a token vector is not finite.
    """
    compared = Compared.of(model.tokenizer, model.document_prompt)
    vectors, kept = model.encode_with_tokens(
        pieces.texts,
        model.document_prompt,
        lambda ids, rows: keep(ids[compared.of_text(len(ids))], compared.vectors(rows)),
    )
    record_truncation(pieces.truncation())
    return vectors, kept


def what_is_read(
    model: Any, questions: Sequence[str], passages: Sequence[str], long_text: LongText
) -> Truncation:
    """What the length limit does to questions, which are always truncated, and to passages."""
    pieces = cut_texts(passages, model, long_text)
    counted: Truncation = model.tokenizer([*questions, *pieces.texts])[1]
    counted.add(pieces.truncation())
    return counted
