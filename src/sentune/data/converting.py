"""Pairs → a file of rows, a folder in BEIR's layout, or a folder that ``datasets`` loads.

::

    Pairs ─┬─ rows (anchor, positive, negative, …) ─┬─ .jsonl, .csv, .parquet
           │                                        └─ folder/data/train-00000-of-00001.parquet
           └─ texts with ids ─ corpus.jsonl, queries.jsonl, qrels/test.tsv

``read_pairs`` reads all of them. What a layout cannot hold is returned in words, for a person:
rows have no ids and no passages that nobody asks for, and spreadsheets need an apostrophe before
what they would run as a formula.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sentune.data.files.parquet import arrow_module
from sentune.data.files.records import Record
from sentune.data.files.writing import FORMULA_STARTS, write_rows
from sentune.data.pairs import Pairs
from sentune.data.roles.cells import passages_in
from sentune.errors import ArgumentError, DataError
from sentune.files import make_folder, new_file, new_folder, require_free, require_suffix
from sentune.wording import agreeing, counted

__all__ = ["LAYOUTS", "require_target", "write_pairs"]

LAYOUTS = ("beir", "datasets")
_SUFFIXES = (".jsonl", ".csv", ".parquet")
_SHARD = "data/train-00000-of-00001.parquet"
_HEADER = ("query-id", "corpus-id", "score")
_CELL = Record("", None, "", is_table=True)

Texts = str | list[str]
Row = dict[str, Texts]


def require_target(out: Path, layout: str | None) -> None:
    """Check before any reading that pairs can be written to ``out``.

    Raises:
        OutputError: a file with another suffix, or a folder that is not free.
        ArgumentError: no layout for a folder, another layout, or one beside a file's name.
    """
    named = out.suffix.lower() in _SUFFIXES
    if layout is None and not named and not out.suffix:
        raise ArgumentError(
            f"{out} has no suffix",
            expected=f"a file that ends in {', '.join(_SUFFIXES)}, or a folder with its layout",
            fix=f"add --layout {' or --layout '.join(LAYOUTS)} for a folder",
        )
    if layout is None:
        require_suffix(out, _SUFFIXES)
    elif layout not in LAYOUTS:
        raise ArgumentError(
            f"--layout {layout}", expected=" or ".join(LAYOUTS), fix="name one of them"
        )
    elif named:
        raise ArgumentError(
            f"--layout {layout} with the file {out}",
            expected="a folder",
            fix="leave the option out, or name a folder",
        )
    else:
        require_free(out)
    if layout == "datasets" or out.suffix.lower() == ".parquet":
        arrow_module("pyarrow")


def write_pairs(pairs: Pairs, out: Path, layout: str | None = None) -> list[str]:
    """Write pairs, whole or not at all; return what the target does not hold, one sentence each.

    Args:
        pairs: with everything that a reader found.
        out: a file, whose suffix gives the format, or a folder.
        layout: of a folder, from ``LAYOUTS``.

    Cost: the texts in memory once more.

    Raises:
        OutputError, ArgumentError: as :func:`require_target`; or the disk is full.
        MissingExtraError: Parquet, and pyarrow is not installed.
    """
    require_target(out, layout)
    if layout == "beir":
        return _write_beir(pairs, out)
    rows = list(_rows(pairs))
    notes = _lost_in_rows(pairs)
    if layout == "datasets":
        with new_folder(out) as folder:
            make_folder((folder / _SHARD).parent)
            with new_file(folder / _SHARD) as stream:
                _write_parquet(stream, rows)
    elif out.suffix.lower() == ".csv":
        notes += _formulas(rows)
        write_rows(out, map(_as_cells, rows))
    else:
        write: Callable[[BinaryIO, list[Row]], None] = (
            _write_parquet if out.suffix.lower() == ".parquet" else _write_lines
        )
        with new_file(out) as stream:
            write(stream, rows)
    return notes


# ── rows ──────────────────────────────────────────────────────────────────────────────────────


def _rows(pairs: Pairs) -> Iterator[Row]:
    """A row for each pair, all with the same columns.

    Questions with equally many negatives have a column for each, which trainers know. Otherwise
    one column has lists.
    """
    counts = {len(pairs.negatives.get(key, ())) for key in pairs.relevant}
    width = counts.pop() if len(counts) == 1 else None
    for key, answers in pairs.relevant.items():
        negatives = [_cell(text) for text in pairs.negatives.get(key, ())]
        for name in answers:
            row: Row = {"anchor": pairs.questions[key], "positive": _cell(pairs.passages[name])}
            if width is None:
                row["negatives"] = list(pairs.negatives.get(key, ()))
            elif width == 1:
                row["negative"] = negatives[0]
            else:
                row |= {f"negative_{n}": text for n, text in enumerate(negatives, start=1)}
            yield row


def _cell(text: str) -> Texts:
    """The text, or a list of it, if readers would take the text itself for a list."""
    try:
        return text if passages_in(text, _CELL, "") == (text,) else [text]
    except DataError:
        return [text]


def _as_cells(row: Row) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in row.items()
    }


def _write_lines(stream: BinaryIO, rows: list[Row]) -> None:
    stream.writelines(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n" for row in rows)


def _write_parquet(stream: BinaryIO, rows: list[Row]) -> None:
    arrow, parquet = arrow_module("pyarrow"), arrow_module("pyarrow.parquet")
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        # A column of Parquet has one type.
        listed = any(isinstance(value, list) for value in values)
        kind = arrow.list_(arrow.string()) if listed else arrow.string()
        whole = [[v] if isinstance(v, str) else v for v in values] if listed else values
        columns[name] = arrow.array(whole, type=kind)
    parquet.write_table(arrow.table(columns), stream)


def _lost_in_rows(pairs: Pairs) -> list[str]:
    notes = []
    asked = {name for answers in pairs.relevant.values() for name in answers}
    wrong = {text for texts in pairs.negatives.values() for text in texts}
    left = sum(key not in asked and text not in wrong for key, text in pairs.passages.items())
    if left:
        notes.append(
            f"{counted(left, 'passage')} that no question asks for {agreeing(left, 'is')} not "
            "written: rows hold pairs only; a folder with --layout beir holds them"
        )
    if not (_numbered(pairs.questions, "q") and _numbered(pairs.passages, "p")):
        notes.append(
            "the ids of the questions and passages are not written: rows have none; a folder with "
            "--layout beir keeps them"
        )
    return notes


def _numbered(ids: Mapping[str, str], letter: str) -> bool:
    """Whether ids are those that the reader of rows made, some of which it may have left out."""
    return all(key[:1] == letter and key[1:].isdecimal() for key in ids)


def _formulas(rows: list[Row]) -> list[str]:
    number = sum(
        text.startswith(FORMULA_STARTS) for row in rows for text in _as_cells(row).values()
    )
    if not number:
        return []
    return [
        f"{counted(number, 'text')} {agreeing(number, 'begins')} with = + - @ or a tab, and "
        f"{agreeing(number, 'has')} an apostrophe before it, because a spreadsheet would run it; "
        "JSONL and Parquet keep texts as they are"
    ]


# ── BEIR ──────────────────────────────────────────────────────────────────────────────────────


def _write_beir(pairs: Pairs, out: Path) -> list[str]:
    questions, passages, renamed = _usable_ids(pairs)
    judged, corpus = _judgements(pairs, questions, passages)
    with new_folder(out) as folder:
        texts = [{"_id": key, "title": "", "text": text} for text, key in corpus.items()]
        _write_objects(folder / "corpus.jsonl", texts)
        asked = [{"_id": questions[key], "text": pairs.questions[key]} for key in pairs.relevant]
        _write_objects(folder / "queries.jsonl", asked)
        make_folder(folder / "qrels")
        with new_file(folder / "qrels" / "test.tsv") as stream:
            stream.write(_table(judged).encode("utf-8"))
    notes = []
    if renamed:
        notes.append("ids with blanks at an end, tabs or line breaks: all ids are new, q1, p1, …")
    if wrong := sum(score == 0 for _, _, score in judged):
        notes.append(
            f"{counted(wrong, 'negative')} {agreeing(wrong, 'is')} judged 0: no reader of this "
            "layout trains on such passages as hard negatives"
        )
    return notes


def _usable_ids(pairs: Pairs) -> tuple[dict[str, str], dict[str, str], bool]:
    """The id of each question and passage in the folder, and whether they are new."""
    names = [*pairs.questions, *pairs.passages]
    if all(name == name.strip() and not set(name) & set("\t\r\n\0") for name in names):
        return {key: key for key in pairs.questions}, {key: key for key in pairs.passages}, False
    questions = {key: f"q{number}" for number, key in enumerate(pairs.questions, start=1)}
    passages = {key: f"p{number}" for number, key in enumerate(pairs.passages, start=1)}
    return questions, passages, True


def _judgements(
    pairs: Pairs, questions: Mapping[str, str], passages: Mapping[str, str]
) -> tuple[list[tuple[str, str, int]], dict[str, str]]:
    """Question, passage and score of every judgement; and text → id of the corpus."""
    corpus = {text: passages[key] for key, text in pairs.passages.items()}
    taken = set(corpus.values())
    number = 0
    judged: list[tuple[str, str, int]] = []
    for key, answers in pairs.relevant.items():
        judged += [(questions[key], passages[name], 1) for name in answers]
        for text in pairs.negatives.get(key, ()):
            while text not in corpus:
                number += 1
                if f"n{number}" not in taken:
                    corpus[text] = f"n{number}"
            judged.append((questions[key], corpus[text], 0))
    return judged, corpus


def _write_objects(path: Path, values: list[dict[str, str]]) -> None:
    with new_file(path) as stream:
        for value in values:
            stream.write(json.dumps(value, ensure_ascii=False).encode("utf-8") + b"\n")


def _table(judged: list[tuple[str, str, int]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows(judged)
    return text.getvalue()
