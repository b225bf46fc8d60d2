"""``sentune mine-negatives``: a file that ``tune`` reads, a summary, and refusals in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.data import read_pairs
from sentune.training.mining.mine import mine_hard_negatives

Rows = list[dict[str, Any]]


@pytest.fixture
def rows(real_texts: list[str]) -> Rows:
    """A question a text, and one question that two texts answer."""
    cut = (" ".join(text.split()[:25]) for text in real_texts if len(text.split()) > 12)
    texts = [text for text in dict.fromkeys(cut) if text[0].isalpha()][:40]
    rows = [{"question": " ".join(t.split()[2:8]), "context": t, "score": 1} for t in texts]
    return [*rows, {**rows[0], "context": texts[5]}]


@pytest.fixture
def file(rows: Rows, jsonl: Callable[..., Path]) -> Path:
    return jsonl("pairs.jsonl", rows)


def test_the_file_has_a_row_for_each_pair_and_reads_back_whole(
    run: Callable[..., Any], file: Path, tiny_folder: Path, tmp_path: Path, rows: Rows
) -> None:
    out = tmp_path / "mined.jsonl"
    outcome = run(
        *("mine-negatives", file, "--model", tiny_folder, "--out", out),
        *("--num-negatives", 2, "--relative-margin", 0.01, "--json"),
    )
    assert outcome.code == 0, outcome.err
    assert f"wrote {len(rows)} rows with 2 negatives each to {out}" in outcome.err
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert all(list(row) == ["anchor", "positive", "negative_1", "negative_2"] for row in written)
    assert {(row["anchor"], row["positive"]) for row in written} == {
        (row["question"], row["context"]) for row in rows
    }
    mined = mine_hard_negatives(
        read_pairs(file),
        SentenceTransformer(tiny_folder),
        num_negatives=2,
        relative_margin=0.01,
        seed=42,
    )
    back = read_pairs(out)
    assert list(back.rows()) == list(mined.pairs.rows())
    assert back.negative_count == 2
    found = json.loads(outcome.out)
    assert (found["rows"], found["questions"]) == (len(rows), len(mined.mined))
    assert (found["mined"], found["drawn"]) == (mined.negatives, mined.drawn)
    assert found["questions_short"] == mined.short
    assert found["left_out"] == dict(mined.left_out)
    assert found["mean_positive"] == pytest.approx(mined.mean_positive, abs=1e-5)


def test_csv_holds_the_same_rows(
    run: Callable[..., Any], file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    for name in ("mined.jsonl", "mined.csv"):
        arguments = ("--model", tiny_folder, "--sampling-strategy", "random", "--seed", 7)
        assert run("mine-negatives", file, "--out", tmp_path / name, *arguments).code == 0
    lines = (tmp_path / "mined.jsonl").read_text(encoding="utf-8").splitlines()
    with (tmp_path / "mined.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    unquoted = [{key: text.removeprefix("'") for key, text in row.items()} for row in cells]
    given = [{k: t.removeprefix("'") for k, t in json.loads(line).items()} for line in lines]
    assert unquoted == given


def test_the_summary_and_the_examples_with_the_nearest_negatives(
    run: Callable[..., Any], file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mined.jsonl"
    outcome = run(
        *("mine-negatives", file, "--model", tiny_folder, "--out", out, "--min-score", 0.6)
    )
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].startswith("40 questions, 40 passages: ")
    assert "mean cosine to the question" in lines[1]
    assert any(line.endswith("(relative margin)") for line in lines)
    assert any("drawn at random were added" in line for line in lines)
    starts = [line.split()[0] for line in lines[lines.index("") :] if line]
    assert starts.count("question") == 3
    assert starts[:3] == ["question", "answer", "negative"]
    nearest = [
        float(lines[place + 2].split()[1])
        for place, line in enumerate(lines)
        if line.startswith("question")
    ]
    assert nearest == sorted(nearest, reverse=True)
    assert all(len(line) < 130 for line in lines)


def test_texts_that_are_cut_are_counted(
    run: Callable[..., Any], jsonl: Callable[..., Path], tiny_folder: Path, tmp_path: Path
) -> None:
    pairs = jsonl(
        "long.jsonl",
        [
            {"anchor": "a cat", "positive": "a cat sleeps " * 40},
            {"anchor": "tax", "positive": "tax law"},
        ],
    )
    out = tmp_path / "out.jsonl"
    outcome = run(
        *("mine-negatives", pairs, "--model", tiny_folder, "--out", out, "--num-negatives", 1)
    )
    assert "4 texts, 1 cut at 48 tokens" in outcome.err


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--num-negatives", "0"), ("num_negatives is 0",)),
        (("--relative-margin", "7"), ("relative_margin is 7.0", "from 0 to 1")),
        (("--sampling-strategy", "best"), ("'best'", "top, random")),
        (("--range-max", "2"), ("range_max is 2", "at least 3")),
    ],
)
@pytest.mark.usefixtures("no_model")
def test_settings_out_of_range_are_told_before_a_model_is_loaded(
    refused: Callable[..., None],
    file: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    out = tmp_path / "out.jsonl"
    refused(("mine-negatives", file, "--out", out, *options), *parts)
    assert not out.exists()


@pytest.mark.usefixtures("no_model")
def test_files_that_cannot_be_used(
    refused: Callable[..., None], file: Path, tmp_path: Path
) -> None:
    refused(("mine-negatives", file, "--out", tmp_path / "out.txt"), ".txt", ".jsonl")
    missing = tmp_path / "missing.jsonl"
    refused(("mine-negatives", missing, "--out", tmp_path / "out.jsonl"), "missing.jsonl")


def test_pairs_without_any_other_passage(
    refused: Callable[..., None],
    jsonl: Callable[..., Path],
    tiny_folder: Path,
    broken_folder: Path,
    file: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out.jsonl"
    options = ("--model", tiny_folder, "--out", out)
    one = jsonl("one.jsonl", [{"anchor": "a", "positive": "tax law"}])
    refused(("mine-negatives", one, *options), "1 different passage and 1 question", "two passages")
    rows = [{"anchor": "a", "positive": text} for text in ("tax law", "a cat")]
    refused(("mine-negatives", jsonl("all.jsonl", rows), *options), "no negative for some question")
    refused(("mine-negatives", file, "--model", broken_folder, "--out", out), "not finite")
    assert not out.exists()


def test_layouts_with_scores_and_a_corpus(
    run: Callable[..., Any],
    file: Path,
    jsonl: Callable[..., Path],
    tiny_folder: Path,
    tmp_path: Path,
    real_texts: list[str],
) -> None:
    """Each layout holds the same negatives; those of the corpus are among them."""
    pairs = read_pairs(file)
    more = [{"text": " ".join(text.split()[:20])} for text in real_texts[-30:]]
    corpus = jsonl("corpus.jsonl", more)
    model = SentenceTransformer(tiny_folder)
    found = {}
    for layout in ("n-tuple", "triplet", "labeled-pair", "labeled-list"):
        for options in ((), ("--output-scores",)):
            out = tmp_path / f"{layout}{len(options)}.jsonl"
            outcome = run(
                *("mine-negatives", file, "--model", tiny_folder, "--corpus", corpus, "--out", out),
                *("--mode", "words", "--output-format", layout, *options),
            )
            assert outcome.code == 0, outcome.err
            assert "corpus.jsonl adds 30 passages without a question" in outcome.err
            lines = out.read_text(encoding="utf-8").splitlines()
            found[layout, bool(options)] = [json.loads(line) for line in lines]
    tuples = found["n-tuple", False]
    names = [name for name in tuples[0] if name.startswith("negative_")]
    negatives = {row["anchor"]: [row[name] for name in names] for row in tuples}
    assert {text for some in negatives.values() for text in some} & {row["text"] for row in more}
    assert not {text for some in negatives.values() for text in some} <= set(
        pairs.passages.values()
    )
    for row in found["triplet", False]:
        assert row["negative"] in negatives[row["anchor"]]
    assert len(found["triplet", False]) == sum(len(negatives[row["anchor"]]) for row in tuples)
    for row in found["labeled-pair", False]:
        assert (row["positive"] in negatives[row["anchor"]]) == (row["label"] == 0)
    for row in found["labeled-list", False]:
        assert row["labels"] == [1, 0, 0, 0]
        assert row["positive"][1:] == negatives[row["anchor"]]
    for row in found["labeled-list", True]:
        vectors = model.encode_document(row["positive"], normalize_embeddings=True)
        question = model.encode_query(row["anchor"], normalize_embeddings=True)
        assert row["scores"] == pytest.approx((vectors @ question).tolist(), abs=1e-4)
        assert "labels" not in row


def test_negatives_that_the_file_has_get_their_scores(
    run: Callable[..., Any], jsonl: Callable[..., Path], tiny_folder: Path, tmp_path: Path
) -> None:
    rows = [
        {"anchor": "a cat", "positive": "a cat sleeps", "negative": "bread from the oven"},
        {"anchor": "tax", "positive": "tax law", "negative": "a cat sleeps"},
    ]
    out = tmp_path / "out.jsonl"
    outcome = run(
        *("mine-negatives", jsonl("own.jsonl", rows), "--model", tiny_folder, "--out", out),
        *("--num-negatives", 1, "--output-scores"),
    )
    assert outcome.code == 0, outcome.err
    first = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    texts = [first[name] for name in ("positive", "negative_1")]
    assert texts == ["a cat sleeps", "bread from the oven"]
    model = SentenceTransformer(tiny_folder)
    expected = model.encode_document(texts, normalize_embeddings=True) @ model.encode_query(
        "a cat", normalize_embeddings=True
    )
    assert first["scores"] == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--mode", "bm25"), ("mode is 'bm25'", "dense, words, hybrid")),
        (("--output-format", "list"), ("output_format is 'list'", "labeled-list")),
        (("--output-format", "labeled-list"), ("out.csv", "a cell of CSV holds no list")),
        (("--output-scores",), ("out.csv", ".jsonl")),
    ],
)
def test_a_mode_or_a_layout_that_cannot_be_written(
    refused: Callable[..., None],
    file: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    refused(("mine-negatives", file, "--out", tmp_path / "out.csv", *options), *parts)
