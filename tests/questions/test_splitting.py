"""Pairs in parts that share nothing; texts that are nearly the same."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data import ReadOptions
from sentune.errors import ArgumentError, DataError
from sentune.questions.near_duplicates import near_duplicates, shingles
from sentune.questions.splitting import (
    PairRecord,
    PairSplit,
    read_pair_records,
    shared_between,
    split_records,
)

WORDS = "pump valve keeper closes opens night morning book shelf pressure side main".split()  # noqa: SIM905

BY_IDS = '{"questions": {"a": "b"}, "relevant_contexts": {"a": ["c"]}, "corpus": {"c": "d"}}'


def record(question: str, passage: str, section: str | None = None) -> PairRecord:
    return PairRecord({"q": question}, question, (passage,), section)


def text_of(number: int, length: int = 40) -> str:
    draw = random.Random(number)
    return " ".join(f"{draw.choice(WORDS)}{draw.randrange(99)}" for _ in range(length))


@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=30), max_size=9))
def test_all_pairs_are_found_as_by_hand(written: list[list[str]]) -> None:
    texts = [" ".join(words) for words in written]
    expected = set()
    for first, second in combinations(range(len(texts)), 2):
        one, two = shingles(texts[first]), shingles(texts[second])
        both, shorter = len(one & two), min(len(one), len(two))
        alike = both / len(one | two) >= 0.5 or (shorter >= 20 and both / shorter >= 0.8)
        if both and alike:
            expected.add((second, first))
    assert set(near_duplicates(texts)) == expected


def test_what_is_nearly_the_same() -> None:
    text = text_of(0)
    words = text.split()
    changed = " ".join([*words[:20], "another", *words[21:]])
    longer = f"{text_of(1)} {text} {text_of(2)}"
    texts = [text, f"  {text.upper()}!", changed, longer, " ".join(words[::-1]), text_of(3)]
    assert near_duplicates(texts) == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    japanese = "灯台守は毎晩寝る前に揚水機の主弁を閉める"
    assert near_duplicates([japanese, japanese + "。", "全く別の文がここに書かれている"]) == [
        (1, 0)
    ]


def random_records(seed: int, rows: int = 120) -> list[PairRecord]:
    """Questions that repeat, passages that repeat or nearly do, and sections."""
    draw = random.Random(seed)
    made = []
    for _ in range(rows):
        number = draw.randrange(rows * 2)
        words = text_of(number).split()
        if draw.random() < 0.3:
            words[draw.randrange(len(words))] = "another"
        section = f"s{number // 3}" if draw.random() < 0.3 else None
        made.append(record(f"Question {draw.randrange(rows * 2)}", " ".join(words), section))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_on_both_sides_and_nothing_is_lost(seed: int) -> None:
    records = random_records(seed, 60 + 40 * seed)
    split = split_records(records, 0.1, 0.2, seed)
    assert list(split.parts) == ["train", "valid", "test"]
    assert sorted(map(id, records)) == sorted(id(r) for part in split.parts.values() for r in part)
    assert set(split.shared.values()) == {0}
    sides = {
        part: [set(shingles(each.passages[0])) for each in found]
        for part, found in split.parts.items()
    }
    for first, second in combinations(sides, 2):
        for one in sides[first]:
            assert all(len(one & two) < 0.5 * len(one | two) for two in sides[second])
    assert all(split.groups.values())


def test_the_shares_are_near_and_the_order_of_rows_does_not_matter() -> None:
    records = [record(f"question {n}", text_of(n)) for n in range(100)]
    split = split_records(records, 0.1, 0.2, 0)
    assert {part: len(found) for part, found in split.parts.items()} == {
        "train": 70,
        "valid": 10,
        "test": 20,
    }
    shuffled = split_records(random.Random(0).sample(records, 100), 0.1, 0.2, 0)
    for part, found in split.parts.items():
        assert {each.question for each in found} == {each.question for each in shuffled.parts[part]}
    other = split_records(records, 0.1, 0.2, 1)
    assert other.parts["test"] != split.parts["test"]
    assert list(split_records(records, 0, 0.5, 0).parts) == ["train", "test"]


def test_the_check_sees_planted_leaks() -> None:
    text = text_of(0)
    parts = {
        "train": [record("Who?", text, "s1"), record("Which?", text_of(1), "s2")],
        "test": [record("who", text + " more", "s1"), record("What?", text_of(1), "s3")],
    }
    assert shared_between(parts) == {
        "questions": 1,
        "passages": 1,
        "near-duplicate passages": 1,
        "sections": 1,
    }


@pytest.mark.parametrize(("valid", "test"), [(0, 0), (0.5, 0.5), (-0.1, 0.2), (float("nan"), 0.1)])
def test_shares_that_are_none(valid: float, test: float) -> None:
    with pytest.raises(ArgumentError):
        split_records([record("a", "b")], valid, test, 0)


def test_one_section_can_not_be_split() -> None:
    records = [record(f"q{n}", text_of(n), "s") for n in range(9)]
    with pytest.raises(DataError, match="connect"):
        split_records(records, 0.1, 0.2, 0)
    apart = [*records, record("other", text_of(50))]
    with pytest.raises(DataError, match="--valid 0"):
        split_records(apart, 0.1, 0.2, 0)
    assert isinstance(split_records(apart, 0, 0.2, 0), PairSplit)


def test_rows_keep_all_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    row = {
        "query": "Who?",
        "passage": ["One text", "Another"],
        "negative": "No",
        "note": None,
        "source": "a",
        "headings": ["T"],
        "made": True,
    }
    rows = [row, {"query": "What?", "passage": "Third", "page": 3, "source": "a"}]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    first, second = read_pair_records(path)
    assert (first.values, second.values) == tuple(rows)
    assert first.passages == ("One text", "Another")
    assert (first.section, second.section) == (("a", ("T",)), ("a", 3))
    assert (first.made, second.made) == (True, False)
    path.write_text('{"question": "a", "answer": "b", "other": "c"}\n', encoding="utf-8")
    [chosen] = read_pair_records(path, ReadOptions(passage="other"))
    assert chosen.passages == ("c",)
    assert replace(chosen, section="s").section == "s"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "p.json",
            '{"questions": {"a": "b"}, "relevant_contexts": {"a": ["c"]}, "corpus": {"c": "d"}}',
            "apart",
        ),
        ("p.jsonl", '{"question": "a", "passage": []}', "no passage"),
        ("p.jsonl", '{"text": "a"}', "question"),
        ("p.jsonl", "", "no pairs"),
        ("p.txt", "a", "p.txt"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_pair_records(path)
