"""Ids of passages: which column has them, and how every passage of a file gets its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sentune.data.files.records import Record, checked_text, quoted
from sentune.data.roles import names
from sentune.data.roles.choice import chosen
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.errors import DataError

__all__ = ["FoundId", "PassageIds", "id_of"]


@dataclass(frozen=True, slots=True)
class FoundId:
    """The id of a row.

    Attributes:
        text: the id.
        column: where it stands.
        shared: whether several passages may have it, as those of a page or a document.
    """

    text: str
    column: str
    shared: bool = False


def id_of(record: Record, options: ReadOptions = AS_NAMED) -> FoundId | None:
    """Return the id of a row; ``None`` without such a column.

    A chunk's whole number beside the id of its document counts within the document: their id is
    ``document#number``.

    Raises DataError if the id is neither a text nor a whole number.
    """
    row = record.value if isinstance(record.value, dict) else {}
    columns = tuple(row)
    column = chosen("--id-column", options.id, columns, record.named_at) if row else None
    if column is not None:
        return FoundId(_id(row[column], record, column), column)
    column = _first(names.ID, columns)
    document = _first(names.OF_DOCUMENT, columns)
    if column is None and document is None:
        return None
    if column is None:
        return FoundId(_id(row[document], record, str(document)), str(document), shared=True)
    text = _id(row[column], record, column)
    counts = names.plain(column) == "chunk_id" and text.strip().isdecimal()
    if counts and document is not None and names.plain(document) != "page":
        text = f"{_id(row[document], record, document)}#{text}"
    return FoundId(text, column)


@lru_cache(maxsize=256)
def _first(known: tuple[str, ...], columns: tuple[str, ...]) -> str | None:
    plain = {names.plain(name): name for name in columns}
    return next((plain[name] for name in known if name in plain), None)


def _id(value: object, record: Record, column: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return checked_text(value, record.location, column)


class PassageIds:
    """Gives every passage of a file its id, and finds passages that repeat."""

    def __init__(self, options: ReadOptions = AS_NAMED) -> None:
        self._options = options
        self._texts: dict[str, int] = {}
        self._shared: dict[str, set[int]] = {}
        self._rows = 0

    def __call__(self, record: Record, text: str) -> str | None:
        """Return the id of a passage, or ``None`` if an earlier passage has its id and text.

        Raises DataError if an earlier passage has its id and another text.
        """
        self._rows += 1
        found = id_of(record, self._options)
        if found is None:
            return self._numbered(f"p{self._rows}", 1, text)
        if found.shared:
            texts = self._shared.setdefault(found.text, set())
            if hash(text) in texts:
                return None
            texts.add(hash(text))
            return self._numbered(found.text, len(texts), text)
        if found.text not in self._texts:
            # Python's hash has 64 bits: enough, because only texts with one id are compared.
            self._texts[found.text] = hash(text)
            return found.text
        if self._texts[found.text] == hash(text):
            return None
        raise DataError(
            f"{record.location}, column {quoted([found.column])} holds {quoted([found.text])}, "
            "the id of another text",
            expected="a different id for every text",
            fix="correct the ids, remove the column, or name another with --id-column",
        )

    def _numbered(self, name: str, number: int, text: str) -> str:
        unique = name if number == 1 else f"{name}#{number}"
        while unique in self._texts:
            number += 1
            unique = f"{name}#{number}"
        self._texts[unique] = hash(text)
        return unique
