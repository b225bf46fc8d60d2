"""The last screen of a tuning, beside the card and the JSON of the same run."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentune import SentenceTransformer
from sentune.cli import app as cli
from sentune.cli.ending import next_steps
from sentune.data import Pairs, ReadOptions
from sentune.data import write_pairs as write_data
from sentune.tuning import RunFile, TuneSettings, read_run_file, read_split
from sentune.tuning.recipes import DEFAULT_RECIPE, RECIPES
from sentune.tuning.split import Split
from sentune.wording import counted, duration

Run = Callable[..., Any]
WORDS = [
    *("files", "threads", "dates", "sockets", "locks", "paths", "bytes"),
    *("sets", "queues", "heaps", "trees", "maps", "rows", "keys"),
]
QUICK = ("--epochs", "2", "--batch-size", "4", "--learning-rate", "1e-3")


def called(*arguments: object) -> tuple[int, str, str]:
    """Exit code and outputs of the command line, outside of a test."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["sentune", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            cli.main()
    finally:
        sys.argv = before
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


def write_pairs(path: Path) -> Path:
    rows = [
        {"Frage": f"how does {word} work", "Antwort": f"{word}: chapter {i} tells of {word} " * 3}
        for i, word in enumerate(WORDS)
    ]
    rows.append({"Frage": "how does files work", "Antwort": "files: a second answer"})
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ended:
    """A tuning that has ended."""

    folder: Path
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "evaluation.json").read_text("utf-8"))
        return found

    @property
    def card(self) -> str:
        return (self.folder / "README.md").read_text("utf-8")


COLUMNS = ("--question-column", "Frage", "--passage-column", "Antwort")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Ended:
    folder = tmp_path_factory.mktemp("a tuning")
    pairs = write_pairs(folder / "own pairs.jsonl")
    given = (pairs, "--out", folder / "out", "--base", tiny_folder, *COLUMNS, *QUICK)
    code, out, err = called("tune", *given)
    assert code == 0, err
    return Ended(folder / "out", out, err)


def test_the_last_screen_is_short_and_says_what_matters(ended: Ended) -> None:
    said = [line for line in ended.err.splitlines() if not line.startswith("training ")]
    assert len(said) + len(ended.out.splitlines()) < 25
    figures = ended.figures
    assert figures["verdict"]["text"] in ended.out.splitlines()
    first = figures["facts"]["right_first"]
    asked = counted(figures["questions"], "question")
    assert f"Right passage first: {first['model']} of {asked}" in figures["verdict"]["text"]
    for system, count in first.items():
        share = figures["systems"][system]["accuracy@1"]["value"]
        assert count == pytest.approx(share * figures["questions"], abs=1e-4)
    assert f"report             {ended.folder / 'report.html'}" in ended.out


def test_terminal_card_and_json_say_the_same(ended: Ended) -> None:
    figures = ended.figures
    for note in figures["notes"]:
        assert f"note: {note}" in ended.out.splitlines()
        assert f"- {note}" in ended.card
    assert f"**{figures['verdict']['text']}**" in ended.card
    assert figures["facts"]["kept"] == figures["kept"]
    assert figures["facts"]["search_weight"] == figures["fusion_weight"]
    saved = SentenceTransformer(ended.folder).extras
    assert saved == {
        "kept": figures["kept"],
        "fusion_weight": figures["fusion_weight"],
        "late_weight": figures["facts"]["search_late_weight"],
        "late_depth": figures["late"]["depth"],
    }


def test_one_time_is_told_everywhere(ended: Ended) -> None:
    (told,) = re.findall(r"trained \d+ steps? in (.+); evaluating", ended.err)
    assert f"- Time: {told}, for the training alone" in ended.card
    assert duration(ended.figures["training"]["seconds"]) == told


def test_the_card_has_the_recipe_and_its_counts(ended: Ended) -> None:
    training = ended.figures["training"]
    (line,) = (line for line in ended.card.splitlines() if line.startswith("- Recipe: "))
    assert f"`{training['recipe']}`, on {training['pairs']} pairs" in line
    sentences = f"{training['sentences']} sentence"
    assert (sentences in line) == (training["sentences"] > 0)


def test_a_note_on_the_whole_file_is_told_once(ended: Ended) -> None:
    notes = ended.figures["data_notes"]
    assert "1 question has more than one relevant passage" in notes
    assert not any(": 1 question has" in note for note in notes)
    assert "note: 1 question has" not in ended.out
    assert f"{counted(len(notes), 'note')} on the data" in ended.out


