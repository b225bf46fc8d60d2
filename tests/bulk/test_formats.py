"""Files of vectors are what other programs read, with every row in its place."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.bulk import require_vector_file
from sentune.bulk.formats import VECTOR_SUFFIXES, Part, Shape, write_array, write_vectors
from sentune.errors import MissingExtraError, OutputError

_SIZES = (4, 1, 7, 7, 2, 5, 3, 1, 6, 4)


def vectors(dtype: str) -> Any:
    numbers = np.random.default_rng(0).integers(-128, 128, (sum(_SIZES), 6))
    return numbers.astype(dtype)


def parts(whole: Any, with_ids: bool) -> Iterator[Part]:
    start = 0
    for size in _SIZES:
        ids = [f"é{start + row}" for row in range(size)] if with_ids else None
        yield Part(whole[start : start + size], ids)
        start += size


def written(suffix: str, dtype: str, with_ids: bool) -> bytes:
    whole = vectors(dtype)
    stream = io.BytesIO()
    shape = Shape(len(whole), whole.shape[1], whole.dtype, with_ids)
    write_vectors(suffix, stream, shape, parts(whole, with_ids))
    assert not stream.closed  # it has yet to be flushed to the disk
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_npy_is_what_numpy_writes(dtype: str) -> None:
    expected = io.BytesIO()
    np.save(expected, vectors(dtype))
    assert written(".npy", dtype, with_ids=False) == expected.getvalue()
    assert written(".npy", dtype, with_ids=True) == expected.getvalue()


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_tables_have_every_row_in_its_place(suffix: str, dtype: str, with_ids: bool) -> None:
    content = pa.BufferReader(written(suffix, dtype, with_ids))
    table = pq.read_table(content) if suffix == ".parquet" else pa.ipc.open_file(content).read_all()
    assert table.column_names == (["id", "embedding"] if with_ids else ["embedding"])
    kind = table.schema.field("embedding").type
    assert pa.types.is_fixed_size_list(kind)
    assert (kind.list_size, str(kind.value_type)) == (6, dtype.replace("float32", "float"))
    embedding = table["embedding"].combine_chunks().flatten().to_numpy().reshape(-1, 6)
    np.testing.assert_array_equal(embedding, vectors(dtype))
    if with_ids:
        assert table["id"].to_pylist() == [f"é{row}" for row in range(sum(_SIZES))]


@pytest.mark.parametrize("suffix", VECTOR_SUFFIXES)
def test_the_same_vectors_give_the_same_bytes(suffix: str) -> None:
    assert written(suffix, "float32", with_ids=True) == written(suffix, "float32", with_ids=True)


@pytest.mark.parametrize("suffix", VECTOR_SUFFIXES)
def test_parts_are_taken_one_after_another(suffix: str) -> None:
    """A Parquet row group is eight parts; nothing else is held."""
    stream, sizes = io.BytesIO(), []

    def watched() -> Iterator[Part]:
        for _ in range(40):
            sizes.append(len(stream.getvalue()))
            yield Part(np.ones((100, 6), dtype=np.float32), None)

    write_vectors(suffix, stream, Shape(4000, 6, np.dtype(np.float32), False), watched())
    assert len(set(sizes)) >= 40 // 8


def test_what_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vectors", "vectors.csv", "vectors.feather"):
        with pytest.raises(OutputError, match=r"ends in \.npy, \.parquet or \.arrow"):
            require_vector_file(tmp_path / name)
    with pytest.raises(OutputError, match="absent does not exist"):
        require_vector_file(tmp_path / "absent" / "vectors.npy")
    require_vector_file(tmp_path / "VECTORS.ARROW")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    require_vector_file(tmp_path / "vectors.npy")
    for name in ("vectors.parquet", "vectors.arrow"):
        with pytest.raises(MissingExtraError, match="the extra 'index'"):
            require_vector_file(tmp_path / name)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_an_array_has_the_bytes_that_numpy_writes(dtype: str) -> None:
    ours, numpys = io.BytesIO(), io.BytesIO()
    write_array(ours, vectors(dtype).T)
    np.save(numpys, np.ascontiguousarray(vectors(dtype).T), allow_pickle=False)
    assert ours.getvalue() == numpys.getvalue()


def test_a_full_disk_is_called_so() -> None:
    """NumPy's own words are how many items were requested and written."""
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match=os.strerror(errno.ENOSPC)),
    ):
        write_array(full, vectors("float32"))
