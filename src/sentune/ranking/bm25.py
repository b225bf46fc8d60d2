"""BM25: the ranking by shared words that a sentence-embedding model has to beat."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError, MissingExtraError
from sentune.ranking.postings import Collection, Postings

__all__ = ["BM25", "CountedWord", "counted_words", "require_bm25", "stemmed_words"]

_WORD = re.compile(r"\b\w\w+\b")  # as bm25s finds them


def require_bm25() -> None:
    """Raise MissingExtraError before long work that will need bm25s and PyStemmer."""
    _import("bm25s", "bm25s")
    _import("Stemmer", "PyStemmer")


def stemmed_words(texts: Sequence[str]) -> list[list[str]]:
    """The words of texts that BM25 counts, in order and with repeats: one list a text.

    Words are runs of two or more letters or digits in lower case, without the 179 English stopwords
    of NLTK, stemmed by Snowball's English stemmer. The long list of stopwords was at least as good
    as bm25s' default of 33 on all five question sets tried (mean nDCG@10 .810 against .800; four of
    the five are about the same documents): it has the words that every question has.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    stopwords = frozenset(_bm25s().stopwords.STOPWORDS_EN_PLUS)
    ids: dict[str, int] = {}

    def counted(text: str) -> list[int]:
        words = (word for word in _WORD.findall(text.lower()) if word not in stopwords)
        return [ids.setdefault(word, len(ids)) for word in words]

    rows = list(map(counted, texts))
    # A stemmer is made each time, because threads cannot share one.
    stems = _import("Stemmer", "PyStemmer").Stemmer("english").stemWords(list(ids))
    return [[stems[number] for number in row] for row in rows]


class CountedWord(NamedTuple):
    """A word that BM25 counts: where it is in its text, in characters, and its stem."""

    start: int
    end: int
    stem: str


def counted_words(texts: Sequence[str]) -> list[list[CountedWord]]:
    """``stemmed_words`` with the place of each.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    found = [list(_WORD.finditer(text)) for text in texts]
    words = list(dict.fromkeys(each.group() for row in found for each in row))
    stems = dict(zip(words, stemmed_words(words), strict=True))
    return [
        [
            CountedWord(each.start(), each.end(), stem)
            for each in row
            for stem in stems[each.group()]
        ]
        for row in found
    ]


class BM25:
    """BM25 over ``stemmed_words``; :class:`~sentune.ranking.postings.Collection` has the formula.

    k1 from 0.9 to 2 or b = 0.9 changed the mean nDCG@10 of the five sets by at most .003, b = 0.6
    lost .005, so the usual values stay.

    Building takes O(words of the corpus), scoring a question O(P + postings of its words). Nothing
    is printed, and equal input gives equal bits.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
        DataError: There are no passages.
    """

    def __init__(self, passages: Sequence[str]) -> None:
        if not passages:
            raise DataError(
                "an empty list of passages",
                expected="at least one passage",
                fix="give the passages to search in",
            )
        self._passage_count = len(passages)
        self._collection = Collection([Postings.of(stemmed_words(passages))])

    def idf(self, word: str) -> float:
        """The idf of a stemmed word."""
        return self._collection.idf(word)

    def scores(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Score of every passage for every question: (Q, P), 0 where no word is shared.

        A word that is twice in a question counts twice. All scores are 0 or more.
        """
        scores = np.zeros((len(questions), self._passage_count), dtype=np.float32)
        for row, words in enumerate(stemmed_words(questions)):
            passages, found = self._collection.scores(words)
            scores[row, passages] = found
        return scores


def _bm25s() -> ModuleType:
    package = _import("bm25s", "bm25s")
    # bm25s sets its logger to DEBUG when imported, which prints through any root handler.
    logger = logging.getLogger("bm25s")
    if logger.level != logging.WARNING:  # setting it empties what all loggers remember
        logger.setLevel(logging.WARNING)
    return package


def _import(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A package that is there but broken keeps its own error.
        if error.name != module:
            raise
        raise MissingExtraError(package, "evaluate") from None