def test_the_commands_can_be_pasted(
    ended: Ended, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = re.findall("^[a-z ]+  (sentune .*)$", ended.out, re.MULTILINE)
    commands = [shlex.split(line) for line in lines]
    assert [command[1] for command in commands] == ["index", "search", "tune"]
    monkeypatch.chdir(tmp_path)  # they hold from any folder, as the paths given did
    for _, *arguments in commands[:2]:
        outcome = run(*arguments)
        assert outcome.code == 0, outcome.err
    assert "1. " in outcome.out
    again = read_run_file(commands[2][3])
    assert again.data is not None
    assert Path(again.data).is_file()
    assert again.reading.question == "Frage"


def test_a_run_file_holds_from_any_folder(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    content = yaml.safe_load((ended.folder / "run.yaml").read_text("utf-8"))
    assert content["data"] == "../own pairs.jsonl"
    assert content["base"].startswith("../")
    found = read_run_file(ended.folder / "run.yaml")
    assert found.data is not None
    assert Path(found.data).is_file()
    assert (Path(found.settings.base) / "config.json").is_file()
    monkeypatch.chdir(ended.folder)
    found = read_run_file("run.yaml")
    assert (Path(found.settings.base) / "config.json").is_file()
    assert found.data == "../own pairs.jsonl"


def test_a_run_file_promises_only_what_holds(tmp_path: Path) -> None:
    alone = RunFile(TuneSettings()).text(tmp_path)
    assert "does this run again" not in alone
    assert "sentune tune DATA --config THIS_FILE" in alone
    of_file = RunFile(TuneSettings(), data=str(tmp_path / "x.csv")).text(tmp_path)
    assert "does this run again" in of_file
    assert yaml.safe_load(of_file)["data"] == "./x.csv"
    assert yaml.safe_load(of_file)["base"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_a_result_without_a_file_has_other_steps(tmp_path: Path) -> None:
    steps = next_steps(tmp_path, None, None)
    assert [shlex.split(step.command)[:2] for step in steps] == [
        ["sentune", "similarity"],
        ["sentune", "tune"],
        ["sentune", "search"],
    ]


def test_the_index_has_every_passage_that_was_searched(tmp_path: Path) -> None:
    run = RunFile(
        TuneSettings(),
        ReadOptions(question="asked", passage="manual", skip_blank=True),
        data="faq.csv",
        valid="valid.csv",
        corpus="the manual.csv",
    )
    command = shlex.split(next_steps(tmp_path, run, None)[0].command)
    assert command[4:] == [
        *("faq.csv", "valid.csv", "the manual.csv", "--passage-column", "manual", "--skip-blank"),
        *("--out", f"{tmp_path}-index"),
    ]


def test_the_search_to_try_is_of_words_rather_than_code(tmp_path: Path) -> None:
    asked = {"a": "'{:,}'.format(7)", "b": "How is a number written with commas?"}
    held_out = Pairs(asked, {"p": "Numbers."}, {"a": ("p",), "b": ("p",)})
    split = Split(held_out, held_out, None, "")
    steps = next_steps(tmp_path, RunFile(TuneSettings(), ReadOptions(), data="faq.csv"), split)
    assert shlex.split(steps[1].command)[-1] == asked["b"]


def test_a_finished_run_shows_the_same_end_again(ended: Ended, run: Run) -> None:
    pairs = ended.folder.parent / "own pairs.jsonl"
    again = run("tune", pairs, "--out", ended.folder, "--resume", *COLUMNS)
    assert again.code == 0, again.err
    assert again.out.splitlines() == ended.out.splitlines()


def test_the_end_says_what_a_search_ranks_by(ended: Ended) -> None:
    weight, kept = ended.figures["fusion_weight"], ended.figures["kept"]
    (line,) = re.findall(r"^Searches with .* rank by (.*)\.$", ended.out, re.MULTILINE)
    ranks = {0: "words (BM25) alone", 1: "the model alone"}.get(weight, "the model and by words")
    assert line.startswith(ranks)
    shown = ended.figures["facts"]["relations"]["fusion_minus_model"] == "worse"
    chosen = "the questions chose that" in line
    assert chosen == (weight in (0, 1) and kept == "tuned" and not shown)


def test_the_number_of_groups_is_said_once(ended: Ended) -> None:
    (groups,) = re.findall(r"\d+ independent groups?", ended.out)
    assert groups == counted(ended.figures["groups"], "independent group")


def test_the_measuring_of_each_model_is_told(ended: Ended) -> None:
    lines = ended.err.splitlines()
    start = next(n for n, line in enumerate(lines) if line.endswith("; evaluating"))
    assert lines[start + 1 :] == ["evaluating the tuned model", "evaluating the late stage"]


def test_a_setting_that_changed_is_named_as_it_is_typed(
    ended: Ended, tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = ended.folder.parent / "own pairs.jsonl"
    given = ("tune", pairs, "--out", tmp_path / "out", "--base", tiny_folder, *COLUMNS)
    monkeypatch.setattr("sentune.tuning.run.steps.page_facts", _stop)
    code, _, _ = called(*given, "--batch-size", "4", "--epochs", "2")
    assert code == 130
    code, _, message = called(*given, "--batch-size", "4", "--epochs", "3", "--resume")
    assert code == 2
    assert "--epochs was 2 and is 3" in message


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


# ── evaluated on its own pairs ────────────────────────────────────────────────────────────────


def test_nothing_is_shown_on_the_pairs_of_the_tuning(
    ended: Ended, run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    pairs, page = ended.folder.parent / "own pairs.jsonl", tmp_path / "page.html"
    asked = ("evaluate", ended.folder, pairs, "--base", tiny_folder, *COLUMNS)
    found = run(*asked, "--report", page)
    assert found.code == 0, found.err
    first, blank, *table = found.out.splitlines()
    trained = len(WORDS) - ended.figures["questions"]
    assert f"These 14 questions include those of a tuning ({ended.folder.name} was" in first
    assert f"tuned on {trained} of them), so the figures say nothing about new questions." in first
    assert not blank
    assert all(line.endswith("trained on") for line in table if " − " in line)
    assert "if these questions were used for tuning" not in found.out
    plain = json.loads(run(*asked, "--json").out)
    assert plain["caution"] == first.removesuffix(".")
    assert set(plain["facts"]["relations"].values()) <= {"ahead", "behind", "equal"}
    text = page.read_text("utf-8")
    assert "These 14 questions include those of a tuning" in text
    assert "<td>shown</td>" not in text


def test_pairs_that_were_held_out_can_show_something(
    ended: Ended, run: Run, tmp_path: Path, tiny_folder: Path
) -> None:
    settings = read_run_file(ended.folder / "run.yaml")
    assert settings.data is not None
    split = read_split(settings.data, None, None, 42, settings.reading)
    write_data(split.valid, tmp_path / "held.jsonl")
    found = run("evaluate", ended.folder, tmp_path / "held.jsonl", "--base", tiny_folder)
    assert found.code == 0, found.err
    assert "of a tuning" not in found.out


# ── several base models ───────────────────────────────────────────────────────────────────────


def test_several_bases_are_tuned_and_compared(
    run: Run, refused: Run, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    bases = [make_folder(tmp_path / "one"), make_folder(tmp_path / "two", hidden_size=16)]
    named = [part for base in bases for part in ("--base", base)]
    given = ("tune", pairs, "--out", tmp_path / "out", *named, *COLUMNS, *QUICK)
    outcome = run(*given)
    assert outcome.code == 0, outcome.err
    found = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert list(found["models"]) == ["one", "two"]
    rows = [line.split("  ")[0] for line in outcome.out.splitlines()[1:8]]
    assert rows == [
        *("one", "two", "one tuned", "two tuned", "one tuned + BM25", "two tuned + BM25", "BM25")
    ]
    assert list(found["differences"]) == ["two_minus_one"]
    for name in ("one", "two"):
        own = json.loads((tmp_path / "out" / name / "evaluation.json").read_text("utf-8"))
        assert found["models"][name] == own
        assert f"{name}: {own['verdict']['text']}" in outcome.out
    figures = {
        name: each["systems"]["model" if each["kept"] == "tuned" else "base"]["ndcg@10"]["value"]
        for name, each in found["models"].items()
    }
    change = found["differences"]["two_minus_one"]["ndcg@10"]
    assert change["value"] == pytest.approx(figures["two"] - figures["one"], abs=2e-6)
    better = change["value"] > 0 and change["p_value"] <= 0.05
    assert found["advised"] == ("two" if better else "one")
    assert (
        f"report             {tmp_path / 'out' / found['advised'] / 'report.html'}" in outcome.out
    )
    refused(given, "exists and is not empty")
    again = run(*given, "--resume", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out) == found
    (tmp_path / "out" / "mine.txt").touch()
    refused((*given, "--resume"), "holds mine.txt")


def test_bases_that_end_alike_are_refused(refused: Run, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    given = ("tune", pairs, "--out", tmp_path / "out", *COLUMNS)
    refused((*given, "--base", "a/mine", "--base", "b/mine"), "ends like another base")
    assert not (tmp_path / "out").exists()


# ── what the help promises ────────────────────────────────────────────────────────────────────


def test_help_has_the_defaults_of_the_recipe(run: Run) -> None:
    text = " ".join(run("tune", "-h").out.split())
    settings = RECIPES[DEFAULT_RECIPE].settings
    assert f"docs/tune.md. [default: {DEFAULT_RECIPE}]" in text
    assert f"over the pairs. [default: {settings['num_train_epochs']}]" in text
    assert f"in a step. [default: {settings['per_device_train_batch_size']}]" in text
    assert f"at the start. [default: {settings['learning_rate']}]" in text
    assert f"the same result. [default: {TuneSettings().seed}]" in text
    assert f"question first. [default: {TuneSettings().hard_negatives}]" in text
    assert TuneSettings().base.endswith("/all-MiniLM-L6-v2")
    assert "[default: all-MiniLM-L6-v2]" in text
