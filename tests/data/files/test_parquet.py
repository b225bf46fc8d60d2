from __future__ import annotations

import datetime as dt
import decimal
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sentune.data.files.parquet
from sentune.data.corpus import read_passages
from sentune.data.files.parquet import parquet_rows
from sentune.data.files.reading import records_of
from sentune.data.labelled import read_labelled_texts
from sentune.data.pair_files.reading import read_pairs
from sentune.data.passages import read_passage_rows
from sentune.data.scored import is_scored, read_scored_pairs
from sentune.data.texts import read_texts
from sentune.errors import DataError, MissingExtraError

Refusal = Callable[[Callable[[Path], object], Path], str]

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _written(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["a", None, ""], pa.string(), ["a", None, ""]),
        (["a", None], pa.large_string(), ["a", None]),
        (["a", "b", "a"], pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"]),
        ([1, None, -(2**63)], pa.int64(), [1, None, -(2**63)]),
        ([2**64 - 1], pa.uint64(), [2**64 - 1]),
        ([1.5, None], pa.float32(), [1.5, None]),
        ([np.float16(0.5), None], pa.float16(), [0.5, None]),
        ([True, None, False], pa.bool_(), [True, None, False]),
        ([None, None], pa.null(), [None, None]),
        ([b"caf\xc3\xa9", b"\xff", None], pa.binary(), ["café", b"\xff", None]),
        ([[1, None], [], None], pa.list_(pa.int64()), [[1, None], [], None]),
        ([[b"a"]], pa.list_(pa.binary()), [["a"]]),
        ([[dt.date(2024, 2, 29)]], pa.list_(pa.date32()), [["2024-02-29"]]),
        (
            [{"a": 1, "b": [{"c": decimal.Decimal("0.5")}]}, None],
            pa.struct(
                {"a": pa.int8(), "b": pa.list_(pa.struct({"c": pa.decimal128(3, 1)}))}.items()
            ),
            [{"a": 1, "b": [{"c": 0.5}]}, None],
        ),
        ([[("k", 1)]], pa.map_(pa.string(), pa.int8()), [[["k", 1]]]),
        ([dt.date(2024, 2, 29), None], pa.date32(), ["2024-02-29", None]),
        ([dt.datetime(2024, 2, 29, 1, 2, 3)], pa.timestamp("s"), ["2024-02-29T01:02:03"]),
        ([1_700_000_000_123_456_789], pa.timestamp("ns"), ["2023-11-14T22:13:20.123456"]),
        ([-1], pa.timestamp("ns", tz="UTC"), ["1970-01-01T00:00:00+00:00"]),
        ([0, None], pa.timestamp("us", tz="+01:00"), ["1970-01-01T01:00:00+01:00", None]),
        ([3_661_000_000_999], pa.time64("ns"), ["01:01:01"]),
        ([dt.timedelta(days=1, milliseconds=500)], pa.duration("ms"), [86400.5]),
        ([1_500_000_001], pa.duration("ns"), [1.5]),
        ([decimal.Decimal("3.10"), None], pa.decimal128(9, 2), [3.1, None]),
        ([decimal.Decimal(10**30)], pa.decimal128(38, 0), [10**30]),
    ],
)
def test_values_become_plain(
    tmp_path: Path, values: list[object], kind: pa.DataType, expected: list[object]
) -> None:
    path = _written(tmp_path / "x.parquet", a=pa.array(values, kind))
    read = [row["a"] for row in parquet_rows(path)]
    assert read == expected
    assert [type(value) for value in read] == [type(value) for value in expected]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | _text,
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.lists(st.floats(allow_nan=False) | st.none(), max_size=3),
        )
    ),
    group=st.integers(1, 5),
    compression=st.sampled_from(["none", "snappy", "zstd", "gzip"]),
)
def test_rows_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: Sequence[tuple[object, ...]],
    group: int,
    compression: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.parquet"
    kinds = {"t": pa.string(), "n": pa.int64(), "l": pa.list_(pa.float64())}
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    table = pa.table(
        {
            name: pa.array(values, kind)
            for (name, kind), values in zip(kinds.items(), columns, strict=True)
        }
    )
    pq.write_table(table, path, row_group_size=group, compression=compression)
    assert [tuple(row.values()) for row in parquet_rows(path)] == rows
    places = [record.location for record in records_of(path)]
    assert places == [f"{path}, row {number + 1}" for number in range(len(rows))]


