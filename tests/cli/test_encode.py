"""``sentune encode``: what it reads, writes and says, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.encoding.sentence_transformer import SentenceTransformer

TEXTS = ["the first text", "a second, longer text", "third", "the first text"]
_PATIENCE = 300


def vectors_of(table: Any) -> Any:
    flat = table["embedding"].combine_chunks().flatten().to_numpy()
    return flat.reshape(table.num_rows, -1)


def write(path: Path) -> Path:
    rows = [{"id": 10 + number, "text": text} for number, text in enumerate(TEXTS)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    content = {
        ".txt": "\n".join(TEXTS),
        ".jsonl": "\n".join(map(json.dumps, rows)),
        ".json": json.dumps(rows),
        ".csv": "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows),
    }[path.suffix]
    path.write_text(content, encoding="utf-8")
    return path


def test_texts_in_the_place_of_the_model_are_told(
    refused: Callable[..., None], tmp_path: Path
) -> None:
    refused(
        ("encode", write(tmp_path / "texts.txt")),
        "texts.txt' is a file and no model",
    )


@pytest.fixture(autouse=True)
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors to compare with are float32, whatever this processor multiplies."""
    monkeypatch.setattr("sentune.machine.hardware.processor_bfloat16_unit", lambda: None)


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".json", ".csv", ".parquet"])
def test_every_format_of_texts(
    suffix: str, run: Any, tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path
) -> None:
    file, out = write(tmp_path / f"texts{suffix}"), tmp_path / "v.parquet"
    outcome = run("encode", tiny_folder, file, "--out", out)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    table = pq.read_table(out)
    np.testing.assert_allclose(vectors_of(table), tiny.encode(TEXTS), rtol=0, atol=1e-6)
    if suffix == ".txt":
        assert table.column_names == ["embedding"]
    else:
        assert table["id"].to_pylist() == ["10", "11", "12", "13"]
    assert f"wrote 4 × 32 to {out}: 4 texts in " in outcome.err
    assert outcome.err.strip().endswith(" a second; none cut")


