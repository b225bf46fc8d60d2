"""A few texts → a file: the file that ``encode_to_file`` writes, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.bulk import EncodedFile, encode_few_to_file, encode_to_file
from sentune.data import TextRow
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError, ModelNotFoundError, OutputError

TEXTS = ["the first text", "a second, longer text", "third", "word " * 60]


def few(folder: Path | str, texts: Any, out: Path, **options: Any) -> EncodedFile:
    written = encode_few_to_file(str(folder), texts, out, bfloat16=False, **options)
    assert written is not None
    return written


@pytest.mark.parametrize("suffix", [".npy", ".parquet", ".arrow"])
@pytest.mark.parametrize("with_ids", [False, True])
def test_it_is_the_file_that_the_other_writes(
    suffix: str, with_ids: bool, tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path
) -> None:
    texts = [TextRow(text, f"id {n}" if with_ids else None) for n, text in enumerate(TEXTS)]
    ours, theirs = tmp_path / f"few{suffix}", tmp_path / f"all{suffix}"
    found, expected = few(tiny_folder, texts, ours), encode_to_file(tiny, texts, theirs)
    assert (found.rows, found.width, found.encoded) == (4, 32, 4)
    assert found.truncation == expected.truncation
    assert found.max_seq_length == expected.max_seq_length == 48
    if suffix == ".npy":
        np.testing.assert_allclose(np.load(ours), np.load(theirs), rtol=0, atol=1e-6)
        return
    mine, other = (table(path) for path in (ours, theirs))
    assert mine.schema == other.schema
    if with_ids:
        assert mine["id"].to_pylist() == other["id"].to_pylist()
    np.testing.assert_allclose(vectors_of(mine), vectors_of(other), rtol=0, atol=1e-6)


def table(path: Path) -> Any:
    return pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()


def vectors_of(rows: Any) -> Any:
    return rows["embedding"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, -1)


@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_bits(precision: str, tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path) -> None:
    written = few(tiny_folder, TEXTS, tmp_path / "v.npy", precision=precision)
    assert written.width == 4
    expected = tiny.encode(TEXTS, precision=precision)
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), expected)


def test_what_is_left_to_the_other_writes_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npy"
    model = str(tiny_folder)
    assert encode_few_to_file(model, [], out, bfloat16=False) is None
    assert encode_few_to_file(model, TEXTS, out, bfloat16=False, precision="int8") is None
    (tmp_path / ".v.npy.encoding").mkdir()
    assert encode_few_to_file(model, TEXTS, out, bfloat16=False) is None
    assert [path.name for path in tmp_path.iterdir()] == [".v.npy.encoding"]


def test_an_old_file_is_replaced_and_the_model_told(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npy"
    out.write_bytes(b"old")
    (tmp_path / ".v.npy.0123456789abcdef.partial").write_bytes(b"left by a kill")
    said: list[str] = []
    few(tiny_folder, TEXTS, out, say=said.append)
    assert said == [f"model {tiny_folder} from local folder"]
    assert np.load(out).shape == (4, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


def test_a_long_name(tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / ("v" * 250 + ".npy")
    few(tiny_folder, TEXTS, out)
    assert np.load(out).shape == (4, 32)
    with pytest.raises(OutputError, match="cannot be written"):  # no room for the work folder's
        encode_to_file(tiny, TEXTS, out)


def test_what_cannot_be(tiny_folder: Path, tmp_path: Path, make_folder: Any) -> None:
    out = tmp_path / "v.npy"
    with pytest.raises(ModelNotFoundError):
        encode_few_to_file("./absent", TEXTS, out, bfloat16=False)
    with pytest.raises(OutputError, match="suffix"):
        encode_few_to_file(str(tiny_folder), TEXTS, tmp_path / "v.csv", bfloat16=False)
    with pytest.raises(ArgumentError, match=r"texts\[1\] is int"):
        encode_few_to_file(str(tiny_folder), ["a", 3], out, bfloat16=False)  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="precision is 'int4'"):
        encode_few_to_file(str(tiny_folder), TEXTS, out, bfloat16=False, precision="int4")
    folder = make_folder(tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="vocab_size"):
        encode_few_to_file(str(folder), TEXTS, out, bfloat16=False)
    assert not out.exists()
