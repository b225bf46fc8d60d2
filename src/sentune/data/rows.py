"""Records → rows whose columns have roles; and a count of what a reader left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from sentune.data.files.records import Record, kind_of, quoted
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError
from sentune.wording import agreeing, counted

__all__ = ["LeftOut", "Roles", "Rows"]


class Roles(Protocol):
    """The columns of a row by their role."""

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that are read."""
        ...

    def lacks(self, row: Mapping[str, object]) -> bool:
        """Whether a row has nothing where it needs something."""
        ...


R = TypeVar("R", bound=Roles)


class LeftOut:
    """What a reader did not use, for the notes that a person reads."""

    def __init__(self) -> None:
        self.blank = 0
        self._columns: dict[str, None] = {}

    def add(self, columns: Iterable[str]) -> None:
        """Take note of columns that no role took."""
        self._columns |= dict.fromkeys(columns)

    def notes(self, told: Iterable[str] = ()) -> list[str]:
        """One sentence for the columns that are not ``told`` elsewhere, and one for the rows."""
        columns = [name for name in self._columns if name not in set(told)]
        return [*([self.describe(columns)] if columns else []), *self.blank_notes()]

    def blank_notes(self) -> list[str]:
        """One sentence for the rows, if there are any."""
        if not self.blank:
            return []
        verb = agreeing(self.blank, "is")
        return [f"{counted(self.blank, 'row')} with a blank cell {verb} left out"]

    @staticmethod
    def describe(columns: Iterable[str], why: str = "") -> str:
        """Say which columns are not used."""
        names = list(columns)
        noun = "the column" if len(names) == 1 else "the columns"
        return f"{noun} {quoted(names, limit=20)} {agreeing(len(names), 'is')} not used{why}"


class Rows(Generic[R]):
    """The rows of a file. Iterate once; then ``left_out`` has what was not used.

    Args:
        records: the rows as the file has them.
        find: gives the columns of a row their roles; called once for the same columns.
        example: a row as people should write it, for a message.
        options: what a person said about the file.

    Raises DataError while iterating, if a record is no object, or if ``find`` raises it.
    """

    def __init__(
        self,
        records: Iterable[Record],
        find: Callable[[Sequence[str], str, ReadOptions], R],
        example: str,
        options: ReadOptions,
    ) -> None:
        self.left_out = LeftOut()
        self._records, self._find = records, find
        self._example, self._options = example, options
        self._known: dict[tuple[str, ...], R] = {}

    def __iter__(self) -> Iterator[tuple[Record, dict[str, object], R]]:
        """Yield every record with its columns and their roles; blank rows may be left out."""
        skips = self._options.skip_blank
        for record in self._records:
            row = record.value
            if not isinstance(row, dict):
                raise DataError(
                    f"{record.location} holds {kind_of(row)}",
                    expected="an object with a value for every column",
                    fix=f"write every row as {self._example}",
                )
            roles = self._roles(tuple(row), record.named_at)
            if skips and roles.lacks(row):
                self.left_out.blank += 1
                continue
            yield record, row, roles

    def _roles(self, columns: tuple[str, ...], named_at: str) -> R:
        if columns not in self._known:
            found = self._find(columns, named_at, self._options)
            self.left_out.add(name for name in columns if name not in found.used)
            self._known[columns] = found
        return self._known[columns]
