"""What marks a pair as wrong is used or refused, whatever its column is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.pair_files.reading import read_pairs
from sentune.data.roles.judgements import Watch, is_right
from sentune.data.roles.options import ReadOptions
from sentune.data.scored import is_scored, read_scored_pairs
from sentune.errors import DataError

Write = Callable[[str, str | bytes], Path]
Refusal = Callable[[Callable[[Path], object], Path], str]


def _file(write: Write, name: str, values: list[object], columns: tuple[str, str]) -> Path:
    first, second = columns
    rows = [
        {first: f"what is {number}", second: f"Thing {number}", name: value}
        for number, value in enumerate(values)
    ]
    return write("x.jsonl", "\n".join(map(json.dumps, rows)))


_PAIR, _SENTENCES = ("query", "passage"), ("sentence1", "sentence2")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *((name, [1, 0, 1, 0]) for name in ("similar", "is_similar", "match", "duplicate")),
        *((name, ["0", "1"]) for name in ("target", "rating", "relation", "relevant", "rel")),
        *((name, [0.2, 3.5]) for name in ("score_norm", "relatedness_score", "gold_score")),
        *((name, [True, False]) for name in ("is_correct", "correct", "hit")),
        *((name, [0, 3, 1]) for name in ("grade", "relevance_score", "human_score")),
        ("gold_label", ["entailment", "neutral"]),
        ("verdict", ["entailment", "contradiction"]),
        ("an_answer", ["Yes", "no"]),
        ("judged", ["relevant", "irrelevant"]),
        ("judged", ["contradiction", "contradiction"]),
        ("status", ["approved", "rejected"]),
        ("status", ["pending", "rejected", "approved"]),
        ("thumbs", ["up", "down"]),
        ("esci_label", ["E", "S", "I", "C"]),
        ("foo", [False, True]),
        ("foo", [1, -1, 1]),
        ("foo", [0.35, 0.7]),
        ("foo", [5, 1, 4]),
        ("foo", [9, 1, 9]),
        ("match_score", [87, 12, 40]),
        ("bm25Score", [17.3, 2.5]),
        ("foo", [1, None, 0, "nan"]),
        ("page_relevance", [1, 0]),
        ("foo", ["✓", "✗"]),
        ("foo", ["✔️", "❌"]),
        ("foo", ["ja", "nein"]),
        ("foo", ["VRAI", "FAUX"]),
        ("foo", ["x", "", "x"]),
        ("accepted", [True, None, True]),
        ("foo", ["yes", "yes", None]),
    ],
)
@pytest.mark.parametrize("columns", [_PAIR, _SENTENCES])
def test_a_column_that_judges_is_refused_by_name(
    write: Write, refusal: Refusal, name: str, values: list[object], columns: tuple[str, str]
) -> None:
    message = refusal(read_pairs, _file(write, name, values, columns))
    assert f"column {name!r}" in message
    assert f"--label-column {name!r}" in message
    assert f"--ignore-column {name!r}" in message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("page", [1, 3, 1, 2]),
        ("Source page", [1, 3, 1, 2]),
        ("pageNumber", [1, 3, 1, 2]),
        ("chunk", [0, 1, 0]),
        ("slide", [1, 2, 1]),
        ("sheet", ["Approved", "Rejected"]),
        ("chunk_id", [0, 1, 0]),
        ("difficulty", [1, 3, 1]),
        ("year", [2001, 2003]),
        ("Unnamed: 0", [0, 1]),
        ("", ["0", "1"]),
        ("is_train", [True, False]),
        ("foo", [0, 1, 2, 3]),
        ("foo", [12, 7, 9]),
        ("foo", [1, 1, 1]),
        ("foo", ["no", "no"]),
        ("foo", ["positive thinking", "no"]),
        ("foo", [[1], [0]]),
        ("foo", [[0.5], [0.1, 0.2]]),
        ("foo", [{"page": 1, "source": "a"}, {"page": 3, "source": "b"}]),
        ("foo", [{"hops": 1, "style": 2}, {"hops": 2, "style": 1}]),
        ("foo", [["red", "new"], ["blue"]]),
        ("foo", ["", None, ""]),
        ("page", [1, None, 1]),
        ("price", [0.5, 1.5]),
        ("author", ["A", "B"]),
    ],
)
def test_a_column_that_says_something_else_is_named_in_a_note(
    write: Write, name: str, values: list[object]
) -> None:
    pairs = read_pairs(_file(write, name, values, _PAIR))
    assert len(pairs) == len(values)
    assert pairs.notes == (f"the column {name!r} is not used",)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ([["yes"], ["no"]], "foo"),
        ([{"verified": True}, {"verified": False}], "foo.verified"),
        ([{"a": {"label": "right"}}, {"a": {"label": "wrong"}}], "foo.a.label"),
        ([[{"value": "yes"}], [{"value": "no"}]], "foo.value"),
        ([{"relevance": 3}, {"relevance": 1}], "foo.relevance"),
        ([{"ok": True}, {}], "foo.ok"),
    ],
)
def test_what_judges_inside_of_objects_and_lists_is_refused(
    write: Write, refusal: Refusal, values: list[object], where: str
) -> None:
    path = _file(write, "foo", values, _PAIR)
    message = refusal(read_pairs, path)
    assert f"column {where!r} holds" in message
    assert "--ignore-column 'foo'" in message
    assert len(read_pairs(path, ReadOptions(ignore=("foo",)))) == 2


def test_what_a_system_found_is_not_looked_into(write: Write) -> None:
    found: list[object] = [[{"text": "a", "hit": 1}], [{"text": "b", "hit": 0}]]
    assert len(read_pairs(_file(write, "retrieved_contexts", found, _PAIR))) == 2


@pytest.mark.parametrize(
    "passages",
    [
        [{"text": "a", "is_selected": 1}, {"text": "b", "is_selected": 0}],
        {"text": ["a", "b"], "is_selected": [1, 0]},  # as datasets writes it
        [{"text": "a", "label": "irrelevant"}],
    ],
)
def test_a_passage_of_a_list_that_is_marked_wrong_is_refused(
    write: Write, refusal: Refusal, passages: object
) -> None:
    path = write("x.jsonl", json.dumps({"query": "q", "passages": passages}))
    message = refusal(read_pairs, path)
    assert "line 1, column 'passages' holds a passage with '" in message
    assert "which marks a wrong one" in message


def test_a_blank_label_says_how_to_leave_its_row_out(write: Write, refusal: Refusal) -> None:
    path = write("x.csv", "query,passage,accepted\na,b,x\nc,d,\n".replace(",x", ",yes"))
    message = refusal(lambda path: read_pairs(path, ReadOptions(label="accepted")), path)
    assert "--skip-blank leaves such rows out" in message
    options = ReadOptions(label="accepted", skip_blank=True)
    assert list(read_pairs(path, options).rows()) == [("a", "b")]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("relevant", [1, 0, 1]),
        ("foo", ["yes", "no", "yes"]),
        ("gold_label", ["entailment", "neutral", "Entailment"]),
        ("grade", [3, 0, 1]),
        ("foo", [True, False, True]),
    ],
)
def test_a_label_that_a_person_names_keeps_wrong_passages_apart(
    write: Write, name: str, values: list[object]
) -> None:
    rows = [
        {"query": "q", "passage": f"p{number}", name: value} for number, value in enumerate(values)
    ]
    path = write("x.jsonl", "\n".join(map(json.dumps, rows)))
    pairs = read_pairs(path, ReadOptions(label=name))
    assert list(pairs.rows()) == [("q", "p0", "p1"), ("q", "p2", "p1")]
    assert list(pairs.passages.values()) == ["p0", "p1", "p2"]
    assert pairs.notes == ("1 question has more than one relevant passage",)


def test_a_question_with_wrong_passages_only_is_left_out(write: Write) -> None:
    path = write("x.csv", "query,passage,label\na,b,1\nc,d,0\n")
    pairs = read_pairs(path, ReadOptions(label="label"))
    assert list(pairs.rows()) == [("a", "b")]
    assert list(pairs.passages.values()) == ["b", "d"]
    assert pairs.notes == ("1 question has no relevant passage and is left out",)


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ("5 4", "the labels go up to 5, and none is 0"),
        ("1 0.5", "column 'label' holds '0.5'"),
        ("1 often", "column 'label' holds 'often'"),
    ],
)
def test_a_label_that_says_neither_is_refused(
    write: Write, refusal: Refusal, labels: str, part: str
) -> None:
    first, second = labels.split()
    path = write("x.csv", f"query,passage,label\na,b,{first}\nc,d,{second}\n")
    assert part in refusal(lambda path: read_pairs(path, ReadOptions(label="label")), path)


def test_what_a_person_ignores_is_only_named(write: Write) -> None:
    path = _file(write, "similar", [1, 0], _PAIR)
    pairs = read_pairs(path, ReadOptions(ignore=("similar",)))
    assert len(pairs) == 2
    assert pairs.notes == ("the column 'similar' is not used",)


def test_a_score_that_a_person_names_is_a_scale(write: Write) -> None:
    path = write("x.csv", "a,b,how_near,genre\nx,y,0\n".replace("0\n", "0,g\n") + "x,z,4,g\n")
    options = ReadOptions(question="a", passage="b", score="how_near")
    assert is_scored(path, options)
    pairs = read_scored_pairs(path, options)
    assert pairs.scores == (0.0, 4.0)
    assert pairs.notes == ("the column 'genre' is not used",)


def test_no_row_marked_wrong_by_zero_is_taken_as_right() -> None:
    assert is_right(0) is is_right("0.0") is is_right(False) is is_right("no") is False
    assert is_right("perhaps") is is_right(None) is is_right(2) is None


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(st.sampled_from([0, 1, "0", "1", True, False, None, ""]), max_size=8),
    name=st.sampled_from(["foo", "flagged", "Wert"]),
)
def test_a_file_with_zeros_and_ones_never_passes(values: list[object], name: str) -> None:
    watch = Watch()
    for value in values:
        watch.see(name, value)
    told = {str(int(value)) for value in values if value not in (None, "")}  # type: ignore[call-overload]
    is_marked = told == {"1"} and (None in values or "" in values)
    if len(told) == 2 or is_marked:
        with pytest.raises(DataError, match=name):
            watch.refuse_judgements("x.csv", len(values))
    else:
        watch.refuse_judgements("x.csv", len(values))
