"""Any number of texts become a file, whatever interrupts it, and only once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.bulk import encode_to_file
from sentune.bulk.work_folder import WorkFolder
from sentune.data import TextRow
from sentune.encoding.encode import encode_chunk
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError, OutputError, SentuneError
from sentune.files import write_json
from sentune.tokens.truncation import count_truncation

SHARD = 8


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentune.bulk.run._SHARD", SHARD)


@pytest.fixture
def texts(real_texts: list[str]) -> list[str]:
    return real_texts[:43]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "vectors.npy"


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is encoded from here on, in order."""
    seen: list[str] = []
    encode = encode_chunk

    def noted(model: Any, texts: list[str], *rest: Any) -> Any:
        seen.extend(texts)
        return encode(model, texts, *rest)

    monkeypatch.setattr("sentune.encoding.runners.runner.encode_chunk", noted)
    return seen


def work(out: Path) -> Path:
    return out.with_name(f".{out.name}.encoding")


def stopping_after(texts: list[str], count: int) -> Iterator[str]:
    yield from texts[:count]
    raise ConnectionError("gone")


def stop_after(model: SentenceTransformer, texts: list[str], out: Path, count: int) -> None:
    """Leave behind what a run leaves that ends after so many texts."""
    with pytest.raises(ConnectionError):
        encode_to_file(model, stopping_after(texts, count), out)


def refused(call: Callable[[], object], kind: type[SentuneError] = OutputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ── the file ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prompt": "find the "},
        {"prompt_name": "query", "batch_size": 3},
        {"truncate_dim": 8, "normalize_embeddings": True},
        {"precision": "int8"},
        {"precision": "uint8", "truncate_dim": 16},
        {"precision": "binary"},
        {"precision": "ubinary"},
        {"long_text": "chunk"},
    ],
    ids=str,
)
def test_the_file_holds_what_encode_returns(
    options: dict[str, Any], tiny: SentenceTransformer, texts: list[str], out: Path
) -> None:
    with count_truncation() as counted:
        written = encode_to_file(tiny, iter(texts), out, **options)
    with count_truncation() as expected_counts:
        expected = tiny.encode(texts, **options)
    found = np.load(out, allow_pickle=False)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert (written.rows, written.width) == found.shape
    assert written.encoded == len(texts)
    assert written.truncation == counted == expected_counts
    if options.get("precision") in ("int8", "uint8"):
        assert np.abs(found.astype(int) - expected).max() <= 1  # at the border of a bucket
        assert (found != expected).mean() < 0.01
        ranges = np.load(out.with_name("vectors.ranges.npy"), allow_pickle=False)
        floats = tiny.encode(texts, **{**options, "precision": "float32"})
        for row, extreme in zip(ranges, (floats.min(axis=0), floats.max(axis=0)), strict=True):
            np.testing.assert_allclose(row, extreme, rtol=0, atol=1e-6)
    elif "binary" in options.get("precision", ""):
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    kept = {"vectors.npy", "vectors.ranges.npy"} if "int8" in str(options) else {"vectors.npy"}
    assert {path.name for path in out.parent.iterdir()} <= kept


def test_a_texts_bits_do_not_depend_on_when_it_was_encoded(
    tiny: SentenceTransformer, texts: list[str], out: Path, tmp_path: Path
) -> None:
    encode_to_file(tiny, texts, out)
    for count in (0, 7, 8, 9, 17, 40):
        other = tmp_path / f"{count}.npy"
        stop_after(tiny, texts, other, count)
        encode_to_file(tiny, texts, other)
        assert other.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("name", ["v.parquet", "v.arrow"])
