"""``sentune search`` in an index: what it prints, what it ranks by, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.index import Index

Run = Callable[..., Any]
Refused = Callable[..., None]
Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]

TEXTS = [
    "shutil.copy copies a file to another place.",
    "Thread.join blocks until the thread has ended.",
    "datetime.strptime reads a date from a text.",
    "socket.socket makes an endpoint of a connection.",
    "list.sort puts the items of a list in order.",
    "collections.Counter counts how often words occur.",
    "csv.reader goes over the rows of a file of comma-separated values.",
    "tempfile.mkdtemp makes a folder that nobody else can read.",
    "subprocess.run runs a command and waits until it has ended.",
    "hashlib.sha256 gives the digest of some bytes.",
    "json.loads reads a value from a text.",
    "zipfile.ZipFile reads and writes archives.",
]
ROWS = [
    {"id": f"a{number}", "text": text, "page": number, "Kind": ["even", "odd"][number % 2]}
    for number, text in enumerate(TEXTS)
]


@pytest.fixture
def file(jsonl: Jsonl) -> Path:
    return jsonl("docs.jsonl", ROWS)


@pytest.fixture
def index(tiny_folder: Path, file: Path, tmp_path: Path) -> Path:
    """An index of ``file`` by the small model, which has a prompt for questions."""
    Index.build(tmp_path / "index", SentenceTransformer(tiny_folder), file)
    return tmp_path / "index"


@pytest.fixture
def tuned(tiny_folder: Path, file: Path, tmp_path: Path) -> Path:
    """An index by a model with a fusion weight."""
    folder = tmp_path / "tuned"
    model = SentenceTransformer(tiny_folder)
    model.extras = {"fusion_weight": 0.7}
    model.save_pretrained(folder)
    Index.build(tmp_path / "tuned-index", SentenceTransformer(folder), file)
    return tmp_path / "tuned-index"


def as_lists(index: Path, question: str, **options: Any) -> list[dict[str, Any]]:
    return [asdict(hit) for hit in Index.open(index).search(question, **options)]


# ── one question ──────────────────────────────────────────────────────────────────────────────


def test_the_ten_best_are_printed_with_where_they_are(
    run: Run, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(index.parent)
    outcome = run("search", "index", "copy a file")
    assert outcome.code == 0, outcome.err
    hits = as_lists(index, "copy a file")
    lines = outcome.out.splitlines()
    assert len(lines) == 3 * len(hits) == 30
    for number, hit in enumerate(hits):
        head, fields, text = lines[3 * number : 3 * number + 3]
        assert head == (
            f"{number + 1}. {hit['id']} · docs.jsonl · similarity {hit['similarity']:.3f}"
        )
        assert fields == f"   page {hit['fields']['page']} · Kind {hit['fields']['Kind']}"
        assert text == f"   {hit['text']}"
    assert outcome.err == "ranked by similarity (cosine)\n"


def test_json_holds_what_python_gives(run: Run, index: Path) -> None:
    for mode in ("dense", "words", "hybrid"):
        outcome = run("search", index, "reads a text", "--mode", mode, "--top", "3", "--json")
        assert json.loads(outcome.out) == as_lists(index, "reads a text", top=3, mode=mode)


def test_the_ranking_is_printed(run: Run, index: Path, tuned: Path) -> None:
    fused = "ranked by the model and by words (BM25) together, with the weights {} and {}\n"
    cases: dict[tuple[object, ...], tuple[str, bool, bool]] = {
        (index,): ("ranked by similarity (cosine)\n", False, True),
        (index, "--mode", "words"): ("ranked by BM25\n", True, False),
        (index, "--mode", "hybrid"): (fused.format(0.5, 0.5), True, True),
        (tuned,): (fused.format(0.7, 0.3), True, True),
        (tuned, "--mode", "dense"): ("ranked by similarity (cosine)\n", False, True),
    }
    for (target, *options), (printed, scored, similar) in cases.items():
        outcome = run("search", target, "copy a file", *options)
        assert outcome.err == printed
        assert ("score" in outcome.out, "similarity" in outcome.out) == (scored, similar)


@pytest.mark.parametrize("mode", ["dense", "words", "hybrid"])
def test_a_file_is_searched_in_every_mode_as_an_index(
    run: Run, index: Path, tiny_folder: Path, file: Path, mode: str
) -> None:
    asked = ("copies of a file", "--mode", mode, "--json")
    in_index = json.loads(run("search", index, *asked).out)
    in_file = json.loads(run("search", tiny_folder, *asked, "--data", file).out)
    assert in_index
    assert [hit["id"] for hit in in_file][: len(in_index)] == [hit["id"] for hit in in_index]
    assert all((hit["similarity"] is None) == (mode == "words") for hit in in_file)


def test_words_need_no_model(run: Run, index: Path, tiny_folder: Path, no_model: None) -> None:
    """The folder of the model can be gone."""
    moved = tiny_folder.rename(tiny_folder.with_name("moved"))
    try:
        outcome = run("search", index, "copies of a file", "--mode", "words")
    finally:
        moved.rename(tiny_folder)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("1. a0 · ")


def test_conditions_filter_before_the_search(run: Run, index: Path) -> None:
    condition = "Kind = 'odd' AND page > 3"
    for mode in ("dense", "words", "hybrid"):
        outcome = run("search", index, "reads", "--where", condition, "--mode", mode, "--json")
        ids = {hit["id"] for hit in json.loads(outcome.out)}
        assert ids
        assert ids <= {"a5", "a7", "a9", "a11"}
    outcome = run("search", index, "a file", "--where", "page > 99")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "nothing found\n")


def test_text_of_strangers_does_not_reach_the_terminal_raw(
    run: Run, tiny_folder: Path, jsonl: Jsonl, tmp_path: Path
) -> None:
    escape = "\x1b[31m\x07"  # typer takes out the first by itself where no terminal is
    file = jsonl("bad.jsonl", [{"id": f"{escape}id", "text": f"{escape}a file", "by": escape}])
    Index.build(tmp_path / "new", SentenceTransformer(tiny_folder), file)
    outcome = run("search", tmp_path / "new", "a file")
    assert "a file" in outcome.out
    assert "\x07" not in outcome.out


def test_a_question_that_is_cut_is_reported(run: Run, index: Path) -> None:
    assert "1 text, 1 cut at 48 tokens" in run("search", index, "word " * 99).err


# ── many questions ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.txt"
    path.write_text("copy a file\nwait for a thread\n", encoding="utf-8")
    return path


def test_many_questions_are_printed_one_after_another(
    run: Run, index: Path, questions: Path
) -> None:
    blocks = run("search", index, "--queries", questions, "--top", "2").out.split("\n\n")
    alone = [run("search", index, text, "--top", "2").out for text in _lines(questions)]
    assert [block.rstrip() for block in blocks] == [
        f"{question}\n{out}".rstrip()
        for question, out in zip(_lines(questions), alone, strict=True)
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_many_questions_become_rows(
    run: Run, index: Path, questions: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"rows{suffix}"
    outcome = run("search", index, "--queries", questions, "--top", "2", "--out", out)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert f"wrote 4 rows to {out}" in outcome.err
    expected = [
        {"query": text, **{name: hit[name] for name in hit if name != "fields"}}
        for text in _lines(questions)
        for hit in as_lists(index, text, top=2)
    ]
    with out.open(encoding="utf-8", newline="") as stream:
        if suffix == ".csv":
            rows = list(csv.DictReader(stream))
            expected = [{name: str(value) for name, value in row.items()} for row in expected]
        else:
            rows = [json.loads(line) for line in stream]
    assert rows == expected
    of_hit = ["query", "rank", "id", "source", "score", "similarity"]
    assert list(rows[0]) == [*of_hit, "text", "piece", "piece_number", "pieces"]


def test_questions_come_from_standard_input_too(run: Run, index: Path, file: Path) -> None:
    outcome = run("search", index, "--queries", "-", "--top", "1", "--json", stdin="copy\nwait\n")
    hits = json.loads(outcome.out)
    assert [hit["query"] for hit in hits] == ["copy", "wait"]
    assert [hit["fields"] for hit in hits] == [
        as_lists(index, text, top=1)[0]["fields"] for text in ("copy", "wait")
    ]


def test_questions_that_find_nothing_are_counted(run: Run, index: Path) -> None:
    arguments = ("search", index, "--queries", "-", "--mode", "words")
    outcome = run(*arguments, stdin="copies a file\nzebra\n")
    assert "nothing found for 1 of 2 questions\n" in outcome.err


def test_many_questions_in_a_file_need_no_index(
    run: Run, tiny_folder: Path, file: Path, questions: Path, tmp_path: Path
) -> None:
    """Ranked as in an index, by a model without a fusion weight."""
    arguments = ("--queries", questions, "--top", "2", "--json")
    outcome = run("search", tiny_folder, "--data", file, *arguments)
    unused = "note: the columns 'page', 'Kind' are not used\n"
    assert outcome.err == f"ranked by similarity (cosine)\n{unused}"
    Index.build(tmp_path / "new", SentenceTransformer(tiny_folder), file)
    in_index = json.loads(run("search", tmp_path / "new", *arguments).out)
    hits = json.loads(outcome.out)
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in in_index]
    of_piece = {"piece", "piece_number", "pieces"}
    assert set(hits[0]) == {"query", "rank", "id", "score", "similarity", "text"} | of_piece


@pytest.mark.parametrize("in_index", [True, False])
def test_the_piece_of_a_long_passage_is_shown(
    run: Run, tiny_folder: Path, jsonl: Jsonl, tmp_path: Path, in_index: bool
) -> None:
    file = jsonl("long.jsonl", [{"id": "all", "text": " ".join(TEXTS)}, *ROWS[:2]])
    where: tuple[object, ...] = (tiny_folder, "--data", file)
    if in_index:
        Index.build(tmp_path / "new", SentenceTransformer(tiny_folder), file)
        where = (tmp_path / "new",)
    asked = ("search", where[0], TEXTS[8], "--top", "3", *where[1:])
    hit = next(hit for hit in json.loads(run(*asked, "--json").out) if hit["id"] == "all")
    assert 1 <= hit["piece_number"] <= hit["pieces"] > 3
    assert hit["piece"] in hit["text"]
    assert len(hit["piece"]) < 240
    outcome = run(*asked)
    assert f"all · piece {hit['piece_number']} of {hit['pieces']} · " in outcome.out
    assert hit["piece"] in " ".join(outcome.out.split())
    assert hit["text"][:300] not in " ".join(outcome.out.split())
    counted = f"4 texts, 1 of more than 48 tokens in {hit['pieces']} pieces, none cut"
    assert (counted in outcome.err) == (not in_index)
    if not in_index:
        cut = run(*asked, "--long-text", "truncate")
        assert "4 texts, 1 cut at 48 tokens" in cut.err
        assert "piece" not in cut.out


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


# ── bad input ─────────────────────────────────────────────────────────────────────────────────


def test_options_of_an_index_are_refused_with_data(
    refused: Refused, no_model: None, index: Path, tiny_folder: Path, file: Path
) -> None:
    asked = ("search", tiny_folder, "a", "--data", file)
    for option in (("--where", "page > 3"), ("--model", tiny_folder)):
        refused((*asked, *option), f"{option[0]} with --data", "sentune index build")
    refused((*asked, "--mode", "fast"), "'fast'", "dense, words, hybrid")
    refused(("search", index, "a", "--data", file), "--data", "sentune index add")


def test_a_missing_data_option_is_named(
    refused: Refused, no_model: None, tiny_folder: Path
) -> None:
    for target in (tiny_folder, "all-MiniLM-L6-v2"):
        refused(("search", target, "a"), str(target), "--data FILE", "sentune index build")


def test_bad_questions_are_refused_before_a_model_is_loaded(
    refused: Refused, no_model: None, index: Path, questions: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    refused(("search", index, " "), "the question is ' '")
    refused(("search", index, "a", "--top", "0"), "--top is 0")
    refused(("search", index), "no question")
    refused(("search", index, "a", "--queries", questions), "a question and --queries")
    refused(("search", index, "--queries", tmp_path / "no.txt"), "no.txt")
    refused(("search", index, "--queries", tmp_path / "empty.txt"), "empty.txt")
    refused(("search", index, "--queries", "-", "--data", "-"), "standard input")
    refused(("search", index, "a", "--out", tmp_path / "rows.txt"), "rows.txt")
    refused(("search", index, "a", "--mode", "fast"), "'fast'", "dense, words, hybrid")
    refused(("search", index, "a", "--mode", "words", "--model", "x"), "--model with --mode words")


@pytest.mark.parametrize("condition", ["page >", "pages > 3", 'Kind = "odd"', "page = 'x'", "page"])
def test_conditions_that_cannot_be_used_are_refused(
    refused: Refused, index: Path, condition: str
) -> None:
    for mode in ("dense", "words"):
        arguments = ("search", index, "a file", "--where", condition, "--mode", mode)
        refused(arguments, condition, "page, Kind")


def test_another_model_and_a_missing_one_are_refused(
    refused: Refused, run: Run, index: Path, tiny_folder: Path, make_folder: Any, tmp_path: Path
) -> None:
    other = make_folder(hidden_size=48)
    refused(("search", index, "a", "--model", other), "dimension 48 instead of 32")
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(tiny_folder, here)
    Index.build(tmp_path / "new", SentenceTransformer(here), [{"id": "a", "text": "a text"}])
    here.rename(there)
    refused(("search", tmp_path / "new", "a"), str(here))
    assert run("search", tmp_path / "new", "a", "--model", there).code == 0
