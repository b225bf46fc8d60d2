"""Vectors, a part at a time → a NumPy, Parquet or Arrow file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sentune.data.files.parquet import arrow_module
from sentune.files import require_suffix

__all__ = [
    "VECTOR_SUFFIXES",
    "Part",
    "Shape",
    "require_vector_file",
    "write_array",
    "write_vectors",
]

_PARTS_IN_A_GROUP = 8


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a file: (n, width) vectors, and their ids if they have any."""

    vectors: NDArray[Any]
    ids: list[str] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a whole file: its rows, and the number and type of the values in a row."""

    rows: int
    width: int
    dtype: np.dtype[Any]
    with_ids: bool


def require_vector_file(path: Path) -> None:
    """Check before long work that ``write_vectors`` can write ``path``.

    Raises OutputError; MissingExtraError if the format needs pyarrow, which is not installed.
    """
    require_suffix(path, VECTOR_SUFFIXES)
    if path.suffix.lower() != ".npy":
        arrow_module("pyarrow")


def write_vectors(suffix: str, stream: BinaryIO, shape: Shape, parts: Iterable[Part]) -> None:
    """Write vectors in the format of a suffix.

    ``.npy`` is one array without ids, which ``np.load(path, mmap_mode="r")`` opens without reading
    it. Parquet and Arrow (the IPC file format) have the column ``embedding``, a list of fixed size,
    after the column ``id`` if there are ids.

    Memory: one part; for Parquet, a row group of eight parts. Raises OSError.
    """
    _WRITERS[suffix](stream, shape, parts)


def write_array(stream: BinaryIO, vectors: NDArray[Any]) -> None:
    """Write (n, width) vectors as ``np.save`` does, which does not say why a write has failed."""
    rows, width = vectors.shape
    shape = Shape(rows, width, vectors.dtype, with_ids=False)
    write_vectors(".npy", stream, shape, [Part(vectors, None)])


def _write_npy(stream: BinaryIO, shape: Shape, parts: Iterable[Part]) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(shape.dtype),
        "fortran_order": False,
        "shape": (shape.rows, shape.width),
    }
    np.lib.format.write_array_header_1_0(stream, header)
    stream.writelines(np.ascontiguousarray(part.vectors).data for part in parts)


def _write_parquet(stream: BinaryIO, shape: Shape, parts: Iterable[Part]) -> None:
    arrow, parquet = arrow_module("pyarrow"), arrow_module("pyarrow.parquet")
    schema = _schema(arrow, shape)
    # Vectors rarely repeat: a dictionary of them would only cost memory.
    with parquet.ParquetWriter(stream, schema, use_dictionary=False) as writer:
        batches = _batches(arrow, schema, parts)
        while group := list(islice(batches, _PARTS_IN_A_GROUP)):
            table = arrow.Table.from_batches(group)
            writer.write_table(table, row_group_size=table.num_rows)


def _write_arrow(stream: BinaryIO, shape: Shape, parts: Iterable[Part]) -> None:
    arrow = arrow_module("pyarrow")
    schema = _schema(arrow, shape)
    with arrow.ipc.new_file(stream, schema) as writer:
        for batch in _batches(arrow, schema, parts):
            writer.write_batch(batch)


def _schema(arrow: Any, shape: Shape) -> Any:
    embedding = arrow.list_(arrow.from_numpy_dtype(shape.dtype), shape.width)
    ids = [("id", arrow.string())] if shape.with_ids else []
    return arrow.schema([*ids, ("embedding", embedding)])


def _batches(arrow: Any, schema: Any, parts: Iterable[Part]) -> Iterator[Any]:
    for part in parts:
        values = arrow.array(part.vectors.reshape(-1))
        embedding = arrow.FixedSizeListArray.from_arrays(values, part.vectors.shape[1])
        ids = [] if part.ids is None else [arrow.array(part.ids, arrow.string())]
        yield arrow.RecordBatch.from_arrays([*ids, embedding], schema=schema)


_WRITERS: dict[str, Callable[[BinaryIO, Shape, Iterable[Part]], None]] = {
    ".npy": _write_npy,
    ".parquet": _write_parquet,
    ".arrow": _write_arrow,
}

VECTOR_SUFFIXES = tuple(_WRITERS)
