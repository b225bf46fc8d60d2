"""``sentune duplicates``: what is left is unlike, and what goes is like something that is left."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sentune import SentenceTransformer

THRESHOLD = 0.99
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def texts(real_texts: list[str]) -> list[str]:
    """Real texts of one line; some again with a word less, some again as they are."""
    lines = [" ".join(text.split())[:200] for text in real_texts]
    different = [line for line in dict.fromkeys(lines) if len(line.split()) > 5][:200]
    shorter = [line.rsplit(" ", 1)[0] for line in different[:120]]
    return [*different[:100], *shorter, *different[50:], *shorter[::3], different[0]]


@pytest.fixture
def file(texts: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cosines(texts: list[str], tiny_folder: Path) -> NDArray[np.float64]:
    different = list(dict.fromkeys(texts))
    vectors = SentenceTransformer(tiny_folder).encode(different).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = [different.index(text) for text in texts]
    return np.asarray((vectors @ vectors.T)[np.ix_(places, places)])


def table(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def written(run: Callable[..., Any], file: Path, tiny_folder: Path, tmp_path: Path) -> Rows:
    out = tmp_path / "out.jsonl"
    arguments = ("--model", tiny_folder, "--threshold", THRESHOLD, "--out", out)
    outcome = run("duplicates", file, *arguments)
    assert (outcome.code, outcome.out) == (0, ""), outcome.err
    assert f"wrote {len(table(out))} rows to {out}" in outcome.err
    return table(out)


def test_one_row_a_text_in_order(written: Rows, texts: list[str]) -> None:
    assert [row["text"] for row in written] == texts
    assert [row["row"] for row in written] == list(range(1, len(texts) + 1))
    for row in written:
        if row["group"] is None:
            assert (row["keep"], row["similarity"]) == (True, None)


def test_every_text_that_goes_is_like_the_one_that_stays(
    written: Rows, cosines: NDArray[np.float64]
) -> None:
    sizes: dict[int, int] = {}
    for number in sorted({row["group"] for row in written} - {None}):
        members = [row for row in written if row["group"] == number]
        (kept,) = [row for row in members if row["keep"]]
        sizes[number] = len(members)
        assert len(members) >= 2
        for row in members:
            score = cosines[row["row"] - 1, kept["row"] - 1]
            assert row["similarity"] == pytest.approx(score, abs=1e-5)
            assert score >= THRESHOLD - 1e-5
    assert max(sizes.values()) >= 3
    assert list(sizes) == list(range(1, len(sizes) + 1))
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)


def test_what_is_left_is_unlike(written: Rows, cosines: NDArray[np.float64]) -> None:
    left = [row["row"] - 1 for row in written if row["keep"]]
    assert 50 < len(left) < len(written) - 100
    among = cosines[np.ix_(left, left)]
    np.fill_diagonal(among, -1)
    assert among.max() < THRESHOLD + 1e-5


def test_json_and_csv_say_the_same(
    run: Callable[..., Any], written: Rows, file: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    arguments = ("--model", tiny_folder, "--threshold", THRESHOLD)
    found = json.loads(run("duplicates", file, *arguments, "--out", out, "--json").out)
    assert found["texts"] == len(written)
    assert found["exact_repeats"] == len(written) - len({row["text"] for row in written})
    assert found["could_go"] == sum(not row["keep"] for row in written)
    assert found["threshold"] == THRESHOLD
    for group in found["groups"]:
        assert group["keep"] == group["texts"][0]["row"]
        for text in group["texts"]:
            row = written[text["row"] - 1]
            assert row["group"] == group["group"]
            assert (row["text"], row["similarity"]) == (text["text"], text["similarity"])
    with out.open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert [cell["keep"] == "true" for cell in cells] == [row["keep"] for row in written]
    assert [cell["group"] for cell in cells] == [str(row["group"] or "") for row in written]


def test_groups_below_the_least_size_are_left_alone(
    run: Callable[..., Any], written: Rows, file: Path, tiny_folder: Path
) -> None:
    arguments = ("--model", tiny_folder, "--threshold", THRESHOLD, "--min-size", "3", "--json")
    found = json.loads(run("duplicates", file, *arguments).out)
    groups = [row["group"] for row in written]
    large = sum(groups.count(number) >= 3 for number in set(groups) - {None})
    assert 0 < len(found["groups"]) == large < len(set(groups) - {None})


def test_repeats_are_a_group_whatever_the_threshold(
    run: Callable[..., Any], tiny_folder: Path
) -> None:
    text = "tax law\na cat\nan aeroplane\na cat\ntax law\na cat\n"
    outcome = run(
        "duplicates", "-", "--model", tiny_folder, "--threshold", "1", "--json", stdin=text
    )
    found = json.loads(outcome.out)
    rows = [[member["row"] for member in group["texts"]] for group in found["groups"]]
    assert rows == [[2, 4, 6], [1, 5]]
    assert [member["similarity"] for member in found["groups"][0]["texts"]] == [1, 1, 1]
    assert "6 texts, of which 3 repeat an earlier one exactly; 2 groups" in outcome.err
    assert "3 could go, 3 would remain" in outcome.err


def test_printed_groups_show_the_text_to_keep(run: Callable[..., Any]) -> None:
    text = "How do I copy a file?\n[b]Tax[/b] law\nHow do I copy  a file?\n[b]Tax[/b] law.\n"
    outcome = run("duplicates", "-", stdin=text)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[:2] == ["group 1: 2 texts", "   keep  1  How do I copy a file?"]
    assert lines[2:4] == ["  1.000  3  How do I copy a file?", "group 2: 2 texts"]
    assert lines[4] == "   keep  2  [b]Tax[/b] law"
    assert lines[5].endswith("  4  [b]Tax[/b] law.")
    none = run("duplicates", "-", stdin="How do I copy a file?\ntax law\n")
    assert (none.code, none.out) == (0, "")
    assert "2 texts, all different; no near-duplicates" in none.err


def test_what_is_cut_off_is_told(run: Callable[..., Any], tiny_folder: Path) -> None:
    outcome = run("duplicates", "-", "--model", tiny_folder, stdin=". " * 50 + "\nshort\n")
    assert "1 of 2 texts are longer than 48 tokens; 4 tokens were left out" in outcome.err


def test_bad_input_is_told_before_the_model_loads(
    refused: Callable[..., None], no_model: None, file: Path, tmp_path: Path
) -> None:
    for value in ("1.01", "-1.5", "nan", "inf"):
        refused(("duplicates", file, "--threshold", value), f"--threshold is {value}", "-1 to 1")
    refused(("duplicates", file, "--min-size", "1"), "--min-size is 1")
    refused(("duplicates", file, "--out", tmp_path / "o.txt"), "o.txt", ".jsonl or .csv")
    refused(("duplicates", file, "--out", tmp_path / "no" / "o.csv"), "o.csv")
    refused(("duplicates", tmp_path / "gone.txt"), "gone.txt does not exist")
    refused(("duplicates", "-"), "standard input", "no texts")
    refused(("duplicates", "-"), "standard input has one text", stdin="alone\n")


def test_a_model_that_gives_nan_is_refused(
    refused: Callable[..., None], broken_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.csv"
    arguments = ("duplicates", "-", "--model", broken_folder, "--out", out)
    refused(arguments, "NaN", stdin="a dog\na cat\n")
    assert not out.exists()


def test_long_groups_and_many_groups_are_cut(run: Callable[..., Any], tiny_folder: Path) -> None:
    texts = [*["copy a file"] * 8, *(f"number {n}" for n in range(30) for _ in range(2))]
    arguments = ("--model", tiny_folder, "--threshold", "1")
    outcome = run("duplicates", "-", *arguments, stdin="\n".join(texts))
    lines = outcome.out.splitlines()
    assert lines[0] == "group 1: 8 texts"
    assert lines[6:8] == ["  and 3 more", "group 2: 2 texts"]
    assert lines[-1] == "and 11 groups more; --out writes all of them"