def test_tables_have_ids_where_the_texts_do(
    name: str, tiny: SentenceTransformer, texts: list[str], tmp_path: Path
) -> None:
    def read(path: Path) -> Any:
        return pq.read_table(path) if name == "v.parquet" else pa.ipc.open_file(path).read_all()

    rows = [TextRow(text, f"t{number}") for number, text in enumerate(texts)]
    with pytest.raises(ConnectionError):
        encode_to_file(tiny, stopping_after(rows, 20), tmp_path / name)  # type: ignore[arg-type]
    encode_to_file(tiny, rows, tmp_path / name)
    table = read(tmp_path / name)
    assert table["id"].to_pylist() == [row.id for row in rows]
    vectors = table["embedding"].combine_chunks().flatten().to_numpy().reshape(len(rows), -1)
    np.testing.assert_allclose(vectors, tiny.encode(texts), rtol=0, atol=1e-6)
    encode_to_file(tiny, texts, tmp_path / name)
    assert read(tmp_path / name).column_names == ["embedding"]


def test_texts_are_read_a_shard_at_a_time(
    tiny: SentenceTransformer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for number in range(100):
            read += 1
            yield f"text {number}"

    add = WorkFolder.add

    def checked(folder: WorkFolder, number: int, *rest: Any, **facts: Any) -> None:
        assert read <= SHARD * (number + 1)
        add(folder, number, *rest, **facts)

    monkeypatch.setattr(WorkFolder, "add", checked)
    assert encode_to_file(tiny, texts(), out).rows == 100


def test_a_pool_writes_the_same_file(
    tiny: SentenceTransformer, texts: list[str], out: Path, tmp_path: Path
) -> None:
    with tiny.start_multi_process_pool(["cpu", "cpu"]) as pool:
        stop_after(tiny, texts, out, 9)
        encode_to_file(tiny, texts, out, pool=pool)
    np.testing.assert_allclose(np.load(out), tiny.encode(texts), rtol=0, atol=1e-6)
    with pytest.raises(ArgumentError, match="a pool that was closed"):
        encode_to_file(tiny, texts, out, pool=pool)


# ── continuing ────────────────────────────────────────────────────────────────────────────────


def test_finished_shards_are_not_encoded_again(
    tiny: SentenceTransformer, texts: list[str], out: Path, encoded: list[str]
) -> None:
    said: list[str] = []
    stop_after(tiny, texts, out, 20)
    assert encoded == texts[:16]
    assert not out.exists()
    encoded.clear()
    written = encode_to_file(tiny, texts, out, say=said.append)
    assert encoded == texts[16:]
    assert (written.rows, written.encoded) == (43, 27)
    assert said == [
        "continuing after 16 texts that an earlier run encoded, if the input is the same"
    ]
    with count_truncation() as counted:
        tiny.encode(texts)
    assert written.truncation == counted


def test_an_old_file_is_there_until_the_new_one_is(
    tiny: SentenceTransformer, texts: list[str], out: Path
) -> None:
    encode_to_file(tiny, ["old"], out)
    old = out.read_bytes()
    stop_after(tiny, texts, out, 30)
    assert out.read_bytes() == old
    encode_to_file(tiny, texts, out)
    assert np.load(out).shape == (43, 32)


def test_other_texts_are_refused_with_their_position(
    tiny: SentenceTransformer, texts: list[str], out: Path, encoded: list[str]
) -> None:
    stop_after(tiny, texts, out, 30)
    before = sorted(path.read_bytes() for path in work(out).iterdir())
    encoded.clear()
    changed = [*texts[:13], texts[13] + ".", *texts[14:]]
    message = refused(lambda: encode_to_file(tiny, changed, out))
    assert (
        f"{work(out)} has vectors of other texts (the input differs at or after text 9)" in message
    )
    assert f"Remove {work(out)} to start again" in message
    rows = [TextRow(text, "id") for text in texts]
    assert "at or after text 1)" in refused(lambda: encode_to_file(tiny, rows, out))
    swapped = [texts[0] + texts[1], "", *texts[2:]]
    assert "at or after text 1)" in refused(lambda: encode_to_file(tiny, swapped, out))
    assert encoded == []
    assert before == sorted(path.read_bytes() for path in work(out).iterdir())
    shutil.rmtree(work(out))
    assert encode_to_file(tiny, changed, out).encoded == 43


def test_texts_after_the_finished_shards_may_be_others(
    tiny: SentenceTransformer, texts: list[str], out: Path
) -> None:
    stop_after(tiny, texts, out, 16)
    encode_to_file(tiny, [*texts[:16], "another"], out)
    expected = tiny.encode([*texts[:16], "another"])
    np.testing.assert_allclose(np.load(out), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prompt": "find "}, "prompt 'find ' instead of ''"),
        ({"truncate_dim": 8}, "truncate_dim 8 instead of None"),
        ({"normalize_embeddings": True}, "normalize_embeddings True instead of False"),
        ({"long_text": "chunk"}, "long_text 'chunk' instead of 'truncate'"),
        ({"precision": "binary"}, "precision 'binary' instead of 'float32'"),
    ],
    ids=str,
)
def test_other_options_are_refused(
    options: dict[str, Any],
    said: str,
    tiny: SentenceTransformer,
    texts: list[str],
    out: Path,
) -> None:
    stop_after(tiny, texts, out, 8)
    message = refused(lambda: encode_to_file(tiny, texts, out, **options))
    assert f"has a part of another encoding ({said})" in message
    encode_to_file(tiny, texts, out, batch_size=2)  # does not change a vector


