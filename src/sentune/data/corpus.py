"""Files of passages → passage id → text; and what every reader of passages needs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from sentune.data.columns import is_pair
from sentune.data.files.reading import TEXT_SUFFIXES, TextSource, name_of, open_texts
from sentune.data.files.records import Record, quoted
from sentune.data.pair_files import pairs_of_records, pairs_or_records
from sentune.data.pairs import Pairs
from sentune.data.texts import at_least_one, id_of, text_of
from sentune.errors import DataError

__all__ = ["PassageIds", "is_page", "open_passages", "read_passages"]


def read_passages(path: str | Path) -> dict[str, str]:
    """Read the passages to search: passage id → text, in the order of a file or of ``"-"``.

    Takes every file that :func:`sentune.data.read_texts` takes. From a file of pairs, which
    :func:`sentune.data.read_pairs` takes, it returns the passages. The id is in the first of the
    columns ``passage_id``, ``id``, ``_id``, ``pid`` and ``page`` that the file has; without one,
    passages are p1, p2, … The passages of one page are numbered: ``12``, ``12#2``. A text that
    repeats is one passage, under its first id. Blank lines of a file of one text a line are
    skipped.

    Raises:
        DataError: as ``read_pairs`` and ``read_texts``; also if two different texts have one id.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    name = name_of(path, TEXT_SUFFIXES)
    source = open_passages(path, name)
    texts = dict.fromkeys(text for _, text in source.lines)
    passages = {f"p{number}": text for number, text in enumerate(texts, start=1)}
    passages |= source.passages
    ids = PassageIds()
    seen: set[str] = set()
    for record in source.records:
        text = text_of(record)
        passage_id = None if text in seen else ids(record, text)
        if passage_id is not None:
            seen.add(text)
            passages[passage_id] = text
    return dict(at_least_one(iter(passages.items()), name))


def open_passages(path: str | Path, name: str) -> TextSource:
    """Open a file of texts or pairs, or ``"-"``, which messages call ``name``.

    Reads up to the first row; JSON and pairs are read whole. Its lines are the texts that are not
    blank, numbered from 1. Errors are those of :func:`read_passages`, also while iterating.
    """
    source = open_texts(path)
    records = iter(source.records)
    if Path(path).suffix.lower() == ".json":
        found = pairs_or_records(Path(path))
        if isinstance(found, Pairs):
            return TextSource(passages=found.passages)
        records = found
    first = next(records, None)
    if first is None:
        texts = (line.rstrip("\r\n") for _, line in source.lines if line.strip())
        return TextSource(enumerate(texts, start=1))
    records = chain([first], records)
    if isinstance(first.value, dict) and is_pair(tuple(first.value)):
        return TextSource(passages=pairs_of_records(records, name).passages)
    return TextSource(records=records)


def is_page(column: str) -> bool:
    """Whether a column of ids has page numbers; a page may have several passages."""
    return column.strip().casefold() == "page"


class PassageIds:
    """Gives every passage of a file its id, and finds passages that repeat."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._pages: dict[str, set[int]] = {}
        self._rows = 0

    def __call__(self, record: Record, text: str) -> str | None:
        """Return the id of a passage, or ``None`` if an earlier passage has its id and text.

        Raises DataError if an earlier passage has its id and another text.
        """
        self._rows += 1
        found = id_of(record)
        if found is None:
            return self._numbered(f"p{self._rows}", 1, text)
        column, name = found
        if is_page(column):
            texts = self._pages.setdefault(name, set())
            if hash(text) in texts:
                return None
            texts.add(hash(text))
            return self._numbered(name, len(texts), text)
        if name not in self._texts:
            # Python's hash has 64 bits: enough, because only texts with one id are compared.
            self._texts[name] = hash(text)
            return name
        if self._texts[name] == hash(text):
            return None
        raise DataError(
            f"{record.location}, column {quoted([column])} holds {quoted([name])}, the id of "
            "another text",
            expected="a different id for every text",
            fix="correct the ids or remove the column",
        )

    def _numbered(self, name: str, number: int, text: str) -> str:
        unique = name if number == 1 else f"{name}#{number}"
        while unique in self._texts:
            number += 1
            unique = f"{name}#{number}"
        self._texts[unique] = hash(text)
        return unique
