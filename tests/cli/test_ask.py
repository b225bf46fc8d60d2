"""``sentune ask``: two files of made pairs, a journal, and refusals."""

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

import pytest
from tests.cli.conftest import Run
from tests.long import LONG
from tests.questions.server import Server, answer, serving

from sentune.data import read_pairs

KEY = "sk-of-a-test-0987654321"
COUNT = 12
# Each passage has words that no other has, so that BM25 finds it, and no model is loaded.
THINGS = ["pump", "lamp", "crane", "hoist", "gauge", "winch", "siren", "mast"]
THINGS += ["rudder", "anchor", "ladder", "stove"]


def rows_of(things: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"m#{n}",
            "title": f"Manual > The {thing}",
            "source": "m",
            "text": f"The keeper looks after the {thing} every single morning of the year. He "
            f"writes into the {thing} book what he has seen of it, and signs the page.",
            "headings": ["Manual", f"The {thing}"],
        }
        for n, thing in enumerate(things)
    ]


@pytest.fixture
def passages(jsonl: Callable[..., Path]) -> Path:
    return jsonl("passages.jsonl", rows_of(THINGS))


@pytest.fixture
def answers() -> dict[str, str]:
    return {
        f"> The {thing} ": answer(
            ("question", f"Who looks after the {thing}?", f"The keeper looks after the {thing}"),
            ("keywords", f"{thing} book signature", "signs the page"),
            ("claim", "What is the main purpose?", "signs the page"),
        )
        for thing in THINGS
    }


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.usefixtures("no_model")
def test_of_the_structure(run: Run, passages: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    done = run("ask", passages, "--out", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    rows = read(out)
    assert (said["questions"], said["pairs"], said["made"]) == (len(rows), len(rows), True)
    assert said["kinds"] == {"sentence": 24, "heading": 12, "title": 1}
    assert all(row["made"] is True and row["kind"] and row["id"] for row in rows)
    assert len(read_pairs(out)) == len(rows)
    first = out.read_bytes()
    assert run("ask", passages, "--out", out, "--max-pairs", 10).out.startswith(
        f"{out}: 10 questions made of the documents' structure"
    )
    assert run("ask", passages, "--out", out).code == 0
    assert out.read_bytes() == first


@pytest.mark.usefixtures("no_model")
def test_by_a_model(
    run: Run,
    passages: Path,
    answers: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    out = tmp_path / "pairs.jsonl"
    with serving(Server(answers, {"> The lamp ": ["400"]})) as server:
        asked = ["ask", passages, "--out", out, "--endpoint", server.url, "--model", "m"]
        asked += ["--api-key-env", "MY_KEY"]
        done = run(*asked)
        assert done.code == 0, done.err
        assert "given up: m#1: status 400: too long a prompt" in done.err
        assert "22 questions made by m (keywords 11, question 11)" in done.out
        assert "11 flagged (generic 11)" in done.out
        again = run(*asked, "--json")
        assert json.loads(again.out)["requests"] == COUNT + 1
        whole = out.read_bytes()
        assert run(*asked).code == 0
    assert out.read_bytes() == whole
    assert server.times()["> The lamp "] == 2
    assert sum(server.times().values()) == COUNT + 1
    assert server.keys == {f"Bearer {KEY}"}
    flagged = read(tmp_path / "pairs.flagged.jsonl")
    assert {row["flag"].split(":")[0] for row in flagged} == {"generic"}
    assert len(read(out)) == 2 * COUNT
    for path in tmp_path.iterdir():
        assert KEY not in path.read_text(encoding="utf-8")
    assert KEY not in done.err + done.out + again.err + again.out


@pytest.mark.parametrize("wanted", range(COUNT - 2) if LONG else [4])
def test_after_a_kill_only_what_has_no_answer_is_asked(
    passages: Path, answers: dict[str, str], tmp_path: Path, wanted: int
) -> None:
    command = [sys.executable, "-c", "from sentune.cli import main; main()", "ask", str(passages)]
    journal = tmp_path / "pairs.jsonl.journal"
    with serving(Server(answers, delay=0.3)) as server:
        command += ["--endpoint", server.url, "--model", "m", "--concurrency", "2"]
        options: dict[str, Any] = {"cwd": tmp_path, "stdout": subprocess.PIPE, "text": True}
        options |= {"stderr": subprocess.STDOUT, "env": os.environ}
        killed = subprocess.Popen(command, **options)
        while not journal.exists() or journal.read_bytes().count(b'"answer"') < wanted:
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert not (tmp_path / "pairs.jsonl").exists()
        kept = {json.loads(line)["id"] for line in journal.read_text().splitlines() if "id" in line}
        server.delay = 0.0
        stopped = subprocess.run(command, **options, check=False)
    assert stopped.returncode == 0, stopped.stdout
    assert (f"{len(kept)} answers of earlier runs" in stopped.stdout) == bool(kept)
    times = server.times()
    asked_twice = {word for word, count in times.items() if count > 1}
    names = {f"> The {THINGS[int(name.removeprefix('m#'))]} " for name in kept}
    assert len(names) >= wanted
    assert not asked_twice & names
    assert len(asked_twice) <= 2  # those under way when it was killed
    assert len(times) == COUNT
    assert len(read(tmp_path / "pairs.jsonl")) == 2 * COUNT


@pytest.mark.usefixtures("no_model")
def test_refusals(
    refused: Callable[..., None], passages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ask = ["ask", passages]
    server = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    refused([*ask, "--model", "m"], "--model without --endpoint")
    refused([*ask, *server[:2]], "--endpoint without --model")
    refused([*ask, "--endpoint", "localhost", "--model", "m"], "'localhost'")
    refused([*ask, *server, "--max-pairs", 3], "--max-pairs with --endpoint")
    refused([*ask, *server, "--max-requests", 0], "max_requests is 0")
    refused([*ask, *server, "--api-key-env", "UNSET_OF_TEST"], "--api-key-env")
    refused([*ask, "--out", "pairs.csv"], ".jsonl")
    refused([*ask, "--top-k", 0], "--top-k is 0")
    refused(["ask", tmp_path / "none.jsonl"], "none.jsonl")
    refused([*ask, "--out", passages], "would be replaced")
    monkeypatch.setenv("KEY_OF_TEST", "sk-ä")
    refused([*ask, *server, "--api-key-env", "KEY_OF_TEST"], "the key in the environment")
    monkeypatch.setitem(sys.modules, "openai", None)
    refused([*ask, *server], "pip install 'sentune[questions]'")
    (tmp_path / "a.md").write_text("# A", encoding="utf-8")
    refused(["ask", "a.md"], "a.md is a document", "sentune read a.md")
    refused(["ask", tmp_path], "is a folder")
    (tmp_path / "a.csv").write_text("name,price\nlamp,3\n", encoding="utf-8")
    refused(["ask", "a.csv"], "a.csv, line 1: no column could be the text")
    assert not (tmp_path / "pairs.jsonl").exists()


@pytest.mark.usefixtures("no_model")
def test_a_key_given_for_its_name_is_not_shown(run: Run, passages: Path) -> None:
    server = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    done = run("ask", passages, *server, "--api-key-env", KEY)
    assert done.code == 2
    assert KEY not in done.err


@pytest.mark.usefixtures("no_model")
def test_a_server_that_is_not_there(
    refused: Callable[..., None],
    passages: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentune.questions.asking._TRIES", 1)
    out = tmp_path / "pairs.jsonl"
    server = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--out", out]
    refused(["ask", passages, *server], "no connection", "the same command goes on")
    assert not out.exists()


def test_texts_without_anything_to_ask(
    refused: Callable[..., None], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    texts = jsonl("t.jsonl", [{"text": "Contents"}, {"text": "Index"}])
    refused(["ask", texts, "--out", tmp_path / "p.jsonl"], "no question of use came of 2 passages")
