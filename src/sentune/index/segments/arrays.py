"""Arrays ↔ one file, in the format of safetensors, mapped and not read.

A page of the file is read when something in it is used. What was mapped stays readable after the
file was removed, as on every POSIX system.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Pieces", "map_arrays", "write_arrays"]

Array = NDArray[Any]
Pieces = Sequence[Array]

_NAMES = {
    "F32": "<f4",
    "I64": "<i8",
    "U64": "<u8",
    "I32": "<i4",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
}
_ALIGNED = 64  # bytes: a line of the cache
_LENGTH = 8  # bytes of the header's length


def write_arrays(stream: BinaryIO, arrays: Mapping[str, Pieces]) -> None:
    """Write arrays, each starting on a line of the cache.

    An array is given as pieces along its first axis, of one type of 8 bytes a value or fewer.
    """
    codes = {np.dtype(code): name for name, code in _NAMES.items()}
    entries: dict[str, Any] = {}
    end = 0
    # From 8 bytes a value to 1, as the format wants it.
    ordered = sorted(arrays.items(), key=lambda item: -item[1][0].dtype.itemsize)
    for name, pieces in ordered:
        # The format has no gaps, so a gap is an array of its own.
        if gap := -end % _ALIGNED:
            entries[f"_{name}"] = {"dtype": "U8", "shape": [gap], "data_offsets": [end, end + gap]}
            end += gap
        size = sum(piece.nbytes for piece in pieces)
        entries[name] = {
            "dtype": codes[pieces[0].dtype],
            "shape": [sum(map(len, pieces)), *pieces[0].shape[1:]],
            "data_offsets": [end, end + size],
        }
        end += size
    header = json.dumps(entries).encode()
    header += b" " * (-(len(header) + _LENGTH) % _ALIGNED)
    stream.write(len(header).to_bytes(_LENGTH, "little") + header)
    start = stream.tell()
    for name, pieces in ordered:
        stream.write(bytes(start + entries[name]["data_offsets"][0] - stream.tell()))
        stream.writelines(map(_bytes_of, pieces))


def _bytes_of(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def map_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file, read-only. Raises OSError and ValueError for a damaged file."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= _LENGTH:
            raise ValueError(f"{path.name} was cut short")
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    start = _LENGTH + int.from_bytes(mapped[:_LENGTH], "little")
    if start > size:
        raise ValueError(f"{path.name} was cut short")
    entries = json.loads(mapped[_LENGTH:start])
    try:
        ends = [entry["data_offsets"][1] for entry in entries.values()]
        if start + max(ends, default=0) != size:
            raise ValueError(f"{path.name} was cut short")
        return {
            name: _mapped(mapped, start, entry)
            for name, entry in entries.items()
            if not name.startswith("_")
        }
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path.name} has a damaged header") from error


def _mapped(mapped: mmap.mmap, start: int, entry: dict[str, Any]) -> Array:
    dtype, shape = np.dtype(_NAMES[entry["dtype"]]), entry["shape"]
    count = int(np.prod(shape, dtype=np.int64))
    first, last = entry["data_offsets"]
    if last - first != count * dtype.itemsize:
        raise ValueError("an array has another size than its header says")
    flat = np.frombuffer(mapped, dtype, count, start + first) if count else np.empty(0, dtype)
    return flat.reshape(shape)
