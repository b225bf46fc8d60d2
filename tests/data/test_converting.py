"""Pairs written in every format and read again; what a format cannot hold is said."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.long import LONG

from sentune.data import Pairs, read_pairs
from sentune.data.converting import require_target, write_pairs
from sentune.errors import ArgumentError, OutputError

TARGETS = [
    *(("rows.jsonl", None), ("rows.csv", None), ("rows.parquet", None)),
    *(("folder", "beir"), ("folder", "datasets")),
]
# What readers could take for something else: lists, formulas, separators, ends of lines.
AWKWARD = [
    *("['a', 'b']", '["a"]', "[]", "[ ]", "['cut…", "['a'", " [1]", "=1+1", "- a dash", "@x", "'q"),
    *(
        "a\r\nb",
        "a\rb",
        "a\nb",
        "a\tb",
        'quo"ted',
        "a,b;c|d",
        "sep=,",
        "\u2028line",
        "é\ufeff",
        "1",
    ),
    *("null", "0", "true", "query-id", "\\", " blank at the ends ", "\u3000a"),
]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
TEXTS = (st.sampled_from(AWKWARD) | WORDS).filter(lambda text: bool(text.strip()))


@st.composite
def some_pairs(draw: st.DrawFn) -> Pairs:
    """Pairs as readers make them: no text twice, no negative that is an answer."""
    questions = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    passages = draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    ids = [f"p{number}" for number in range(1, len(passages) + 1)]
    relevant, negatives = {}, {}
    for number in range(1, len(questions) + 1):
        key = f"q{number}"
        relevant[key] = tuple(draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)))
        answers = {passages[ids.index(name)] for name in relevant[key]}
        wrong = draw(st.lists(TEXTS, max_size=2, unique=True))
        if kept := tuple(text for text in wrong if text not in answers):
            negatives[key] = kept
    asked = {f"q{number}": text for number, text in enumerate(questions, start=1)}
    return Pairs(asked, dict(zip(ids, passages, strict=True)), relevant, negatives)


def by_text(pairs: Pairs, quote: bool = False) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Question → the texts of its answers and of its negatives."""

    def shown(text: str) -> str:
        return f"'{text}" if quote and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text

    return {
        shown(pairs.questions[key]): (
            tuple(shown(pairs.passages[name]) for name in answers),
            tuple(map(shown, pairs.negatives.get(key, ()))),
        )
        for key, answers in pairs.relevant.items()
    }


@settings(max_examples=400 if LONG else 15)
@given(pairs=some_pairs())
def test_every_format_is_read_as_it_was_written(pairs: Pairs) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, layout in TARGETS:
            out = Path(folder, layout or "", name)
            out.parent.mkdir(exist_ok=True)
            notes = write_pairs(pairs, out, layout)
            again = read_pairs(out)
            if layout == "beir":
                assert again.questions == pairs.questions
                assert again.passages.items() >= pairs.passages.items()
                assert again.relevant == pairs.relevant
                assert bool(notes) == bool(pairs.negatives)
                continue
            uneven = len({len(pairs.negatives.get(key, ())) for key in pairs.relevant}) > 1
            quote = name.endswith(".csv")
            # A list has its brackets before a text that a spreadsheet would run.
            expected = by_text(pairs, quote)
            found = by_text(again)
            assert {q: a for q, (a, _) in found.items()} == {q: a for q, (a, _) in expected.items()}
            if not (quote and uneven):
                assert found == expected
            else:
                plain = by_text(pairs)
                assert [n for _, n in found.values()] == [n for _, n in plain.values()]
            assert again.notes == () or not any("column" in note for note in again.notes)


def pairs_of(path: Path, rows: Sequence[Mapping[str, object]]) -> Pairs:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_pairs(path)


def test_columns_of_negatives(tmp_path: Path) -> None:
    row = {"anchor": "q", "positive": "p"}
    for number, names in ((1, ["negative"]), (2, ["negative_1", "negative_2"])):
        given = {**row, "negative": [f"n{one}" for one in range(number)]}
        pairs = pairs_of(tmp_path / "a.jsonl", [given])
        write_pairs(pairs, tmp_path / "out.parquet")
        found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert found.column_names == ["anchor", "positive", *names]
    rows = [{**row, "negative": ["x", "y"]}, {"anchor": "r", "positive": "s", "negative": []}]
    write_pairs(pairs_of(tmp_path / "a.jsonl", rows), tmp_path / "out.csv")
    cells = csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines())
    assert [cell["negatives"] for cell in cells] == ['["x", "y"]', "[]"]


def test_what_rows_cannot_hold_is_said(tmp_path: Path) -> None:
    pairs = Pairs(
        {"a-1": "=what"}, {"d-1": "p", "d-2": "unasked"}, {"a-1": ("d-1",)}, {}, "a.jsonl"
    )
    notes = write_pairs(pairs, tmp_path / "out.csv")
    assert [note.split(" ")[:2] for note in notes] == [
        ["1", "passage"],
        ["the", "ids"],
        ["1", "text"],
    ]
    assert len(write_pairs(pairs, tmp_path / "out.jsonl")) == 2
    assert write_pairs(pairs, tmp_path / "beir", "beir") == []
    assert read_pairs(tmp_path / "beir").passages == pairs.passages


def test_beir_as_others_read_it(tmp_path: Path) -> None:
    """BEIR's own loader takes qrels by csv with tabs, and counts scores above 0 as relevant."""
    pairs = Pairs(
        {"q 1": "what"}, {"a": "p", "n1": "other"}, {"q 1": ("a",)}, {"q 1": ("other", "new")}
    )
    notes = write_pairs(pairs, tmp_path / "out", "beir")
    assert "2 negatives are judged 0" in notes[0]
    with (tmp_path / "out" / "qrels" / "test.tsv").open(encoding="utf-8") as stream:
        found = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_MINIMAL))
    assert found == [
        ["query-id", "corpus-id", "score"],
        *(["q 1", "a", "1"], ["q 1", "n1", "0"], ["q 1", "n2", "0"]),
    ]
    lines = (tmp_path / "out" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1]) == {"_id": "n2", "title": "", "text": "new"}
    awkward = Pairs({"q\t1": "what"}, {" a": "p"}, {"q\t1": (" a",)})
    assert "all ids are new" in write_pairs(awkward, tmp_path / "new", "beir")[0]
    assert read_pairs(tmp_path / "new").relevant == {"q1": ("p1",)}


def test_targets_are_checked_before_any_reading(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    for out, layout, kind in (
        ("full", "beir", OutputError),
        ("new", None, ArgumentError),
        ("new", "squad", ArgumentError),
        ("new.jsonl", "beir", ArgumentError),
        ("new.txt", None, OutputError),
        ("absent/new.csv", None, OutputError),
    ):
        with pytest.raises(kind):
            require_target(tmp_path / out, layout)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