def test_every_reader_takes_parquet(tmp_path: Path, refusal: Refusal) -> None:
    pairs = _written(tmp_path / "p.PARQUET", question=["a", "b"], passages=[["x", "y"], ["z"]])
    assert list(read_pairs(pairs).passages.values()) == ["x", "y", "z"]
    assert list(read_passages(pairs).values()) == ["x", "y", "z"]
    assert [passage.text for passage in read_passage_rows(pairs)] == ["x", "y", "z"]
    assert not is_scored(pairs)
    scored = _written(
        tmp_path / "s.parquet",
        sentence1=["a", "b"],
        sentence2=["c", "d"],
        score=[decimal.Decimal("4.5"), decimal.Decimal("1.0")],
    )
    assert read_scored_pairs(scored).scores == (4.5, 1.0)
    assert is_scored(scored)
    texts = _written(tmp_path / "t.parquet", text=["a", "b", None], label=[1, 2, 3])
    assert next(iter(read_texts(texts))) == "a"
    for read in (lambda path: list(read_texts(path)), read_labelled_texts, read_passages):
        assert "t.parquet, row 3, column 'text' holds null" in refusal(read, texts)
    binary = _written(tmp_path / "b.parquet", text=[b"a", b"\xff"])
    message = refusal(read_passages, binary)
    assert "b.parquet, row 2, column 'text' holds bytes that are not UTF-8 text" in message
    other = _written(tmp_path / "o.parquet", a=["x"])
    assert "o.parquet: no column could be the question" in refusal(read_pairs, other)
    empty = _written(tmp_path / "e.parquet", text=pa.array([], pa.string()))
    assert "e.parquet has no texts" in refusal(read_passages, empty)


class _Watched(io.FileIO):
    longest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        _Watched.longest = max(_Watched.longest, len(content or b""))
        return content or b""


def test_memory_is_that_of_a_batch_however_large_the_row_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, width = 12_000, 400
    numbers = pa.array(np.random.default_rng(1).random(rows * width))
    path = tmp_path / "x.parquet"
    table = pa.table({"vector": pa.FixedSizeListArray.from_arrays(numbers, width)})
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False, compression="none")
    del table, numbers
    assert path.stat().st_size > 36 << 20
    before = pa.total_allocated_bytes()
    peak = count = 0
    monkeypatch.setattr(Path, "open", lambda path, mode: _Watched(path, mode))
    for _ in parquet_rows(path):
        count += 1
        if count % 100 == 0:
            peak = max(peak, pa.total_allocated_bytes() - before)
    assert count == rows
    assert 0 < peak < 20 << 20
    assert 0 < _Watched.longest < 4 << 20


def test_a_value_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    path = _written(tmp_path / "x.parquet", text=["é" * 5_000_000, "b"])
    assert [len(text) for text in read_texts(path)] == [5_000_000, 1]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"text\na\n", b"PAR1" + b"\0" * 99])
def test_what_is_no_parquet_is_refused(tmp_path: Path, refusal: Refusal, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    message = refusal(read_pairs, path)
    assert "x.parquet can't be read as Parquet (" in message
    assert "expected a whole Parquet file" in message


def test_damage_is_a_data_error_or_goes_unseen(tmp_path: Path, refusal: Refusal) -> None:
    path = _written(
        tmp_path / "x.parquet",
        text=[f"text {number}" for number in range(50)],
        label=[number % 3 for number in range(50)],
        tags=[["a", "b"]] * 50,
        at=[dt.datetime(2024, 1, 1)] * 50,
    )
    whole = path.read_bytes()
    pick = random.Random(3)
    for _ in range(100):
        path.write_bytes(whole[: pick.randrange(len(whole))])
        assert "x.parquet can't be read as Parquet (" in refusal(read_labelled_texts, path)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[pick.randrange(len(whole))] ^= 1 << pick.randrange(8)
        path.write_bytes(damaged)
        # Damage within a value can go unseen.
        message = _refused(path)
        assert message is None or (str(path) in message and message.isprintable())


def _refused(path: Path) -> str | None:
    try:
        list(parquet_rows(path))
    except DataError as error:
        return str(error)
    return None


def test_a_date_beyond_the_calendar_of_python_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    path = _written(tmp_path / "x.parquet", text=["a"], at=pa.array([10**13], pa.timestamp("s")))
    assert "x.parquet can't be read as Parquet (" in refusal(read_passages, path)


def test_a_column_named_twice_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])
    pq.write_table(table, tmp_path / "x.parquet")
    message = refusal(read_passages, tmp_path / "x.parquet")
    assert "x.parquet names the columns 'text' more than once" in message


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(tmp_path / "x.parquet", text=["a"])

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sentune.data.files.parquet, "import_module", missing)
    texts = read_texts(path)
    with pytest.raises(MissingExtraError, match=r"'pyarrow' is not.*sentune\[index\]"):
        next(texts)


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(tmp_path / "x.parquet", text=["a"])

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "x.parquet can't be read (Permission denied)" in refusal(read_passages, path)
