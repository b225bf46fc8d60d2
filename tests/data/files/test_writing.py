from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentune.data.files.writing import Cell, require_row_file, write_rows
from sentune.errors import ArgumentError, DataError, OutputError

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_number = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_cell = st.one_of(st.none(), st.booleans(), _number, _text, st.just("\r\n\t\"',;=+-@\u2028é😀"))
_FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "-", '=HYPERLINK("x","y")']


@st.composite
def _tables(draw: st.DrawFn) -> list[dict[str, Cell]]:
    names = draw(st.lists(_text, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(_cell, min_size=len(names), max_size=len(names)), max_size=5))
    return [dict(zip(names, row, strict=True)) for row in rows]


@settings(max_examples=100, deadline=None)
@given(rows=_tables())
def test_jsonl_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Cell]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    assert write_rows(path, iter(rows)) == len(rows)
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == rows
    assert [list(json.loads(line)) for line in lines] == [list(row) for row in rows]


@settings(max_examples=100, deadline=None)
@given(rows=_tables())
@example(rows=[{text: text for text in _FORMULAS}])
@example(rows=[{"a": None}, {"a": ""}])
def test_csv_comes_back_but_for_the_apostrophe(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Cell]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    assert write_rows(path, iter(rows)) == len(rows)
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.reader(stream, strict=True))
    expected: list[list[Cell]] = [list(row.values()) for row in rows]
    if rows:
        expected.insert(0, list(rows[0]))
    assert len(read) == len(expected)
    for cells, values in zip(read, expected, strict=True):
        assert len(cells) == len(values)
        for cell, value in zip(cells, values, strict=True):
            _assert_is(cell, value)


def _assert_is(cell: str, value: Cell) -> None:
    if value is None:
        assert cell == ""
    elif isinstance(value, bool):
        assert cell == str(value).lower()
    elif isinstance(value, str):
        assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"}
        assert cell == (value if cell[:1] != "'" or value[:1] == "'" else f"'{value}")
    else:
        assert type(value)(cell) == value


@pytest.mark.parametrize("text", _FORMULAS)
def test_a_formula_gets_an_apostrophe_in_csv_only(tmp_path: Path, text: str) -> None:
    for name in ("x.csv", "x.jsonl"):
        write_rows(tmp_path / name, [{"a": 1, "b": text}])
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["a", "b"], ["1", f"'{text}"]]
    assert json.loads((tmp_path / "x.jsonl").read_bytes())["b"] == text


def test_the_exact_bytes(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [
        {"text": 'a, "b"', "score": -0.5, "near": True, "id": None},
        {"id": 3, "near": False, "score": float(np.float32(0.1)), "text": "-é"},
    ]
    assert write_rows(tmp_path / "x.CSV", rows) == 2
    assert (tmp_path / "x.CSV").read_bytes().decode() == (
        'text,score,near,id\r\n"a, ""b""",-0.5,true,\r\n\'-é,0.10000000149011612,false,3\r\n'
    )
    assert write_rows(tmp_path / "x.JSONL", rows[:1]) == 1
    assert (tmp_path / "x.JSONL").read_bytes() == (
        b'{"text": "a, \\"b\\"", "score": -0.5, "near": true, "id": null}\n'
    )


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_no_rows_are_an_empty_file(tmp_path: Path, name: str) -> None:
    assert write_rows(tmp_path / name, []) == 0
    assert (tmp_path / name).read_bytes() == b""


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_float_of_numpy_is_written_as_a_number(tmp_path: Path, name: str) -> None:
    write_rows(tmp_path / name, [{"a": np.float64(0.25)}])
    assert "0.25" in (tmp_path / name).read_text().replace('{"a": 0.25}', "0.25").split()


def test_lists_go_into_jsonl_only(tmp_path: Path) -> None:
    row = {"a": ["x", 1, 0.5]}
    assert write_rows(tmp_path / "x.jsonl", [row]) == 1
    assert json.loads((tmp_path / "x.jsonl").read_bytes()) == row
    with pytest.raises(ArgumentError, match="column 'a' holds a list"):
        write_rows(tmp_path / "x.csv", [row])


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
@pytest.mark.parametrize(
    ("row", "error", "part"),
    [
        ({"a": math.nan}, DataError, "column 'a' holds nan"),
        ({"a": -math.inf}, DataError, "column 'a' holds -inf"),
        ({"a": "\ud800"}, DataError, "column 'a' holds half of a surrogate pair"),
        ({"a": "x\0"}, DataError, "column 'a' holds a NUL"),
        ({"a": (1,)}, ArgumentError, "column 'a' holds"),
        ({"a": [1, math.nan]}, (ArgumentError, DataError), "column 'a' holds"),
        ({"a": np.float32(1)}, ArgumentError, "column 'a' holds float32"),
        (
            {"b": 1},
            ArgumentError,
            "has the columns 'b': expected the columns of the first row ('a')",
        ),
        ({"a": 1, "b": 1}, ArgumentError, "has the columns 'a', 'b'"),
        ({}, ArgumentError, "row 2 for"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(
    tmp_path: Path, name: str, row: dict[str, Cell], error: Any, part: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(error) as caught:
        write_rows(path, [{"a": 1}, row])
    assert part in str(caught.value)
    assert "row 2" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_are_held_one_at_a_time(tmp_path: Path) -> None:
    held: list[int] = []

    def rows() -> Iterator[dict[str, Cell]]:
        for number in range(20_000):
            if number == 19_999:
                held.extend(file.stat().st_size for file in tmp_path.iterdir())
            yield {"n": number}

    assert write_rows(tmp_path / "x.csv", rows()) == 20_000
    assert held[0] > 100_000


@pytest.mark.parametrize("name", ["x.txt", "x", "x.json", "no/x.csv", "folder.csv"])
def test_a_place_that_cannot_take_rows_is_refused_early(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    for check in (require_row_file, lambda path: write_rows(path, [])):
        with pytest.raises(OutputError, match=Path(name).name):
            check(tmp_path / name)
    require_row_file(tmp_path / "x.CSV")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]
