"""What every search takes and gives, in memory and in an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sentune.checks import require_whole
from sentune.data.roles.fields import FieldValue
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.ranking.late_interaction import LateChoice

__all__ = ["MODES", "Hit", "Searcher", "require_question"]

MODES = ("dense", "words", "hybrid", "late")
"""What ranks: the model, BM25, the fusion of both, or that and the late stage after it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found.

    Attributes:
        rank: 1 for the best.
        id: the passage's id in its source.
        score: what the passages are ranked by: the similarity, BM25's score, the fused score, or
            that and the late stage's.
        similarity: the model's score; None in a search by words alone.
        text: the passage.
        piece: the part of the text that it was found by: the best piece by the model's similarity,
            or by BM25 in a search by words alone. The text itself if it is within the model's
            limit, or was truncated.
        piece_number: 1 for the first piece of the passage.
        pieces: how many the passage has.
        source: the file that it came from; empty if it was given from Python.
        fields: its other columns; empty in a search in memory.
    """

    rank: int
    id: str
    score: float
    similarity: float | None
    text: str
    piece: str
    piece_number: int = 1
    pieces: int = 1
    source: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


class Searcher(Protocol):
    """Finds passages for a question: a ``PassageSearch`` or an :class:`sentune.index.Index`.

    Conditions and a choice of the mode are not part of it: only an index has them.
    """

    @property
    def model(self) -> SentenceTransformer:
        """The model that encodes the questions."""

    @property
    def mode(self) -> str:
        """One of ``MODES``."""

    @property
    def fusion_weight(self) -> float:
        """The model's share in a hybrid search."""

    @property
    def late(self) -> LateChoice:
        """Weight and depth of the late stage in a late search."""

    def search(self, query: str, top: int = 10) -> list[Hit]:
        """The passages that answer a question, the best first.

        Raises:
            ArgumentError: an empty question, or ``top`` below 1.
        """


def require_question(query: object, top: object) -> int:
    """``top`` as a plain integer. Raises ArgumentError for it, or for an empty question."""
    if not isinstance(query, str) or not query.strip():
        raise ArgumentError(
            f"the question is {query!r}",
            expected="a text with a word in it",
            fix="write a question",
        )
    return require_whole("top", top, fix="ask for more results")