def test_another_model_is_refused(
    tiny: SentenceTransformer, tiny_folder: Path, texts: list[str], out: Path
) -> None:
    stop_after(tiny, texts, out, 8)
    other = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    encode_to_file(other, texts, out)
    stop_after(tiny, texts, out, 8)
    other.encoder.embeddings.word.weight.data[0, 0] += 1
    message = refused(lambda: encode_to_file(other, texts, out))
    assert f"it was started with the model {tiny.base.name}; the weights differ" in message
    shorter = SentenceTransformer(tiny_folder, device="cpu", compute_dtype="float32")
    shorter.max_seq_length = 20
    assert "length limit 20 instead of 48" in refused(lambda: encode_to_file(shorter, texts, out))


def test_a_damaged_shard_is_encoded_again(
    tiny: SentenceTransformer, texts: list[str], out: Path, encoded: list[str]
) -> None:
    encode_to_file(tiny, texts, out)
    expected = out.read_bytes()
    stop_after(tiny, texts, out, 40)
    vectors = work(out) / "00001.npy"
    content = bytearray(vectors.read_bytes())
    content[-5] ^= 1
    vectors.write_bytes(content)
    (work(out) / "00003.json").write_text('{"rows": 8', encoding="utf-8")
    (work(out) / "00004.npy").unlink()
    encoded.clear()
    said: list[str] = []
    encode_to_file(tiny, texts, out, say=said.append)
    assert encoded == [*texts[8:16], *texts[24:]]
    assert said[0] == f"3 shards in {work(out)} are damaged and are encoded again"
    assert out.read_bytes() == expected


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_a_damaged_folder_is_refused(
    content: str, tiny: SentenceTransformer, texts: list[str], out: Path
) -> None:
    stop_after(tiny, texts, out, 8)
    (work(out) / "job.json").write_text(content, encoding="utf-8")
    assert f"Remove {work(out)}" in refused(lambda: encode_to_file(tiny, texts, out))
    assert (work(out) / "00000.npy").exists()


def test_one_process_at_a_time(tiny: SentenceTransformer, texts: list[str], out: Path) -> None:
    def intruding() -> Iterator[str]:
        yield from texts[:20]
        message = refused(lambda: encode_to_file(tiny, texts, out))
        assert f"{out} is being written by another process" in message
        yield from texts[20:]

    assert encode_to_file(tiny, intruding(), out).rows == 43
    assert [path.name for path in out.parent.iterdir()] == ["vectors.npy"]


