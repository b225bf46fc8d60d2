"""Spreadsheets: each sheet with its rows, and its header over them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sentune.data.roles.columns import is_pair
from sentune.documents.characters import clean
from sentune.documents.limits import SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.archive import opened
from sentune.documents.readers.source import Source
from sentune.wording import agreeing, counted

__all__ = ["read_xlsx"]

_NOT_COMPUTED = re.compile(
    rb"<c\b[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)


def read_xlsx(source: Source) -> Iterator[Part]:
    """Yield the sheets that a person sees. Raises SkippedError."""
    import python_calamine

    with opened(source) as archive:
        missing = sum(
            len(_NOT_COMPUTED.findall(archive.read(name)))
            for name in archive.namelist()
            if name.startswith("xl/worksheets/") and name.endswith(".xml")
        )
    if missing:
        source.notes.append(
            f"{counted(missing, 'cell')} {agreeing(missing, 'has')} a formula that no program has "
            "computed yet"
        )
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(source.path))
    except python_calamine.PasswordError as error:
        raise SkippedError("is encrypted: save it without a password") from error
    except python_calamine.CalamineError as error:
        raise SkippedError(f"is damaged ({error})") from error
    hidden, pairs = [], []
    for sheet in workbook.sheets_metadata:
        if sheet.typ is not python_calamine.SheetTypeEnum.WorkSheet:
            continue
        if sheet.visible is not python_calamine.SheetVisibleEnum.Visible:
            hidden.append(sheet.name)
            continue
        rows = workbook.get_sheet_by_name(sheet.name).iter_rows()
        first = next(rows, [])
        if is_pair([_shown(cell) for cell in first]):
            pairs.append(sheet.name)
        yield Part("sheet", sheet.name, tuple(_blocks(sheet.name, chain([first], rows)).made))
    if pairs:
        source.notes.append(
            f"{', '.join(pairs)}: this looks like pairs, and is read as a table; to tune on its "
            "questions, save it as CSV"
        )
    if hidden:
        source.notes.append(
            f"{counted(len(hidden), 'hidden sheet')} left out ({', '.join(hidden)})"
        )


def _blocks(name: str, rows: Iterator[Sequence[Any]]) -> Blocks:
    """A sheet below its name: tables end at empty rows; a row of one cell is a text."""
    blocks = Blocks()
    blocks.heading(1, name)
    table: list[list[str]] = []
    for row in rows:
        cells = [_shown(cell) for cell in row]
        filled = sum(map(bool, cells))
        if filled > 1 or (filled and table):
            table.append(cells)
            continue
        _end(table, blocks)
        blocks.text(" ".join(filter(None, cells)))
    _end(table, blocks)
    return blocks


def _end(table: list[list[str]], blocks: Blocks) -> None:
    if table:
        # Columns that no row uses; to the left of a table there may be some.
        used = [n for n in range(len(table[0])) if any(row[n] for row in table)]
        blocks.table([[row[n] for n in used] for row in table])
        table.clear()


def _shown(value: Any) -> str:
    """A value as the program shows it, without its format."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return clean(str(value)).strip()
