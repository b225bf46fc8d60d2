"""Writing to LanceDB's table; see ``version_writing`` for when a commit counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.errors import IndexFolderError
from sentune.index.rows.arrow_rows import NUMBER, SOURCE, among, of_source, schema
from sentune.index.rows.table import NAME, PassageTable, connection, lancedb_errors, reason
from sentune.index.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WritableTable"]

_NEVER = timedelta(days=36_500)


class WritableTable(PassageTable):
    """A table that can be changed, inside a change of its version."""

    @classmethod
    def create(cls, store: Store, version: int) -> None:
        """Make an empty table, if there is none. Raises OutputError."""
        with _writing(store):
            tables = connection(store, version)
            # Not exist_ok: it compares schemas, and a stopped build has its fields already.
            if NAME not in tables:
                tables.create_table(NAME, schema().empty_table())

    def begin(self, revision: int | None) -> None:
        """Start from a commit, whatever was committed after it."""
        with _writing(self.store, ValueError):  # no commit of this number
            self._table.checkout_latest()
            if revision is not None and self._table.version != revision:
                self._table.checkout(revision)
                self._table.restore()

    def upsert(self, rows: pa.Table) -> NDArray[np.int64]:
        """Write rows, replacing those with the same source and id; the numbers of the latter."""
        with _writing(self.store):
            replaced = [self._scan([NUMBER], each)[NUMBER].to_numpy() for each in _same_ids(rows)]
            new = [field for field in rows.schema if field.name not in self.schema.names]
            if new:
                self._table.add_columns(new)
            rows = _ordered(rows, self.schema)
            merge = self._table.merge_insert([SOURCE, "id"])
            merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
            self._read_back(rows)
        return np.concatenate([np.empty(0, np.int64), *replaced])

    def delete(self, where: str) -> NDArray[np.int64]:
        """Remove what a filter lets through; the numbers of these rows. Raises ArgumentError."""
        numbers = self.numbers(where)
        if len(numbers):
            left = self.count() - len(numbers)
            with _writing(self.store):
                self._table.delete(self.checked(where))
                _require(self.count() == left, "rows that were removed are there")
        return numbers

    def optimize(self, clean_up: timedelta | None) -> None:
        """Join small files, and remove those that only commits older than ``clean_up`` need."""
        with _writing(self.store):
            self._table.optimize(cleanup_older_than=_NEVER if clean_up is None else clean_up)

    def _read_back(self, rows: pa.Table) -> None:
        """Compare what was just written, every column of it."""
        import pyarrow as pa

        stored = pa.concat_tables(self._scan(rows.column_names, each) for each in _same_ids(rows))
        order = [(SOURCE, "ascending"), ("id", "ascending")]
        same = len(stored) == len(rows) and stored.sort_by(order).equals(rows.sort_by(order))
        _require(same, "rows are not as they were written")


def _same_ids(rows: pa.Table) -> Iterator[str]:
    """The filters for rows with these sources and ids."""
    by_source: dict[str, list[str]] = {}
    for source, each in zip(rows[SOURCE].to_pylist(), rows["id"].to_pylist(), strict=True):
        by_source.setdefault(source, []).append(each)
    for source, ids in by_source.items():
        for each in among("id", ids):
            yield f"{of_source(source)} AND {each}"


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