@pytest.mark.parametrize("stdin", ["\n".join(TEXTS), "\n".join(map(json.dumps, TEXTS))])
def test_standard_input(
    stdin: str,
    run: Any,
    tiny: SentenceTransformer,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if stdin.startswith('"'):
        stdin = "\n".join(json.dumps({"text": text}) for text in TEXTS)
    assert run("encode", tiny_folder, stdin=stdin).code == 0
    found = np.load("vectors.npy", allow_pickle=False)
    np.testing.assert_allclose(found, tiny.encode(TEXTS), rtol=0, atol=1e-6)


LONG = "the words of a list " * 40


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--prompt", "find "], {"prompt": "find "}),
        (["--prompt-name", "query"], {"prompt_name": "query"}),
        (["--batch-size", "1"], {"batch_size": 1}),
        (["--precision", "ubinary"], {"precision": "ubinary"}),
        (
            ["--truncate-dim", "8", "--normalize"],
            {"truncate_dim": 8, "normalize_embeddings": True},
        ),
        (["--long-text", "chunk"], {"long_text": "chunk"}),
        (["--device", "cpu"], {}),
        (["--device", "cpu", "--device", "cpu", "--compute-dtype", "float32"], {}),
        (["--compute-dtype", "float32"], {}),
    ],
    ids=str,
)
def test_options(
    arguments: list[str],
    options: dict[str, Any],
    run: Any,
    tiny: SentenceTransformer,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pools: list[object] = []
    start = SentenceTransformer.start_multi_process_pool

    def noted(model: SentenceTransformer, devices: Any) -> Any:
        pools.append(devices)
        return start(model, devices)

    monkeypatch.setattr(SentenceTransformer, "start_multi_process_pool", noted)
    texts = [*TEXTS, LONG]
    (tmp_path / "t.txt").write_text("\n".join(texts), encoding="utf-8")
    outcome = run(
        "encode", tiny_folder, tmp_path / "t.txt", "--out", tmp_path / "v.npy", *arguments
    )
    assert outcome.code == 0, outcome.err
    assert pools == ([["cpu", "cpu"]] if arguments.count("cpu") == 2 else [])
    expected = tiny.encode(texts, **options)
    found = np.load(tmp_path / "v.npy", allow_pickle=False)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    plain = tiny.encode(texts)
    unchanged = not options or "batch_size" in options
    assert unchanged == (found.shape == plain.shape and np.abs(found - plain).max() < 1e-4)
    how = "encoded in windows of" if "chunk" in arguments else "cut at"
    assert f" a second; 1 {how} 48 tokens" in outcome.err.splitlines()[-1]


def test_bfloat16(run: Any, tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path) -> None:
    file, out = write(tmp_path / "t.txt"), tmp_path / "v.npy"
    assert run("encode", tiny_folder, file, "--out", out, "--compute-dtype", "bfloat16").code == 0
    difference = np.abs(np.load(out) - tiny.encode(TEXTS)).max()
    assert 1e-5 < difference < 0.1


# ── a few texts ───────────────────────────────────────────────────────────────────────────────


def modules_after(*arguments: str | Path) -> set[str]:
    """The packages that a fresh process has loaded when the command is done."""
    code = (
        "import sys; from sentune.cli.app import app; app(standalone_mode=False);"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_a_few_texts_do_not_load_torch(
    tiny: SentenceTransformer, tiny_folder: Path, tmp_path: Path
) -> None:
    file, out = write(tmp_path / "t.txt"), tmp_path / "v.npy"
    arguments = ("--out", out, "--compute-dtype", "float32")
    loaded = modules_after("encode", tiny_folder, file, *arguments)
    assert "numpy" in loaded
    assert not loaded & {"torch", "pyarrow", "transformers", "huggingface_hub"}
    np.testing.assert_allclose(np.load(out), tiny.encode(TEXTS), rtol=0, atol=1e-6)


@pytest.mark.parametrize("unit", [None, "a unit for bfloat16"])
@pytest.mark.parametrize("count", [5, 64, 65])
def test_every_path_gives_the_same_vectors(
    unit: str | None,
    count: int,
    run: Any,
    base_folder: Path,
    real_texts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentune.machine.hardware.processor_bfloat16_unit", lambda: unit)
    short = [text[:50] for text in real_texts if text.strip()]
    texts = [*short[:60], *(text for text in real_texts if len(text) > 400)][:count]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps({"text": each}) for each in texts))
    outcome = run("encode", base_folder, tmp_path / "t.jsonl", "--out", tmp_path / "v.npy")
    assert outcome.code == 0, outcome.err
    found = np.load(tmp_path / "v.npy")
    model = SentenceTransformer(base_folder, device="cpu")
    assert model.compute.dtype_name == ("float32" if unit is None else "bfloat16")
    together = model.encode(texts)
    np.testing.assert_allclose(found, together, rtol=0, atol=2e-4)
    for place in {*range(0, count, 5), count - 1}:
        np.testing.assert_allclose(found[place], model.encode(texts[place]), rtol=0, atol=2e-4)
    if count == 65:
        model.compute_dtype = model.compute.dtype_name  # its processes see the true processor
        with model.start_multi_process_pool(["cpu"]) as pool:
            elsewhere = model.encode(texts, pool=pool)
        np.testing.assert_allclose(found, elsewhere, rtol=0, atol=2e-4)


@pytest.mark.parametrize("count", [64, 65])
@pytest.mark.parametrize(("gpu", "device"), [(False, []), (True, []), (True, ["--device", "cpu"])])
def test_many_texts_have_the_same_vectors(
    gpu: bool,
    device: list[str],
    count: int,
    run: Any,
    tiny: SentenceTransformer,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"text number {number}" for number in range(count)]
    (tmp_path / "t.txt").write_text("\n".join(texts), encoding="utf-8")
    before: list[object] = []
    build = SentenceTransformer.__init__

    def noted(model: Any, *arguments: Any, **options: Any) -> None:
        before.append(arguments)
        build(model, *arguments, **options)

    monkeypatch.setattr(SentenceTransformer, "__init__", noted)
    monkeypatch.setattr("sentune.machine.hardware.may_have_gpu", lambda: gpu)
    arguments = ("--out", tmp_path / "v.npy", *device)
    outcome = run("encode", tiny_folder, tmp_path / "t.txt", *arguments)
    assert outcome.code == 0, outcome.err
    assert len(before) == (count > 64 or (gpu and not device))
    assert f"wrote {count} × 32" in outcome.err
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), tiny.encode(texts), rtol=0, atol=1e-6)


# ── refused, before a model is loaded ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "out", "parts"),
    [
        ("t.csv", "v.npy", ["t.csv, line 1: no column could be the text"]),
        ("t.txt", "v.csv", ["v.csv has the suffix '.csv'", ".npy, .parquet or .arrow"]),
        ("t.txt", "vectors", ["vectors has no suffix"]),
        ("t.txt", "no/v.npy", ["v.npy cannot be written"]),
        ("absent.txt", "v.npy", ["absent.txt does not exist"]),
        ("t.doc", "v.npy", ["t.doc has the suffix '.doc'"]),
    ],
)
def test_places_are_checked_before_a_model_is_loaded(
    file: str,
    out: str,
    parts: list[str],
    refused: Callable[..., None],
    no_model: None,
    tmp_path: Path,
) -> None:
    for name in ("t.txt", "t.doc", "t.csv"):
        (tmp_path / name).write_text("a text\nanother", encoding="utf-8")
    refused(["encode", "model", tmp_path / file, "--out", tmp_path / out], *parts)


