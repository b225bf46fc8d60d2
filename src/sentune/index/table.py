"""Reading LanceDB's table of passages, in one version of an index.

This module and ``table_writing`` are the only code that calls that library, and every error of it
becomes one of ours. LanceDB numbers its own commits; ``revision.json`` names the current one.
Readers follow that file, not LanceDB's newest commit; ``table_writing`` says why.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError, IndexFolderError, MissingExtraError
from sentune.index.arrow_rows import (
    FIELDS_DIGEST,
    SOURCE,
    TEXT_DIGEST,
    VECTOR,
    WORDS,
    among,
    is_field,
    of_source,
    schema,
)
from sentune.index.store import Store
from sentune.ranking.bm25 import BM25, K1

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "METRICS",
    "NAME",
    "REVISION",
    "SETTLED",
    "PassageTable",
    "lancedb_errors",
    "reason",
    "require_lancedb",
]

Vector = NDArray[np.float32]
METRICS = {"cosine": "cosine", "dot": "dot", "euclidean": "l2"}
"""Similarity function → LanceDB's distance. It has none for manhattan."""

_LITERAL = re.compile(r"'[^']*'")
_SOURCE_LINE = re.compile(r",? ?/\S+\.rs:\d+:\d+")
NAME = "passages"
REVISION = "revision.json"
SETTLED = "settled"
# Full text has been reported to hang on machines with few cores; nothing here takes that long.
_TIMEOUT = timedelta(seconds=60)


def require_lancedb() -> Any:
    """LanceDB, imported with its settings. Raises MissingExtraError."""
    cores = os.cpu_count() or 1
    # LanceDB reads this when it is imported. With one thread its full text can wait for ever.
    os.environ.setdefault("LANCE_CPU_THREADS", str(max(2, cores)))
    os.environ.setdefault("LANCEDB_LOG", "error")  # or it warns on standard error
    for module, package in (("lancedb", "lancedb"), ("bm25s", "bm25s"), ("Stemmer", "PyStemmer")):
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise MissingExtraError(package, "index") from None
    return import_module("lancedb")