def test_ctrl_c_says_how_to_continue(
    tiny: SentenceTransformer, texts: list[str], out: Path
) -> None:
    def interrupted(count: int) -> Iterator[str]:
        yield from texts[:count]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; nothing was written$"):
        encode_to_file(tiny, interrupted(5), out)
    assert list(out.parent.iterdir()) == []
    with pytest.raises(KeyboardInterrupt, match=r"^interrupted after 16 texts; the same command "):
        encode_to_file(tiny, interrupted(23), out)
    assert encode_to_file(tiny, texts, out).encoded == 43 - 16


def test_a_shard_counts_as_soon_as_it_is_on_the_disk(
    tiny: SentenceTransformer, texts: list[str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, value: Any) -> None:
        write_json(path, value)
        if path.name == "00001.json":
            raise KeyboardInterrupt

    monkeypatch.setattr("sentune.bulk.work_folder.write_json", interrupted)
    with pytest.raises(KeyboardInterrupt, match="after 16 texts"):
        encode_to_file(tiny, texts, out)


# ── what cannot be ────────────────────────────────────────────────────────────────────────────


def test_no_texts(tiny: SentenceTransformer, out: Path) -> None:
    assert "no texts" in refused(lambda: encode_to_file(tiny, [], out), DataError)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("one text", "texts is a single text: expected an iterable of texts"),
        (["a", 3], "texts[1] is int"),
        (["a", None], "texts[1] is None"),
        (["a", "\ud800"], "texts[1] is not valid Unicode text"),
        ([TextRow("a", "1"), TextRow("b")], "texts[1] has no id"),
        ([TextRow("a"), TextRow("b", "1")], "texts[1] has the id '1'"),
    ],
    ids=str,
)
def test_inputs_that_are_no_texts(
    inputs: Any, said: str, tiny: SentenceTransformer, out: Path
) -> None:
    assert said in refused(lambda: encode_to_file(tiny, inputs, out), ArgumentError)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "int4"}, "precision is 'int4'"),
        ({"prompt_name": "absent"}, "prompt_name is 'absent'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"truncate_dim": -1}, "truncate_dim is -1"),
        ({"long_text": "whole"}, "long_text is 'whole'"),
    ],
    ids=str,
)
def test_options_are_checked_first(
    options: dict[str, Any], said: str, tiny: SentenceTransformer, out: Path
) -> None:
    def texts() -> Iterator[str]:
        raise AssertionError("read before the check")
        yield ""

    message = refused(lambda: encode_to_file(tiny, texts(), out, **options), ArgumentError)
    assert said in message
    assert list(out.parent.iterdir()) == []


def test_eight_bits_need_two_texts(tiny: SentenceTransformer, out: Path) -> None:
    message = refused(lambda: encode_to_file(tiny, ["a"], out, precision="int8"), ArgumentError)
    assert "the ranges of int8 would come from one text" in message
    assert not out.exists()


def test_the_job_is_readable(tiny: SentenceTransformer, texts: list[str], out: Path) -> None:
    stop_after(tiny, texts, out, 8)
    job = json.loads((work(out) / "job.json").read_text(encoding="utf-8"))
    assert job["options"]["precision"] == "float32"
    assert job["name"] == tiny.base.name
    shard = json.loads((work(out) / "00000.json").read_text(encoding="utf-8"))
    assert shard["rows"] == 8


@pytest.mark.parametrize(("count", "reported"), [(99, True), (100, False)])
def test_ranges_of_a_few_vectors_are_reported(
    count: int, reported: bool, tiny: SentenceTransformer, tmp_path: Path
) -> None:
    said: list[str] = []
    texts = [f"text {number}" for number in range(count)]
    encode_to_file(tiny, texts, tmp_path / "v.npy", precision="int8", say=said.append)
    expected = f"the ranges of int8 come from {count} vectors: use them only for these texts"
    assert said == ([expected] if reported else [])