def test_a_missing_extra_is_told_before_a_model_is_loaded(
    refused: Callable[..., None], no_model: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    arguments = ["encode", "model", write(tmp_path / "t.txt"), "--out", tmp_path / "v.arrow"]
    refused(arguments, "pip install 'sentune[index]'")


@pytest.mark.parametrize(
    ("content", "arguments", "part"),
    [
        ("", [], "has no texts"),
        ("one\n\nthree\n", [], "line 2 is empty"),
        ("a\n", ["--precision", "int4"], "precision is 'int4'"),
        ("a\n", ["--prompt-name", "absent"], "prompt_name is 'absent'"),
        ("a\n", ["--batch-size", "0"], "batch_size is 0"),
        ("a\n", ["--truncate-dim", "0"], "truncate_dim is 0"),
        ("a\n", ["--long-text", "whole"], "long_text is 'whole'"),
        ("a\n", ["--device", "bogus"], "device 'bogus'"),
        ("a\n", ["--compute-dtype", "float16"], "compute_dtype is 'float16'"),
    ],
    ids=str,
)
def test_what_cannot_be_leaves_nothing(
    content: str, arguments: list[str], part: str, run: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text(content, encoding="utf-8")
    outcome = run(
        "encode", tiny_folder, tmp_path / "t.txt", "--out", tmp_path / "v.npy", *arguments
    )
    assert outcome.code == 2
    assert part in outcome.err.strip().splitlines()[-1]
    assert "Traceback" not in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]


# ── stopped, and gone on with ─────────────────────────────────────────────────────────────────


def interrupted(shard: Path, *arguments: str | Path) -> str:
    """Run ``encode``, press Ctrl-C once a shard is finished, and return the last line."""
    code = (
        # The tests themselves may run where SIGINT is ignored; processes inherit that.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from sentune.bulk import run; run._SHARD = 64; from sentune.cli import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "encode", "--compute-dtype", "float32", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdin is not None
        # The input stays open, so that there is always something left to wait for.
        process.stdin.write("\n".join(f"text {number}" for number in range(150)))
        process.stdin.flush()
        end = time.monotonic() + _PATIENCE
        while not shard.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=_PATIENCE)[1]
    assert process.returncode == 130
    assert "Traceback" not in told
    return told.strip().splitlines()[-1]


@pytest.mark.parametrize("devices", [1, 2])
def test_ctrl_c_says_how_to_go_on(
    devices: int,
    run: Any,
    tiny: SentenceTransformer,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "v.npy"
    arguments: list[str | Path] = [tiny_folder, "-", "--out", out]
    arguments += ["--device", "cpu"] * devices
    work = tmp_path / ".v.npy.encoding"
    said = interrupted(work / "00001.json" if devices == 1 else work, *arguments)
    if devices == 1:
        assert said == "sentune: interrupted after 128 texts; the same command continues from there"
        assert [path.name for path in tmp_path.iterdir()] == [work.name]
    monkeypatch.setattr("sentune.bulk.run._SHARD", 64)
    texts = [f"text {number}" for number in range(150)]
    outcome = run("encode", tiny_folder, "-", "--out", out, stdin="\n".join(texts))
    assert outcome.code == 0, outcome.err
    if devices == 1:
        assert "continuing after 128 texts that an earlier run encoded" in outcome.err
        assert f"wrote 150 × 32 to {out}: 22 texts in" in outcome.err
        assert outcome.err.strip().endswith(" a second; 150 texts, none cut")
    np.testing.assert_allclose(np.load(out), tiny.encode(texts), rtol=0, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


def test_another_input_is_refused(
    run: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.bulk.run._SHARD", 2)
    monkeypatch.setattr(
        "sentune.bulk.FEW", 1
    )  # else the whole input is read before a shard is made
    out = tmp_path / "v.npy"
    broken = "one\ntwo\nthree\nfour\n\nsix\n"
    assert run("encode", tiny_folder, "-", "--out", out, stdin=broken).code == 2
    assert not out.exists()
    outcome = run("encode", tiny_folder, "-", "--out", out, stdin="one\ntwo\n3\nfour\n")
    assert outcome.code == 2
    assert "the input differs at or after text 3" in outcome.err
    outcome = run("encode", tiny_folder, "-", "--out", out, stdin="one\ntwo\nthree\nfour\nsix\n")
    assert outcome.code == 0
    assert "continuing after 4 texts" in outcome.err
