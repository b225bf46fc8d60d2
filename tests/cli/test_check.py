"""``sentune check``, texts without questions, and a corpus beside the pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.questions.test_made_questions import THINGS, text_about

from sentune import SentenceTransformer
from sentune.tuning import read_split

Jsonl = Callable[..., Path]
Refused = Callable[..., None]
PAIRS = [{"question": f"what of {thing}s?", "answer": text_about(thing)} for thing in THINGS]


@pytest.fixture
def pairs(jsonl: Jsonl) -> Path:
    return jsonl("pairs.jsonl", PAIRS)


@pytest.fixture
def pages(jsonl: Jsonl) -> Path:
    rows = [{"id": n, "text": text_about(thing)} for n, thing in enumerate([*THINGS, "cat", "dog"])]
    return jsonl("pages.jsonl", rows)


def test_a_check_counts_and_says_what_looks_wrong(run: Run, pairs: Path, pages: Path) -> None:
    found = run("check", pairs, "--corpus", pages)
    assert found.code == 0
    assert "10 pairs: 10 questions, 12 passages (2 that no question asks for)" in found.out
    assert "tune measures on 2 questions in 2 groups; a verdict needs 6 groups" in found.out
    assert "note: pages.jsonl adds 2 passages without a question; 10 of its" in found.out
    assert "look: measured on 2 questions in 2 groups" in found.out


def test_a_check_as_json(run: Run, pairs: Path) -> None:
    found = json.loads(run("check", pairs, "--json").out)
    assert found["data"]["pairs"] == 10
    assert found["measured"]["groups"] == 2
    assert found["lengths"]["passages"]["texts"] == 10
    assert found["caution"] is None
    assert found["notes"] == []
    assert len(found["concerns"]) == 1


def test_a_check_of_texts_says_what_made_questions_show(run: Run, pages: Path) -> None:
    found = run("check", pages)
    assert found.out.startswith("12 passages, and no questions\n")
    assert "tune measures on 4 made questions in 2 groups" in found.out
    assert "not whether it finds what people ask" in found.out


def test_leaks_between_files_are_told(run: Run, pairs: Path, jsonl: Jsonl) -> None:
    other = {"question": "what is new?", "answer": "This is."}
    valid = jsonl("valid.jsonl", [{**PAIRS[0], "question": "What of files"}, other])
    found = run("check", pairs, "--valid", valid)
    assert "1 of 2 questions is also among the training questions and is left out" in found.out


@pytest.mark.parametrize(("count", "why"), [(1, "has 1 pair"), (2, "leaves 1 pair to train on")])
def test_pairs_that_are_too_few_are_described(run: Run, jsonl: Jsonl, count: int, why: str) -> None:
    found = run("check", jsonl("few.jsonl", PAIRS[:count]))
    assert found.code == 0
    assert found.out.startswith(f"{count} pair")
    assert "look: tune refuses this: " in found.out
    assert why in found.out.split("refuses this: ")[1]
    assert "0 questions" not in found.out


def test_bad_files_are_refused_in_one_line(
    refused: Refused, no_model: None, pairs: Path, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.jsonl"
    refused(("check", nothing), "nothing.jsonl")
    refused(("check", pairs, "--corpus", nothing), "nothing.jsonl")
    refused(("tune", pairs, "--out", tmp_path / "o", "--corpus", nothing), "nothing.jsonl")
    refused(("evaluate", "m", pairs, "--corpus", nothing), "nothing.jsonl")
    scored = tmp_path / "scored.csv"
    scored.write_text("sentence1,sentence2,score\na,b,3.5\nc,d,2.5\n", encoding="utf-8")
    refused(("evaluate", "m", scored, "--corpus", pairs), "--corpus", "Leave --corpus out")
    heading = tmp_path / "t.txt"
    heading.write_text("Contents\nIndex\n", encoding="utf-8")
    refused(("tune", heading, "--out", tmp_path / "o"), "t.txt has no questions", "--corpus")
    assert not (tmp_path / "o").exists()


# ── a corpus ──────────────────────────────────────────────────────────────────────────────────


def test_evaluate_searches_the_corpus_too(
    run: Run, pairs: Path, pages: Path, tiny_folder: Path
) -> None:
    alone, beside = (
        json.loads(run("evaluate", tiny_folder, pairs, *more, "--json").out)
        for more in ((), ("--corpus", pages))
    )
    assert (alone["passages"], beside["passages"]) == (10, 12)
    assert beside["questions"] == 10
    assert any("adds 2 passages" in note for note in beside["data_notes"])


def test_training_does_not_see_what_answers_a_question_of_the_evaluation(
    pairs: Path, pages: Path, jsonl: Jsonl
) -> None:
    valid = jsonl("valid.jsonl", [{"question": "what of cats?", "answer": text_about("cat")}])
    split = read_split(pairs, valid, None, 1, corpus=pages)
    trained = set(split.train.passages.values())
    assert text_about("dog") in trained
    assert text_about("cat") not in trained
    assert len(split.task(split.valid).passages) == 12
    held_out = read_split(pairs, None, None, 1, corpus=pages)
    for keys in held_out.valid.relevant.values():
        for key in keys:
            assert held_out.valid.passages[key] not in set(held_out.train.passages.values())


# ── tuning ────────────────────────────────────────────────────────────────────────────────────

QUICK = ("--epochs", "1", "--batch-size", "4")


def test_texts_alone_are_tuned_on_with_a_caution(
    run: Run, pages: Path, long_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tuned"
    found = run("tune", pages, "--out", out, "--base", long_folder, *QUICK)
    assert found.code == 0, found.err
    caution = "Made questions show whether"
    assert found.err.lstrip().startswith(caution)
    assert found.out.startswith(caution)
    figures = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert figures["caution"].startswith(caution)
    assert (figures["questions"], figures["passages"]) == (4, 12)
    assert figures["fusion_weight"] == 0.5
    assert figures["measured_on"].startswith("measured on 4 made questions on 2 passages")
    card = (out / "README.md").read_text("utf-8")
    assert caution in card
    assert any("pages.jsonl has no questions: " in note for note in figures["data_notes"])
    assert SentenceTransformer(out).encode("a").shape == (32,)
    again = run("tune", "--config", out / "run.yaml", "--out", tmp_path / "again")
    assert again.code == 0
    both = [(folder / "model.safetensors").read_bytes() for folder in (out, tmp_path / "again")]
    assert both[0] == both[1]


def test_texts_measured_on_real_questions_need_no_caution(
    run: Run, pages: Path, pairs: Path, long_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tuned"
    found = run(
        "tune", pages, "--valid", pairs, "--out", out, "--base", long_folder, *QUICK, "--json"
    )
    figures = json.loads(found.out)
    assert figures["caution"] is None
    assert figures["questions"] == 10
    assert "10 passages that they ask for are among the texts to train on" in figures["measured_on"]


def test_a_corpus_is_in_the_file_that_repeats_the_run(
    run: Run, pairs: Path, pages: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tuned"
    found = run(
        "tune", pairs, "--corpus", pages, "--out", out, "--base", tiny_folder, *QUICK, "--json"
    )
    figures = json.loads(found.out)
    assert figures["passages"] == 12
    assert "corpus: ../pages.jsonl" in (out / "run.yaml").read_text("utf-8")
    assert "measured on 2 questions in 2 groups" in found.err
    assert figures["caution"] is None


def test_tune_says_what_matters_before_it_trains(
    run: Run, jsonl: Jsonl, tiny_folder: Path, tmp_path: Path
) -> None:
    rows = [*PAIRS, *({"question": f"what is {n}?", "answer": "nan"} for n in range(12))]
    found = run(
        "tune", jsonl("p.jsonl", rows), "--out", tmp_path / "o", "--base", tiny_folder, *QUICK
    )
    before, _, after = found.err.partition("training on")
    assert "12 texts stand for a missing one ('nan' 12)" in before
    assert "batches of an epoch hold a single pair" in after.partition("evaluating")[0]
    figures = json.loads((tmp_path / "o" / "evaluation.json").read_text("utf-8"))
    assert any("a single pair" in note for note in figures["data_notes"])


def test_a_column_of_words_may_hold_the_questions(
    run: Run, jsonl: Jsonl, long_folder: Path, tmp_path: Path
) -> None:
    rows = [{"Frage": f"was ist mit {thing}?", "text": text_about(thing)} for thing in THINGS]
    path = jsonl("p.jsonl", rows)
    for verb in (("check",), ("tune", "--out", tmp_path / "out")):
        found = run(*verb, path, "--base", long_folder)
        assert found.code == 2
        assert "--question-column 'Frage' if it holds the questions" in found.err
    assert not (tmp_path / "out").exists()
    alone = run("check", path, "--base", long_folder, "--ignore-column", "Frage")
    assert "10 passages, and no questions" in alone.out, alone.err
    named = run("check", path, "--base", long_folder, "--question-column", "Frage")
    assert "10 pairs: 10 questions" in named.out


def test_hard_negatives_need_questions(
    run: Run, pages: Path, long_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    found = run("tune", pages, "--out", out, "--base", long_folder, "--hard-negatives", "2")
    assert found.code == 2
    assert "hard_negatives 2 for texts without questions" in found.err
    assert not out.exists()
