"""The public class: build, open, add, delete, search, rebuild."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sentune.data.files.lines import STDIN
from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import similarity
from sentune.errors import ArgumentError, IndexFolderError
from sentune.files import require_free
from sentune.index.arrow_rows import SOURCE, VECTOR, fields_of_row
from sentune.index.candidates import MODES, Question, Ranked, ranked
from sentune.index.changes import Changes
from sentune.index.dense import Dense
from sentune.index.facts import Facts
from sentune.index.info import IndexInfo
from sentune.index.layout import Layout
from sentune.index.sources import Data, Sources, sources_of
from sentune.index.table import METRICS, among_ids, of_source, require_lancedb
from sentune.index.table_writing import WritableTable
from sentune.index.writer import Writer
from sentune.ranking.bm25 import stemmed_words
from sentune.search.hit import IndexHit

__all__ = ["Index"]

_EVEN = 0.5  # before a tuning has settled it; the best weights lay around it


class Index:
    """Passages and their vectors in a folder, with the model that they belong to.

    Made by :meth:`build` and :meth:`open`. What ``add`` and ``delete`` have returned from is
    there after the process is killed. Several processes may search and write at once: writers
    wait for each other, and a search sees what was committed when it began.

    Attributes:
        path: the folder.
    """

    def __init__(
        self, layout: Layout, version: int, facts: Facts, model: SentenceTransformer | None
    ) -> None:
        self.path = layout.path
        self._layout = layout
        self._given = model is not None
        self._model = model
        self._use(version, facts)

    def _use(self, version: int, facts: Facts) -> None:
        self._folder = self._layout.folder(version)
        self._table = WritableTable(
            self._folder, facts.fingerprint.dimension, facts.fingerprint.similarity
        )
        self._writer = Writer(self._layout, version, self._table, lambda: self.model)
        self._version = version
        self._facts = facts

    # ── making and opening ────────────────────────────────────────────────────────────────────

    @classmethod
    def build(
        cls,
        path: str | Path,
        model: SentenceTransformer,
        data: Data,
        *,
        show_progress_bar: bool = False,
    ) -> Self:
        """Encode passages into a new index.

        A build that was stopped goes on where it was when it is run again with the same model;
        until then the folder is not an index that can be opened.

        Args:
            path: a folder that does not exist yet, or an unfinished index.
            model: encodes passages and questions, with its prompts.
            data: see :data:`sentune.index.sources.Data`.
            show_progress_bar: a bar on standard error.

        Raises:
            OutputError: ``path`` holds something else, or cannot be written.
            DataError: the data cannot be read.
            ArgumentError: the model compares by manhattan distance.
            MissingExtraError: without the extra ``index``.
        """
        require_lancedb()
        _require_metric(model)
        layout = Layout(path)
        layout.require_free()
        if not layout.path.exists():
            require_free(layout.path)
        sources = sources_of(data)
        try:
            with layout.filling():
                layout.require_free()  # reading the data can take long
                return cls._built(layout, model, sources, show_progress_bar)
        finally:
            layout.remove_if_empty()

    @classmethod
    def _built(
        cls, layout: Layout, model: SentenceTransformer, sources: Sources, show_progress_bar: bool
    ) -> Self:
        index = cls._begin(layout, layout.unfinished() or 1, model)
        try:
            index._writer.apply(sources, alone=True, show_progress_bar=show_progress_bar)
        except BaseException:
            if not index._table.count():
                layout.discard(index._version)
            raise
        layout.publish(index._version)
        return index

    @classmethod
    def open(cls, path: str | Path, model: SentenceTransformer | None = None) -> Self:
        """Open an index.

        Args:
            path: its folder.
            model: loaded from where it was at the time of building when None, and then only once
                a text has to be encoded.

        Raises:
            IndexFolderError: there is no index, it is unfinished or damaged, or ``model`` is not
                the one it was built with.
            MissingExtraError: without the extra ``index``.
        """
        require_lancedb()
        layout = Layout(path)
        version = layout.version()
        facts = Facts.read(layout.folder(version))
        if model is not None:
            facts.require(fingerprint(model), layout.path, model.base.name)
        return cls(layout, version, facts, model)

    @classmethod
    def _begin(cls, layout: Layout, version: int, model: SentenceTransformer) -> Self:
        """A version to fill, new or left unfinished by the same model."""
        facts = Facts.of(model)
        folder = layout.folder(version)
        if folder.exists() and (
            not Facts.is_in(folder) or Facts.read(folder).fingerprint != facts.fingerprint
        ):
            layout.discard(version)
        folder.mkdir(parents=True, exist_ok=True)
        facts.write(folder)
        WritableTable.create(folder, facts.fingerprint.dimension)
        return cls(layout, version, facts, model)

    @property
    def model(self) -> SentenceTransformer:
        """The model, loaded when it is first needed.

        Raises:
            ModelError: it is no longer where it was; open the index with ``model``.
            IndexFolderError: what is there now is another model.
        """
        if self._model is None:
            model = self._facts.load()
            self._facts.require(fingerprint(model), self.path, self._facts.model)
            self._model = model
        return self._model

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def add(self, data: Data, *, show_progress_bar: bool = False) -> Changes:
        """Add passages, or bring those of a file or a folder up to date.

        A file that was added before loses the passages that it no longer has; so does a folder,
        whose vanished files go altogether. Passages from Python replace those with their ids.
        Only texts that the index does not have yet are encoded. They are committed in chunks of
        4,096, and each stays whatever happens to the next; all the data is read once before the
        first.

        Raises:
            DataError: the data cannot be read; nothing is changed.
            OutputError: the folder cannot be written, or the disk is full.
            IndexFolderError: the index was rebuilt with another model in the meantime.
            ModelError: the model is no longer where it was.
        """
        self._follow()
        return self._writer.apply(sources_of(data), show_progress_bar=show_progress_bar)

    def delete(
        self,
        ids: Iterable[str] = (),
        *,
        where: str | None = None,
        source: str | Path | None = None,
    ) -> int:
        """Remove passages by id, by filter, or those of a file; how many there were.

        Raises:
            ArgumentError: not exactly one of the three, or a filter that cannot be used.
            OutputError: the folder cannot be written.
        """
        listed = [ids] if isinstance(ids, str) else list(ids)
        if not all(isinstance(each, str) for each in listed):
            raise ArgumentError(
                "an id that is no text", expected="ids as texts", fix="convert them with str"
            )
        if bool(listed) + bool(where) + (source is not None) != 1:
            raise ArgumentError(
                "ids, a filter and a source to delete by" if listed or where else "nothing",
                expected="either ids, or a filter, or a source",
                fix="give one of them",
            )
        self._follow()
        if source is not None:
            name = str(source)
            where = of_source(name if name in ("", STDIN) else str(Path(name).resolve()))
        return self._writer.delete([where] if where else among_ids(listed))

    def rebuild(self, model: SentenceTransformer, *, show_progress_bar: bool = False) -> None:
        """Encode all passages anew with another model, and switch to it when that is done.

        Searches go on in the old version until then. What is added in the meantime is taken over.
        Run again after a kill, it goes on where it was.

        Raises:
            OutputError: the folder cannot be written, or another process is rebuilding.
            ArgumentError: the model compares by manhattan distance.
        """
        _require_metric(model)
        with self._layout.filling():
            self._follow()
            number = self._layout.unfinished() or self._version + 1
            fresh = self._begin(self._layout, number, model)
            while not self._handed_over(fresh, show_progress_bar=show_progress_bar):
                pass
        self._given, self._model = True, model
        self._use(number, fresh._facts)

    def _handed_over(self, fresh: Index, *, show_progress_bar: bool) -> bool:
        """Whether ``fresh`` has all passages and holds now; if not, some were added meanwhile."""
        self._table.refresh()
        revision = self._table.revision()
        fresh._writer.copy(self._table, show_progress_bar=show_progress_bar)
        with self._writer.writing():
            if self._table.revision() != revision:
                return False
            self._layout.publish(fresh._version)
        return True

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Number of passages."""
        self._follow()
        return self._table.count()

    @property
    def mode(self) -> str:
        """How a search ranks when it is not told: hybrid for a tuned model, dense for others."""
        weight = self._facts.fusion_weight
        return "dense" if weight is None or weight == 1 else "hybrid"

    @property
    def fusion_weight(self) -> float:
        """The model's share in a hybrid search: what its tuning chose, or ½."""
        weight = self._facts.fusion_weight
        return _EVEN if weight is None else weight

    def search(
        self, query: str, top: int = 10, *, where: str | None = None, mode: str | None = None
    ) -> list[IndexHit]:
        """The passages that answer a question, the best first.

        Args:
            query: the question.
            top: how many, at most.
            where: a condition on the fields, as in SQL: ``page > 3 AND title = 'Methods'``.
            mode: ``dense`` (by the model), ``words`` (by BM25) or ``hybrid`` (by the fusion of the
                first hundred of both, with the weight that tuning chose, or ½). :attr:`mode` when
                None.

        Raises:
            ArgumentError: an empty question, an unknown mode, ``top`` below 1, or a filter that
                cannot be used.
            IndexFolderError: the index is damaged, or was rebuilt with another model than the
                one that ``open`` was given.
            ModelError: the model is no longer where it was.
        """
        mode = self.mode if mode is None else mode
        _require_question(query, top, mode)
        self._follow()
        question = Question(
            vector=None if mode == "words" else self.model.encode_query(query),
            words=None if mode == "dense" else stemmed_words([query])[0],
        )
        compared = self._table.count(where)
        if not compared:
            return []
        probes = Dense.read(self._folder).probes_for(compared)
        if question.vector is not None and question.words is None:
            nearest = self._table.nearest_rows(question.vector, top, where=where, probes=probes)
            return [
                _hit(place, row, score, score)
                for place, (row, score) in enumerate(nearest, start=1)
            ]
        found = ranked(
            self._table, question, top, weight=self.fusion_weight, where=where, probes=probes
        )
        return self._hits(found, question.vector)

    def _hits(self, found: Ranked, vector: NDArray[np.float32] | None) -> list[IndexHit]:
        rows = self._table.take([row_id for row_id, _ in found])
        similarities: list[float | None] = [None] * len(rows)
        if vector is not None and rows:
            stored = np.stack([np.asarray(row[VECTOR], dtype=np.float32) for row in rows])
            name = self._facts.fingerprint.similarity
            similarities = similarity(vector, stored, name)[0].tolist()
        return [
            _hit(place, row, score, likeness)
            for place, ((_, score), row, likeness) in enumerate(
                zip(found, rows, similarities, strict=True), start=1
            )
        ]

    def info(self) -> IndexInfo:
        """What there is to know of the index, without loading its model."""
        self._follow()
        count, known = self._table.count(), self._facts.fingerprint
        dense = Dense.read(self._folder)
        return IndexInfo(
            path=str(self.path),
            version=self._version,
            passages=count,
            sources=self._table.sources(),
            fields=self._table.fields,
            model=self._facts.model,
            weights=known.weights,
            dimension=known.dimension,
            max_seq_length=known.max_seq_length,
            query_prompt=known.query_prompt,
            document_prompt=known.document_prompt,
            number_format=known.number_format,
            fusion_weight=self._facts.fusion_weight,
            mode=self.mode,
            dense=dense.describe(count),
            recall=1.0 if dense.probes_for(count) is None else dense.recall,
            words_covered=self._table.words_covered(),
            bytes=sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file()),
        )

    def _follow(self) -> None:
        """See what was committed since, and a rebuild if there was one."""
        version = self._layout.version()
        if version != self._version:
            facts = Facts.read(self._layout.folder(version))
            if facts.fingerprint != self._facts.fingerprint:
                if self._given:
                    raise IndexFolderError(
                        f"{self.path} was rebuilt with {facts.model} since it was opened",
                        expected="the model it was opened with",
                        fix="open it again",
                    )
                self._model = None
            self._use(version, facts)
        self._table.refresh()


def _hit(place: int, row: Mapping[str, Any], score: float, likeness: float | None) -> IndexHit:
    return IndexHit(
        rank=place,
        id=row["id"],
        score=score,
        similarity=likeness,
        text=row["text"],
        source=row[SOURCE],
        fields=fields_of_row(row),
    )


def _require_metric(model: SentenceTransformer) -> None:
    if model.similarity_fn_name not in METRICS:
        raise ArgumentError(
            f"a model that compares by {model.similarity_fn_name}",
            expected=f"one that compares by {', '.join(METRICS)}",
            fix="load it with another similarity_fn_name",
        )


def _require_question(query: str, top: int, mode: str) -> None:
    if not isinstance(query, str) or not query.strip():
        raise ArgumentError(
            f"the question {query!r}", expected="a text with a word in it", fix="ask for something"
        )
    if not isinstance(top, int) or top < 1:
        raise ArgumentError(f"top {top!r}", expected="at least 1", fix="ask for more results")
    if mode not in MODES:
        raise ArgumentError(
            f"the mode {mode!r}",
            expected=f"one of {', '.join(MODES)}",
            fix="leave it out for the one that suits the model",
        )
