"""Writing to LanceDB's table, so that a commit counts only once its files were found whole.

LanceDB commits a change after writing its files, but does not notice when the disk was too full
for one of them: it then refers to a file that is cut short, and the table cannot be read any more.
So here the store flushes and checks the files of a commit, new rows are read back, and only then
does ``revision.json`` name the commit. Readers follow that file, and the next change starts from
what it names. A commit that failed, or whose process was killed, is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from sentune.errors import IndexFolderError
from sentune.index.arrow_rows import SOURCE, VECTOR, WORDS, among, of_source, schema
from sentune.index.store import Store
from sentune.index.table import (
    METRICS,
    NAME,
    REVISION,
    SETTLED,
    PassageTable,
    lancedb_errors,
    reason,
    require_lancedb,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WritableTable"]

# Every search looks at revision.json, so no reader uses an old commit for as long as an hour.
_KEPT = timedelta(hours=1)
_NEVER = timedelta(days=36_500)


class WritableTable(PassageTable):
    """A table that can be changed, by one process at a time; see ``Store.writing``."""

    @classmethod
    def create(cls, store: Store, version: int, dimension: int) -> None:
        """Make an empty table, if there is none. Raises OutputError."""
        with _writing(store):
            connection = require_lancedb().connect(store.uri(version))
            # Not exist_ok: it compares schemas, and a stopped build has its fields already.
            if NAME not in connection:
                connection.create_table(NAME, schema(dimension).empty_table())

    @contextmanager
    def change(self, *, settled: bool = False) -> Iterator[None]:
        """Commit what the block does, if it ends without an error.

        ``settled`` says that the index of words then knows exactly the rows that are there.

        Raises:
            OutputError: the disk is full, say. The table is then as it was.
        """
        current = self._current_revision()
        try:
            with self.store.flushed(self.version):
                with _writing(self.store, ValueError):  # no commit of this number
                    self._table.checkout_latest()
                    if current is not None and self._table.version != current:
                        self._table.checkout(current)
                        self._table.restore()
                yield
            content = {"revision": self._table.version, SETTLED: settled}
            self.store.write(self.version, REVISION, content)
        except BaseException:
            self.refresh()
            raise

    def upsert(self, rows: pa.Table) -> None:
        """Write rows, replacing those with the same source and id."""
        with _writing(self.store):
            new = [field for field in rows.schema if field.name not in self.schema.names]
            if new:
                self._table.add_columns(new)
            rows = _ordered(rows, self.schema)
            merge = self._table.merge_insert([SOURCE, "id"])
            merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
            self._read_back(rows)

    def delete(self, where: str) -> int:
        """Remove what a filter lets through; the number of rows. Raises ArgumentError."""
        count = self.count(where)
        if count:
            left = self.count() - count
            with _writing(self.store):
                self._table.delete(where)
                _require(self.count() == left, "rows that were removed are there")
        return count

    def delete_ids(self, source: str, ids: Iterable[str]) -> int:
        """Remove passages of a source; the number of those that were there."""
        return sum(map(self.delete, _ids_of(source, ids)))

    def optimize(self, *, clean_up: bool = False) -> None:
        """Join small files and take new rows into the indexes.

        With ``clean_up``, remove the files of commits that nobody can be reading any more: in a
        separate change after the last, because until that is recorded its commit is an old one.
        """
        with _writing(self.store):
            self._table.optimize(cleanup_older_than=_KEPT if clean_up else _NEVER)

    def index_words(self) -> None:
        """Make the index of words anew: LanceDB's own upkeep still counts deleted passages."""
        if self.count():
            # The words are stemmed already and joined by blanks.
            config = import_module("lancedb.index").FTS(
                base_tokenizer="whitespace",
                lower_case=False,
                stem=False,
                remove_stop_words=False,
                ascii_folding=False,
                with_position=False,
                max_token_length=None,
            )
            with _writing(self.store):
                self._table.create_index(WORDS, config=config, replace=True)

    def index_vectors(self, partitions: int) -> None:
        """Make the index of vectors anew."""
        config = import_module("lancedb.index").IvfSq(
            distance_type=METRICS[self.similarity], num_partitions=partitions
        )
        with _writing(self.store):
            self._table.create_index(VECTOR, config=config, replace=True)

    # ── reading back ──────────────────────────────────────────────────────────────────────────

    def _read_back(self, rows: pa.Table) -> None:
        """Compare what was just written, every column of it."""
        import pyarrow as pa

        by_source: dict[str, list[str]] = {}
        for source, each in zip(rows[SOURCE].to_pylist(), rows["id"].to_pylist(), strict=True):
            by_source.setdefault(source, []).append(each)
        filters = (each for source, ids in by_source.items() for each in _ids_of(source, ids))
        stored = pa.concat_tables(self._scan(rows.column_names, each) for each in filters)
        order = [(SOURCE, "ascending"), ("id", "ascending")]
        same = len(stored) == len(rows) and stored.sort_by(order).equals(rows.sort_by(order))
        _require(same, "rows are not as they were written")


def _ids_of(source: str, ids: Iterable[str]) -> list[str]:
    return [f"{of_source(source)} AND {each}" for each in among("id", ids)]


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise OSError(otherwise)


@contextmanager
def _writing(store: Store, *others: type[Exception]) -> Iterator[None]:
    try:
        yield
    except lancedb_errors(IndexFolderError, *others) as error:
        raise store.unwritable(reason(error)) from error


def _ordered(rows: pa.Table, known: pa.Schema) -> pa.Table:
    """Rows with all the columns of the table, empty where they have none."""
    import pyarrow as pa

    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in known
    ]
    return pa.table(columns, schema=known)
