"""Passages that nobody asked about, beside pairs."""

from __future__ import annotations

from tests.data.conftest import Write

from sentune.data import Pairs, ReadOptions, read_corpus, with_corpus

PAIRS = Pairs({"q1": "Who?"}, {"p1": "They."}, {"q1": ("p1",)}, notes=("one note",))


def test_new_texts_are_added_under_free_ids(write: Write) -> None:
    path = write("pages.csv", "id,text,page\np1,Other,1\np2,They.,2\np3,Third,3\n")
    found = with_corpus(PAIRS, read_corpus(path))
    assert found.passages == {"p1": "They.", "p1#2": "Other", "p3": "Third"}
    assert found.relevant == PAIRS.relevant
    assert found.questions == PAIRS.questions
    assert found.notes == (
        "one note",
        "pages.csv: the column 'page' is not used",
        "pages.csv adds 2 passages without a question; 1 of its passages is in the pairs already",
    )


def test_texts_that_others_ask_for_are_left_out() -> None:
    corpus = Pairs({}, {"a": "One", "b": "Two"}, {}, source="x/c.txt")
    found = with_corpus(PAIRS, corpus, asked=["Two"])
    assert list(found.passages.values()) == ["They.", "One"]


def test_options_of_the_pairs_hold_where_they_fit(write: Write) -> None:
    said = ReadOptions(question="Frage", passage="Antwort", skip_blank=True)
    corpus = read_corpus(write("c.jsonl", '{"text": "One"}\n{"text": ""}\n'), said)
    assert list(corpus.passages.values()) == ["One"]
    assert corpus.notes == ("c.jsonl: 1 row with a blank cell is left out",)
    named = read_corpus(write("d.csv", "Antwort,text\nOne,Two\n"), said)
    assert list(named.passages.values()) == ["One"]


def test_the_passages_of_pairs_are_a_corpus_too(write: Write) -> None:
    path = write("c.csv", "question,passage\nWho?,They.\nWhat?,That.\n")
    assert list(read_corpus(path).passages.values()) == ["They.", "That."]
