from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.files.records import Record
from sentune.data.passages import read_passage_rows
from sentune.data.roles.fields import FieldTypes, FieldValue, field_value
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_infinity=False, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"])), inner)
    ),
    max_leaves=10,
)


def _rows(path: Path) -> list[dict[str, FieldValue]]:
    return [dict(passage.fields) for passage in read_passage_rows(path)]


def _column(cells: Sequence[str]) -> list[FieldValue]:
    types = FieldTypes(Record("", {"c": cell}, "") for cell in cells)
    return [types("c", cell) for cell in cells]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "", "-2", " 3 ", "0"], [1, None, -2, 3, 0]),
        (["1", "2.5", "", "-.5", "1e3", "4."], [1.0, 2.5, None, -0.5, 1000.0, 4.0]),
        (["1", "n/a", " ", "2"], ["1", "n/a", None, "2"]),
        (["7", "007"], ["7", "007"]),
        (["1.5", "00.5"], ["1.5", "00.5"]),
        (["+1", "1"], ["+1", "1"]),
        (["1_000"], ["1_000"]),
        (["1,5"], ["1,5"]),
        (["nan", "1"], ["nan", "1"]),
        (["inf", "1.5"], ["inf", "1.5"]),
        (["1e999", "1"], ["1e999", "1"]),
        (["٣"], ["٣"]),
        (["true", "false"], ["true", "false"]),
        ([str(2**63 - 1), str(-(2**63))], [2**63 - 1, -(2**63)]),
        ([str(2**63), "1"], [str(2**63), "1"]),
        (["9" * 5000, "1.5"], ["9" * 5000, "1.5"]),
        ([str(2**53), "0.5"], [2.0**53, 0.5]),
        ([str(2**53 + 1), "0.5"], [str(2**53 + 1), "0.5"]),
        (["0.5", str(-(2**53) - 1)], ["0.5", str(-(2**53) - 1)]),
        (["", " "], [None, None]),
        (["2024-01-01", "5"], ["2024-01-01", "5"]),
    ],
)
def test_a_column_of_text_has_the_type_of_all_its_cells(
    cells: list[str], expected: list[FieldValue]
) -> None:
    read = _column(cells)
    assert read == expected
    assert list(map(type, read)) == list(map(type, expected))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text("0123456789.-+eE n", max_size=6)
        | st.integers().map(str)
        | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        min_size=1,
    )
)
def test_a_column_has_one_type_and_loses_nothing(cells: list[str]) -> None:
    values = _column(cells)
    assert [value is None for value in values] == [not cell.strip() for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    assert len(kinds) <= 1
    for cell, value in zip(cells, values, strict=True):
        if isinstance(value, str):
            assert value == cell
        elif isinstance(value, int):
            assert str(value) == cell.strip().replace("-0", "0") or value != 0
            assert int(cell) == value
        elif value is not None:
            assert float(cell) == value
    if kinds == {str}:
        numbers = [cell.strip() for cell in cells if cell.strip()]
        assert any(_is_no_plain_number(cell) for cell in numbers) or (
            any(abs(float(cell)) > 2**53 for cell in numbers)
        )


def _is_no_plain_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return True
    digits = cell.lstrip("-")
    return cell.startswith("+") or (digits[:1] == "0" and digits[1:2].isdigit())


@settings(max_examples=100, deadline=None)
@given(_json)
def test_values_of_json_pass_and_lists_and_objects_become_json(value: object) -> None:
    read = field_value(value, "x", "c")
    if isinstance(value, list | dict):
        assert isinstance(read, str)
        assert json.loads(read) == value
    else:
        assert read == value
        assert type(read) is type(value)


def test_nan_is_none_also_inside() -> None:
    assert field_value(math.nan, "x", "c") is None
    assert field_value([1, math.nan, {"é": math.nan}], "x", "c") == '[1, null, {"é": null}]'


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (math.inf, "holds an infinite number"),
        ([-math.inf], "holds an infinite number"),
        (2**63, "holds a whole number of more than 64 bits"),
        (-(2**63) - 1, "holds a whole number of more than 64 bits"),
        ("\ud800", "holds half of a surrogate pair"),
        ({"\ud800": 1}, "holds half of a surrogate pair"),
        ("a\0", "holds a NUL character"),
        (b"\xff", "holds bytes that are not UTF-8 text"),
        ([b"\xff"], "holds bytes that are not UTF-8 text"),
    ],
)
def test_values_that_no_index_stores_are_refused(value: object, part: str) -> None:
    with pytest.raises(DataError, match=f"x, line 3, column 'c' {part}"):
        field_value(value, "x, line 3", "c")


def test_deep_nesting_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(DataError, match="nests lists and objects too deeply"):
        field_value(value, "x", "c")
    while value:
        value = value.pop()  # type: ignore[assignment]


def test_names_are_kept_but_for_blanks_at_their_ends(write: Write) -> None:
    path = write("x.csv", "text, Page Nr ,größe,e-mail,Class\na,1,2,3,4\n")
    assert _rows(path) == [{"Page Nr": 1, "größe": 2, "e-mail": 3, "Class": 4}]


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.csv", "text,page,Page\na,1,2\n", ["x.csv, line 1: the columns 'page', 'Page' differ"]),
        ("x.csv", "text,url, url\na,1,2\n", ["x.csv, line 1: the columns 'url', 'url' differ"]),
        ("x.csv", "id,text,ID\n1,a,2\n", ["x.csv, line 1: the columns 'id', 'ID' differ"]),
        ("x.jsonl", '{"text":"a","Url":1}\n{"text":"b","url":1}', ["x.jsonl, line 2: the columns"]),
        ("x.csv", ",text\n0,a\n", ["x.csv, line 1: a column has an empty name", "Name it"]),
        ("x.csv", "text,_score\na,1\n", ["name '_score' is reserved for the index", "Rename"]),
        (
            "x.csv",
            "text,Sentune_x\na,1\n",
            ["name 'Sentune_x' is reserved for the index", "Rename"],
        ),
        ("x.csv", "id,text,_id\n1,a,1\n", ["name '_id' is reserved for the index", "Rename"]),
        (
            "x.csv",
            "text,a.b\na,1\n",
            ["the column 'a.b' can't be used in a filter", "without dots"],
        ),
        ("x.csv", "text,a`b\na,1\n", ["the column 'a`b' can't be used in a filter"]),
        ("x.csv", 'text,"a\nb"\na,1\n', ["can't be used in a filter"]),
        ("x.jsonl", '{"text":"a","\\ud800":1}', ["can't be used in a filter"]),
    ],
)
def test_names_that_cannot_be_fields_are_refused(
    write: Write, refusal: Refusal, name: str, content: str, parts: list[str]
) -> None:
    message = refusal(_rows, write(name, content))
    for part in parts:
        assert part in message
