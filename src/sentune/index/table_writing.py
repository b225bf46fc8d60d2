"""Writing to LanceDB's table, so that a commit counts only once its files were found whole.

LanceDB commits a change after writing its files, but does not notice when the disk was too full
for one of them: it then refers to a file that is cut short, and the table cannot be read any more.
So here the files of a commit are looked at and flushed to the disk, new rows are read back, and
only then does ``revision.json`` name the commit. Readers follow that file, and the next change
starts from what it names; a commit that failed, or that was killed half-way, is as if it had
never been.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.errors import IndexFolderError, OutputError
from sentune.files import write_json
from sentune.index.arrow_rows import SOURCE, VECTOR, WORDS, schema
from sentune.index.table import (
    NAME,
    REVISION,
    PassageTable,
    among_ids,
    of_source,
    reason,
    require_lancedb,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WritableTable"]

# Readers look at revision.json at every search, so an hour is long for a commit to be in use.
_KEPT = timedelta(hours=1)
_NEVER = timedelta(days=36_500)
# What the files of LanceDB end with, whatever they hold: so one that was cut short is known.
_ENDINGS = {".lance": b"LANC", ".idx": b"LANC", ".manifest": b"LANC", ".arrow": b"ARROW1"}


class WritableTable(PassageTable):
    """A table that can be changed, by one process at a time; see ``Layout.writing``."""

    @classmethod
    def create(cls, folder: Path, dimension: int) -> None:
        """Make an empty table, if there is none. Raises OutputError."""
        with _writing(folder):
            connection = require_lancedb().connect(folder)
            # Not exist_ok: it compares schemas, and a stopped build has its fields already.
            if not (folder / f"{NAME}.lance").exists():
                connection.create_table(NAME, schema(dimension).empty_table())

    @contextmanager
    def change(self) -> Iterator[None]:
        """What the block does counts when it has ended without an error.

        Raises:
            OutputError: the disk is full, say. The table is then as it was.
        """
        wanted = self._acknowledged()
        before = set(self._folder.rglob("*"))
        with _writing(self._folder):
            self._table.checkout_latest()
            if wanted is not None and self._table.version != wanted:
                self._table.checkout(wanted)
                self._table.restore()
        try:
            yield
            with _writing(self._folder):
                for file in sorted(set(self._folder.rglob("*")) - before):
                    _require_whole(file)
            write_json(self._folder / REVISION, {"revision": self._table.version})
        except BaseException:
            for file in set(self._folder.rglob("*.manifest")) - before:
                # LanceDB reads the newest before any other, so it may not be in pieces.
                if not _is_whole(file):
                    file.unlink()
            self.refresh()
            raise

    def upsert(self, rows: pa.Table) -> None:
        """Write rows, replacing those with the same source and id."""
        with _writing(self._folder):
            new = [field for field in rows.schema if field.name not in self.schema.names]
            if new:
                self._table.add_columns(new)
            rows = _ordered(rows, self.schema)
            merge = self._table.merge_insert([SOURCE, "id"])
            merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
            self._read_back(rows)

    def delete(self, where: str) -> int:
        """Remove what a filter lets through; how many rows. Raises ArgumentError."""
        count = self.count(where)
        if count:
            left = self.count() - count
            with _writing(self._folder):
                self._table.delete(where)
                _require(self.count() == left, "rows that were removed are there")
        return count

    def delete_ids(self, source: str, ids: Iterable[str]) -> int:
        """Remove passages of a source; how many there were."""
        return sum(self.delete(f"{of_source(source)} AND {each}") for each in among_ids(ids))

    def optimize(self) -> None:
        """Join small files and take new rows into the indexes."""
        with _writing(self._folder):
            self._table.optimize(cleanup_older_than=_NEVER)

    def clean_up(self) -> None:
        """Remove the files of commits that nobody can be reading any more.

        In a change of its own, after the one before it holds: until then its commit is an old one.
        """
        with _writing(self._folder):
            self._table.optimize(cleanup_older_than=_KEPT)

    def index_words(self) -> None:
        """Make the index of words, if there is none."""
        if self.count() and not self.words_covered():
            # The words are stemmed already; splitting at blanks gives them back.
            config = import_module("lancedb.index").FTS(
                base_tokenizer="whitespace",
                lower_case=False,
                stem=False,
                remove_stop_words=False,
                ascii_folding=False,
                with_position=False,
                max_token_length=None,
            )
            with _writing(self._folder):
                self._table.create_index(WORDS, config=config, replace=True)

    def index_vectors(self, partitions: int) -> None:
        """Make the index of vectors anew."""
        config = import_module("lancedb.index").IvfSq(
            distance_type=self._metric, num_partitions=partitions
        )
        with _writing(self._folder):
            self._table.create_index(VECTOR, config=config, replace=True)

    # ── reading back ──────────────────────────────────────────────────────────────────────────

    def _read_back(self, rows: pa.Table) -> None:
        """Compare what was just written, every column of it."""
        import pyarrow as pa

        by_source: dict[str, list[str]] = {}
        for source, each in zip(rows[SOURCE].to_pylist(), rows["id"].to_pylist(), strict=True):
            by_source.setdefault(source, []).append(each)
        filters = [
            f"{of_source(source)} AND {each}"
            for source, ids in by_source.items()
            for each in among_ids(ids)
        ]
        stored = pa.concat_tables(self._scan(rows.column_names, each) for each in filters)
        order = [(SOURCE, "ascending"), ("id", "ascending")]
        same = len(stored) == len(rows) and stored.sort_by(order).equals(rows.sort_by(order))
        _require(same, "rows are not as they were written")


def _require_whole(file: Path) -> None:
    """Flush a file, and raise OSError if it is not as long as it was meant to be."""
    if file.suffix in _ENDINGS and file.exists():  # LanceDB may have removed it again
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        _require(_is_whole(file), f"{file.name} was cut short")


def _is_whole(file: Path) -> bool:
    ending = _ENDINGS[file.suffix]
    with file.open("rb") as stream:
        stream.seek(-min(len(ending), file.stat().st_size), os.SEEK_END)
        return stream.read() == ending


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise OSError(otherwise)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (IndexFolderError, OSError, RuntimeError, ValueError) as error:
        raise OutputError(
            f"{folder.parent} cannot be written ({reason(error)})",
            expected="a writable folder with enough room, and an undamaged index",
            fix="make room or bring the folder back from a copy, and do it again: what was "
            "added before is kept",
        ) from error


def _ordered(rows: pa.Table, known: pa.Schema) -> pa.Table:
    """Rows with all the columns of the table, empty where they have none."""
    import pyarrow as pa

    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in known
    ]
    return pa.table(columns, schema=known)
