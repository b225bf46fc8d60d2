"""Reading LanceDB's table of passages, in one version of an index.

It has texts, sources, fields and digests; it applies conditions and says what is known already. A
search without a condition does not open it.

This module and ``table_writing`` are the only code that calls that library, and every error of it
becomes one of ours. LanceDB numbers its own commits; a manifest names the one that is read, which
is not always the newest; ``version_writing`` says why.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.bucket import without_secrets
from sentune.errors import ArgumentError, MissingExtraError
from sentune.index.rows.arrow_rows import (
    FIELDS_DIGEST,
    NUMBER,
    SOURCE,
    TEXT_DIGEST,
    among,
    is_field,
    of_source,
    schema,
)
from sentune.index.rows.filters import bad_filter, fails_on_rows, why, with_source, without_literals
from sentune.index.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "NAME",
    "PassageTable",
    "connection",
    "lancedb_errors",
    "reason",
    "require_extra",
    "require_lancedb",
]

_SOURCE_LINE = re.compile(r",? ?/\S+\.rs:\d+:\d+")
# An error has the server's answer in one of two forms.
_REFUSED = (
    re.compile(r"Error performing (\w+) .*?status code: (\d{3}[^:<]*)"),
    re.compile(r"method: (\w+), .*?Status \{ status: (\d{3})"),
)
NAME = "passages"


def require_extra() -> None:
    """Raise MissingExtraError unless the packages of the extra are there; imports none of them."""
    for module, package in (("lancedb", "lancedb"), ("bm25s", "bm25s"), ("Stemmer", "PyStemmer")):
        if module not in sys.modules and find_spec(module) is None:
            raise MissingExtraError(package, "index")


def require_lancedb() -> Any:
    """LanceDB, imported with its settings. Raises MissingExtraError."""
    cores = os.cpu_count() or 1
    # LanceDB reads this when it is imported. With one thread it can wait for ever.
    os.environ.setdefault("LANCE_CPU_THREADS", str(max(2, cores)))
    os.environ.setdefault("LANCEDB_LOG", "error")  # or it warns on standard error
    try:
        return import_module("lancedb")
    except ModuleNotFoundError as error:
        if error.name != "lancedb":
            raise
        raise MissingExtraError("lancedb", "index") from None


def connection(store: Store, version: int) -> Any:
    """LanceDB at a version of an index. Raises MissingExtraError."""
    return require_lancedb().connect(store.uri(version), storage_options=store.lance_options)


class PassageTable:
    """The rows of one version, at one of LanceDB's commits.

    Raises:
        IndexFolderError: the table is missing or damaged, or has no such commit.
        MissingExtraError: without the extra ``index``.
    """

    def __init__(self, store: Store, version: int, revision: int | None) -> None:
        self.store = store
        self.version = version
        with self._reading(ValueError):  # there is no table
            self._table = connection(store, version).open_table(NAME)
        self.checkout(revision)
        with self._reading():
            missing = [name for name in schema().names if name not in self.schema.names]
        if missing:
            raise store.unreadable(f"the table of version {version} has no {', '.join(missing)}")

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        return self._table.schema

    @property
    def fields(self) -> dict[str, str]:
        """The columns that came with the data, and their types in words."""
        return {column.name: str(column.type) for column in self.schema if is_field(column.name)}

    def checkout(self, revision: int | None) -> None:
        """Read another commit; None in a table that was only just made. Raises IndexFolderError."""
        if revision is not None and self.revision() != revision:
            with self._reading(ValueError):  # there is no commit of this number
                self._table.checkout(revision)

    def revision(self) -> int:
        """The number of LanceDB's commit that is read."""
        with self._reading():
            return int(self._table.version)

    def numbers(self, where: str) -> NDArray[np.int64]:
        """The numbers of the rows that a filter lets through. Raises ArgumentError."""
        checked = self.checked(where)
        with self._reading():
            try:
                found: NDArray[np.int64] = self._scan([NUMBER], checked)[NUMBER].to_numpy()
            except lancedb_errors() as error:
                if not fails_on_rows(error):
                    raise
                raise self._bad_filter(where, why(error)) from error
        return found

    def count(self) -> int:
        """Rows."""
        with self._reading():
            return int(self._table.count_rows())

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

    def ids_of_sources(self) -> dict[str, str]:
        """Source → one of the ids of its passages."""
        with self._reading():
            rows = self._scan([SOURCE, "id"]).group_by(SOURCE).aggregate([("id", "min")])
        return dict(zip(rows[SOURCE].to_pylist(), rows["id_min"].to_pylist(), strict=True))

    def numbers_of_texts(self, digests: Sequence[str]) -> dict[str, int]:
        """Digest of a text → the number of a row that has it, for those that some row has."""
        found: dict[str, int] = {}
        for each in among(TEXT_DIGEST, digests):
            with self._reading():
                rows = self._scan([TEXT_DIGEST, NUMBER], each).to_pydict()
            found |= dict(zip(rows[TEXT_DIGEST], rows[NUMBER], strict=True))
        return found

    def batches(self, size: int) -> Iterator[pa.RecordBatch]:
        """All rows in batches, without their numbers."""
        names = ["id", "text", SOURCE, TEXT_DIGEST, FIELDS_DIGEST, *self.fields]
        with self._reading():
            yield from self._table.search().select(names).to_batches(batch_size=size)

    def _scan(self, columns: list[str], where: str | None = None) -> pa.Table:
        query = self._table.search().select(columns)
        return (query if where is None else query.where(where)).to_arrow()

    # ── errors ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self, *others: type[Exception]) -> Iterator[None]:
        try:
            yield
        except lancedb_errors(*others) as error:
            raise self.store.unreadable(reason(error)) from error

    def checked(self, where: str) -> str:
        """The filter to pass on. It is planned once, which reads no rows. Raises ArgumentError.

        ``source`` is the file that a passage came from, where no field is called so.

        LanceDB reads a filter up to where it could end, and ignores the rest. So a forgotten AND
        would silently delete too much. Of a filter in parentheses it has to read the whole.
        """
        plain = without_literals(where)
        if ";" in plain:
            raise self._bad_filter(where, "it has a semicolon")
        if not _balanced(plain):
            raise self._bad_filter(where, "its parentheses do not match")
        whole = f"({with_source(where, self.fields)})"
        try:
            self._table.search().where(whole).explain_plan()
        except (OSError, RuntimeError, ValueError) as error:
            raise self._bad_filter(where, why(error)) from error
        return whole

    def _bad_filter(self, where: str, what: str) -> ArgumentError:
        return bad_filter(where, what, self.fields)


def _balanced(text: str) -> bool:
    depth = 0
    for each in text:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if depth < 0:
            return False
    return depth == 0


def lancedb_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What LanceDB and Arrow raise for files that they cannot read or write, and ``others``."""
    import pyarrow as pa

    return (OSError, RuntimeError, pa.ArrowException, *others)


def reason(error: Exception) -> str:
    """The gist of a message of LanceDB, which can be a page with lines of its source code."""
    text = without_secrets(_SOURCE_LINE.sub("", " ".join(str(error).split())))
    for form in _REFUSED:
        if refused := form.search(text):  # what is before it can fill a line
            method, status = refused.groups()
            return f"{method} was answered with {status.strip()}"
    return (text[:200] + " …") if len(text) > 200 else text or type(error).__name__
