"""What can be read of an index: its passages, found by a search, and its description."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.errors import IndexFolderError
from sentune.index.candidates import Candidates
from sentune.index.dense import Dense
from sentune.index.few_questions import EncodedQuestions, encode_questions
from sentune.index.index_model import IndexModel
from sentune.index.info import IndexInfo
from sentune.index.late import EncodedAnew, LateStage, StoredTokens
from sentune.index.points import Points
from sentune.index.store import Store
from sentune.index.version import Version
from sentune.ranking.bm25 import stemmed_words
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.token_weights import Idf
from sentune.search.searcher import MODES, Hit, require_question

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["IndexReader"]

_EVEN = 0.5  # for models that were not tuned: the best weights are around it


class IndexReader:
    """The current version of an index, followed when others change it."""

    _version_class = Version

    def __init__(
        self, store: Store, version: int, built_with: IndexModel, model: SentenceTransformer | None
    ) -> None:
        self.path = Path(store.location)
        self.location = store.location
        self._store = store
        self._given = model is not None
        self._model = model
        self._asked = False
        self._use(version, built_with)

    def _use(self, number: int, built_with: IndexModel) -> None:
        similarity = built_with.fingerprint.similarity
        tokens = built_with.tokens
        self._version = self._version_class(self._store, number, similarity, tokens)
        self._built_with = built_with

    def _follow(self) -> None:
        """See what was committed since, and a rebuild or another index in its place."""
        number = self._store.current()
        if number == self._version.number and self._version.goes_on():
            return
        built_with = IndexModel.read(self._store, number)
        if built_with.fingerprint != self._built_with.fingerprint:
            if self._given:
                raise IndexFolderError(
                    f"{self._store.location} was rebuilt with {built_with.name} since it was "
                    "opened",
                    expected="the model it was opened with",
                    fix="open it again",
                )
            self._model = None
        self._use(number, built_with)

    def __len__(self) -> int:
        """Number of passages."""
        self._follow()
        return self._version.count()

    @property
    def model(self) -> SentenceTransformer:
        """The model, loaded when it is first needed.

        Raises:
            ModelError: it is no longer where it was; open the index with ``model``.
            IndexFolderError: what is there now is another model.
        """
        if self._model is None:
            model, known = self._built_with.load(), self._built_with
            known.require(fingerprint(model), self._store.location, known.name)
            self._model = model
        return self._model

    @property
    def mode(self) -> str:
        """The default of a search: ``hybrid`` for a tuned model, ``dense`` for others.

        It is ``late`` for a model that was saved with a late stage.
        """
        if self._built_with.late is not None:
            return "late"
        weight = self._built_with.fusion_weight
        return "dense" if weight is None or weight == 1 else "hybrid"

    @property
    def fusion_weight(self) -> float:
        """The model's share in a hybrid search: what its tuning chose, or ½."""
        weight = self._built_with.fusion_weight
        return _EVEN if weight is None else weight

    @property
    def late(self) -> LateChoice:
        """Weight and depth of the late stage: what tuning chose, or the usual ones."""
        return self._built_with.late or LateChoice()

    @property
    def fingerprint(self) -> Fingerprint:
        """What its vectors depend on."""
        return self._built_with.fingerprint

    @property
    def similarity_fn_name(self) -> str:
        """How the model compares vectors."""
        return self._built_with.fingerprint.similarity

    @property
    def max_seq_length(self) -> int:
        """Tokens of a text that the model reads."""
        return self._built_with.fingerprint.max_seq_length

    def search(
        self, query: str, top: int = 10, *, where: str | None = None, mode: str | None = None
    ) -> list[Hit]:
        """The passages that answer a question, the best first.

        Cost: see ``docs/scale.md``; the model encodes the question, except for ``words``.

        Args:
            query: the question.
            top: how many, at most.
            where: a condition on the fields, as in SQL: ``page > 3 AND title = 'Methods'``.
            mode: ``dense`` (by the model), ``words`` (by BM25), ``hybrid`` (by the fusion of the
                first hundred of both, with the weight that tuning chose, or ½) or ``late`` (by that
                and then the tokens of the first passages, which are encoded for it in an index
                without stored tokens).
                :attr:`mode` when None.

        Raises:
            ArgumentError: an empty question, an unknown mode, ``top`` below 1, or a filter that
                cannot be used.
            IndexFolderError: the index is damaged, or was rebuilt with another model than the
                one that ``open`` was given.
            ModelError: the model is no longer where it was.
        """
        return self.search_many([query], top, where=where, mode=mode)[0]

    def search_many(
        self,
        queries: Sequence[str],
        top: int = 10,
        *,
        where: str | None = None,
        mode: str | None = None,
    ) -> list[list[Hit]]:
        """The hits of each question, as ``search`` finds them, in the order of the questions.

        All are encoded together and answered from one state of the index: a thousand questions
        cost less than a fifth of a thousand calls of ``search``. Arguments and errors are those of
        ``search``.
        """
        queries = list(queries) if not isinstance(queries, str) else [queries]
        for query in queries:
            top = require_question(query, top)
        self._follow()
        mode = self.mode if mode is None else require_choice("mode", mode, MODES)
        candidates = self._candidates(where)
        if candidates is None or not queries:
            return [[] for _ in queries]
        if mode == "dense":
            return [candidates.dense(vector, top) for vector in self._question_vectors(queries)]
        words = stemmed_words(queries)
        if mode == "words":
            return [candidates.words(each, top) for each in words]
        weight = self.fusion_weight
        if mode == "late":
            vectors, stages = self._late_stages(queries, candidates.snapshot.idf)
            return [
                candidates.late(vector, each, top, weight, stage)
                for vector, each, stage in zip(vectors, words, stages, strict=True)
            ]
        return [
            candidates.hybrid(vector, each, top, weight)
            for vector, each in zip(self._question_vectors(queries), words, strict=True)
        ]

    def _late_stages(
        self, questions: list[str], idf: Idf
    ) -> tuple[NDArray[np.float32], list[LateStage]]:
        """The vectors of questions, and what compares the tokens of each with passages."""
        if not self._built_with.tokens:
            stages: list[LateStage] = [EncodedAnew(self.late, self.model, q) for q in questions]
            return self._question_vectors(questions), stages
        light = self._without_torch(questions)
        encoded = EncodedQuestions.by(self.model, questions) if light is None else light
        return encoded.vectors, [
            StoredTokens(self.late, each) for each in encoded.weighted(questions, idf)
        ]

    def _without_torch(self, questions: list[str]) -> EncodedQuestions | None:
        # A first question does without PyTorch, if nothing else has loaded it. Others may follow,
        # and the model encodes those faster.
        if self._model is not None or self._asked or "torch" in sys.modules:
            return None
        self._asked = True
        return encode_questions(self._built_with, questions)

    def _question_vectors(self, questions: list[str]) -> NDArray[np.float32]:
        light = self._without_torch(questions)
        if light is not None:
            return light.vectors
        if len(questions) == 1:
            return self.model.encode_query(questions[0])[None]
        return self.model.encode_query(questions, show_progress_bar=False)

    def _dense(self) -> Dense:
        pieces = self._version.snapshot.pieces
        return Dense.read(self._store, self._version.number, pieces)

    def _candidates(self, where: str | None) -> Candidates | None:
        """The passages that a filter lets through; None if there are none."""
        dense = self._dense()
        if where is None:
            snapshot = self._version.snapshot
            count = snapshot.pieces
            return Candidates(snapshot, None, dense.nearness(count)) if count else None
        snapshot, allowed = self._version.allowed(where)
        count = int(np.count_nonzero(allowed))
        nearness = dense.nearness(count, conditioned=True)
        return Candidates(snapshot, allowed, nearness) if count else None

    def points(self, known: Points | None = None) -> Points:
        """The passages as points; ``known`` if nothing has changed since that was made.

        Raises:
            IndexFolderError: as ``search`` does.
        """
        self._follow()
        snapshot = self._version.snapshot
        return known if known is not None and known.snapshot is snapshot else Points(snapshot)

    def info(self) -> IndexInfo:
        """What is known of the index, without loading its model."""
        self._follow()
        count, known = self._version.count(), self._built_with.fingerprint
        pieces = self._version.snapshot.pieces
        dense = self._dense()
        return IndexInfo(
            path=self._store.location,
            version=self._version.number,
            passages=count,
            pieces=pieces,
            long_text=self._built_with.long_text,
            sources=self._version.table.sources(),
            fields=self._version.table.fields,
            model=self._built_with.name,
            weights=known.weights,
            dimension=known.dimension,
            max_seq_length=known.max_seq_length,
            query_prompt=known.query_prompt,
            document_prompt=known.document_prompt,
            number_format=known.number_format,
            fusion_weight=self._built_with.fusion_weight,
            mode=self.mode,
            dense=dense.describe(pieces, "passages" if pieces == count else "pieces"),
            recall=dense.recall_of(pieces),
            words_covered=count,
            bytes=self._store.size(),
            tokens=self._built_with.tokens,
            token_bytes=self._version.snapshot.token_bytes,
        )