class PassageTable:
    """The rows of one version; ``similarity`` is a name in ``METRICS``.

    Raises:
        IndexFolderError: the table is missing, damaged, or of another dimension.
        MissingExtraError: without the extra ``index``.
    """

    def __init__(self, store: Store, version: int, dimension: int, similarity: str) -> None:
        self.similarity = similarity
        self.store = store
        self.version = version
        self._counted_at: tuple[int, NDArray[np.uint64], BM25] | None = None
        lancedb = require_lancedb()
        with self._reading(ValueError):  # there is no table
            self._table = lancedb.connect(store.uri(version)).open_table(NAME)
        self.refresh()
        expected = schema(dimension)
        with self._reading():
            found = self.schema
        missing = [name for name in expected.names if name not in found.names]
        if missing or found.field(VECTOR).type != expected.field(VECTOR).type:
            lacks = ", ".join(missing) or f"vectors of {dimension} dimensions"
            raise store.unreadable(f"the table of version {version} has no {lacks}")

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        return self._table.schema

    @property
    def fields(self) -> dict[str, str]:
        """The columns that came with the data, and their types in words."""
        return {column.name: str(column.type) for column in self.schema if is_field(column.name)}

    def refresh(self) -> None:
        """Read what others have committed since."""
        wanted = self._current_revision()
        if wanted is None or self.revision() == wanted:
            return
        try:
            with self._reading(ValueError):  # there is no commit of this number
                self._table.checkout(wanted)
        except IndexFolderError:
            # Since the number was read, a writer may have committed and removed old files.
            wanted = self._current_revision()
            with self._reading(ValueError):
                self._table.checkout(wanted)

    def revision(self) -> int:
        """The number of LanceDB's commit that is read."""
        with self._reading():
            return int(self._table.version)

    def _current_revision(self) -> int | None:
        """The number of the current commit; None in a table that was only just made."""
        content = self.store.read(self.version, REVISION)
        if content is None:
            return None
        revision = content.get("revision")
        if not isinstance(revision, int):
            raise self.store.unreadable(f"{REVISION} names no revision")
        return revision

    def count(self, where: str | None = None) -> int:
        """Rows, or those that a filter lets through. Raises ArgumentError for a bad filter."""
        if where is not None:
            self._require_filter(where)
        with self._reading():
            return int(self._table.count_rows(where))

    def digests(self, source: str | None = None) -> dict[str, dict[str, tuple[str, str]]]:
        """Source → id → digests of the text and of the fields, for one source or for all."""
        where = None if source is None else of_source(source)
        with self._reading():
            rows = self._scan([SOURCE, "id", TEXT_DIGEST, FIELDS_DIGEST], where).to_pydict()
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for name, each, text, fields in zip(*rows.values(), strict=True):
            found.setdefault(name, {})[each] = (text, fields)
        return found

    def sources(self) -> dict[str, int]:
        """Source → its number of passages."""
        with self._reading():
            counts = self._scan([SOURCE])[SOURCE].value_counts().to_pylist()
        return {each["values"]: each["counts"] for each in counts}

    def known_vectors(self, digests: Sequence[str]) -> dict[str, Vector]:
        """The vectors of texts that some row has already."""
        found: dict[str, Vector] = {}
        for each in among(TEXT_DIGEST, digests):
            with self._reading():
                rows = self._scan([TEXT_DIGEST, VECTOR], each)
            found |= dict(zip(rows[TEXT_DIGEST].to_pylist(), vectors_in(rows), strict=True))
        return found

    def batches(self, size: int) -> Iterator[pa.RecordBatch]:
        """All rows in batches, without words and vectors."""
        names = ["id", "text", SOURCE, TEXT_DIGEST, FIELDS_DIGEST, *self.fields]
        with self._reading():
            yield from self._table.search().select(names).to_batches(batch_size=size)

    def sample(self, size: int, seed: int) -> NDArray[np.float32]:
        """Vectors of ``size`` rows chosen at random, or of all: (n, dimension)."""
        count = self.count()
        chosen = np.random.default_rng(seed).choice(count, min(size, count), replace=False)
        with self._reading():
            rows = self._table.take_offsets(sorted(chosen.tolist())).select([VECTOR]).to_arrow()
        return vectors_in(rows)

    def nearest(
        self, vector: Vector, limit: int, *, where: str | None = None, probes: int | None = None
    ) -> tuple[list[int], NDArray[np.float64]]:
        """Row ids and similarities of the ``limit`` rows nearest to a vector, the nearest first.

        The filter, which ``count`` has checked, is applied before the search. ``probes`` are
        partitions looked into; all rows are compared when None.
        """
        rows, similarities = self._nearest(vector, limit, [], where, probes)
        return rows["_rowid"].to_pylist(), similarities

    def nearest_rows(
        self, vector: Vector, limit: int, *, where: str | None = None, probes: int | None = None
    ) -> tuple[list[dict[str, Any]], list[float]]:
        """The same with the rows themselves, without their vectors: a third faster than ``take``.

        Rows of equal similarity are in the order of their ids.
        """
        columns = ["id", "text", SOURCE, *self.fields]
        rows, similarities = self._nearest(vector, limit, columns, where, probes)
        order = np.lexsort((rows["_rowid"].to_numpy(), -similarities))
        return rows.take(order).to_pylist(), similarities[order].tolist()

    def _nearest(
        self, vector: Vector, limit: int, columns: list[str], where: str | None, probes: int | None
    ) -> tuple[pa.Table, NDArray[np.float64]]:
        query = self._table.search(vector, vector_column_name=VECTOR)
        query = query.distance_type(METRICS[self.similarity])
        query = query.limit(limit).select([*columns, "_distance"])
        if probes is None:
            query = query.bypass_vector_index()
        else:
            # Twice as many rows are found by 8-bit distances, then ordered by exact ones.
            query = query.nprobes(probes).refine_factor(2)
        rows = self._found(query, where)
        distances = rows["_distance"].to_numpy().astype(np.float64)
        return rows, -np.sqrt(distances) if self.similarity == "euclidean" else 1.0 - distances

    def matching(
        self, words: Sequence[str], limit: int, *, where: str | None = None
    ) -> tuple[list[int], NDArray[np.float64]]:
        """Row ids and BM25 scores of the rows that share most with ``words``, the best first.

        LanceDB's scores are those of a fresh index only when all rows, and no others, are in its
        index of words. Otherwise the words of all rows are read and scored here, which costs
        O(words of the index) once a commit.
        """
        if not words:
            return [], np.empty(0)
        if not self.is_settled():
            return self._counted(words, limit, where)
        match = import_module("lancedb.query").MatchQuery(" ".join(words), WORDS)
        query = self._table.search(match, query_type="fts").limit(limit).select(["_score"])
        rows = self._found(query, where)
        return rows["_rowid"].to_pylist(), rows["_score"].to_numpy().astype(np.float64)

    def is_settled(self) -> bool:
        """Whether LanceDB's index of words knows exactly the rows that are there."""
        content = self.store.read(self.version, REVISION) or {}
        return content.get(SETTLED) is True and content.get("revision") == self.revision()

    def _counted(
        self, words: Sequence[str], limit: int, where: str | None
    ) -> tuple[list[int], NDArray[np.float64]]:
        row_ids, ranking = self._all_words()
        scores = ranking.of_words(words).astype(np.float64) * (K1 + 1)  # as LanceDB scales them
        if where is not None:
            with self._reading():
                query = self._table.search().select(["id"]).where(where).with_row_id(True)
                kept = query.to_arrow()["_rowid"].to_numpy()
            scores[~np.isin(row_ids, kept)] = 0
        best = np.lexsort((row_ids, -scores))[:limit]
        best = best[scores[best] > 0]
        return row_ids[best].tolist(), scores[best]

    def _all_words(self) -> tuple[NDArray[np.uint64], BM25]:
        revision = self.revision()
        if self._counted_at is None or self._counted_at[0] != revision:
            with self._reading():
                rows = self._table.search().select([WORDS]).with_row_id(True).to_arrow()
            words = [text.split() for text in rows[WORDS].to_pylist()]
            self._counted_at = revision, rows["_rowid"].to_numpy(), BM25.of_words_in(words)
        return self._counted_at[1:]

    def take(self, row_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by their ids, in that order, without the words and digests."""
        if not row_ids:
            return []
        columns = [*("id", "text", SOURCE, VECTOR), *self.fields]
        with self._reading():
            found = self._table.take_row_ids(list(row_ids)).select(columns).with_row_id()
            rows = found.to_arrow().to_pylist()
        by_id = {row.pop("_rowid"): row for row in rows}
        return [by_id[each] for each in row_ids]

    def words_covered(self) -> int:
        """Rows in the index of words; the others are scanned, with slightly other scores."""
        return self._covered(WORDS)

    def vectors_covered(self) -> int:
        """Rows in the index of vectors; the others are scanned."""
        return self._covered(VECTOR)

    def _covered(self, column: str) -> int:
        with self._reading():
            names = [each.name for each in self._table.list_indices() if column in each.columns]
            stats = self._table.index_stats(names[0]) if names else None
        return 0 if stats is None else int(stats.num_indexed_rows)

    def _scan(self, columns: list[str], where: str | None = None) -> pa.Table:
        query = self._table.search().select(columns)
        return (query if where is None else query.where(where)).to_arrow()

    def _found(self, query: Any, where: str | None) -> pa.Table:
        query = query.with_row_id(True)
        if where is not None:
            query = query.where(where, prefilter=True)
        with self._reading():
            found: pa.Table = query.to_arrow(timeout=_TIMEOUT)
        return found

    # ── errors ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self, *others: type[Exception]) -> Iterator[None]:
        try:
            yield
        except lancedb_errors(*others) as error:
            raise self.store.unreadable(reason(error)) from error

    def _require_filter(self, where: str) -> None:
        """Raise ArgumentError unless the filter can be planned, which reads no rows."""
        if ";" in _LITERAL.sub("", where):
            # LanceDB reads up to it and ignores the rest.
            raise self._bad_filter(where, "it has a semicolon")
        try:
            self._table.search().where(where).explain_plan()
        except (OSError, RuntimeError, ValueError) as error:
            raise self._bad_filter(where, reason(error)) from error

    def _bad_filter(self, where: str, what: str) -> ArgumentError:
        names = ["id", "text", SOURCE, *self.fields]
        return ArgumentError(
            f"the filter {where!r} cannot be used ({what})",
            expected=f"a condition on {', '.join(names)}",
            fix="write it like page > 3 AND title = 'Methods'",
        )


def lancedb_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What LanceDB and Arrow raise for files that they cannot read or write, and ``others``."""
    import pyarrow as pa

    return (OSError, RuntimeError, pa.ArrowException, *others)


def vectors_in(rows: pa.Table) -> NDArray[np.float32]:
    """The vectors of rows: (n, dimension)."""
    column = rows[VECTOR].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    vectors: NDArray[np.float32] = flat.reshape(len(rows), column.type.list_size)
    return vectors


def reason(error: Exception) -> str:
    """The gist of a message of LanceDB, which can be a page with lines of its source code."""
    text = _SOURCE_LINE.sub("", " ".join(str(error).split()))
    return (text[:200] + " …") if len(text) > 200 else text or type(error).__name__
