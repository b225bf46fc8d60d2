"""Whether a file has questions, seen from its first row."""

from __future__ import annotations

import pytest
from tests.data.conftest import Write

from sentune.data import ReadOptions, holds_texts_only
from sentune.data.kinds import fitting, perhaps_questions

TEXTS = {
    "x.txt": "one text\nanother\n",
    "x.jsonl": '{"id": 1, "text": "one"}\n',
    "bare.jsonl": '"one"\n"two"\n',
    "list.json": '["one", "two"]',
    "columns.json": '{"text": ["one", "two"]}',
    "x.csv": "page,title,text\n1,A,one\n",
    "passages.csv": "passage_id,passage\n1,one\n",
}
OTHERS = {
    "pairs.csv": "question,text\nWho?,They.\n",
    "pairs.jsonl": '{"anchor": "Who?", "positive": "They."}\n',
    "scored.csv": "sentence1,sentence2,score\na,b,3\n",
    "other.csv": "a,b\n1,2\n",
    "ids.json": '{"queries": {"1": "a"}, "corpus": {"2": "b"}, "relevant_docs": {"1": ["2"]}}',
    "empty.jsonl": "",
    "broken.jsonl": "{",
    "header.csv": "How is a file copied?,shutil copies it.\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_without_a_question(write: Write, name: str) -> None:
    assert holds_texts_only(write(name, TEXTS[name]))


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else_is_for_the_reader_of_pairs(write: Write, name: str) -> None:
    assert not holds_texts_only(write(name, OTHERS[name]))


def test_a_folder_and_a_missing_file_are_not_texts(write: Write) -> None:
    path = write("x.txt", "a")
    assert not holds_texts_only(path.parent)
    assert not holds_texts_only(path.parent / "nothing.jsonl")


def test_who_names_a_column_of_pairs_has_pairs(write: Write) -> None:
    path = write("x.csv", "Frage,text\nWer?,Sie.\n")
    assert holds_texts_only(path)
    for options in (ReadOptions(question="Frage"), ReadOptions(label="Frage")):
        assert not holds_texts_only(path, options)
    assert holds_texts_only(path, ReadOptions(passage="text"))


def test_an_unused_column_of_words_may_hold_the_questions(write: Write) -> None:
    path = write("x.csv", "page,Frage,text\n1,Wie kopiert man das?,So.\n2,Wo ist das?,Hier.\n")
    assert perhaps_questions(path) == ["Frage"]
    assert perhaps_questions(write("y.csv", "page,text\n1,This is all there is.\n")) == []
    assert perhaps_questions(write("y.txt", "This is all there is.\n")) == []
    assert perhaps_questions(path, ReadOptions(ignore=("frage",))) == []
    same = "text,licence\n" + "".join(f"Text {n},all rights are reserved\n" for n in range(9))
    assert perhaps_questions(write("z.csv", same)) == []
    assert perhaps_questions(write("s.csv", "source,text\nthe first big file,Here.\n")) == []


def test_columns_that_the_other_file_lacks_are_not_asked_of_it(write: Write) -> None:
    said = ReadOptions(question="q", passage="Answer text", id="nr", header=True)
    assert fitting(write("x.jsonl", '{"text": "a", "nr": 1}'), said) == ReadOptions(id="nr")
    has = fitting(write("y.csv", "answer_text,text\na,b\n"), said)
    assert has == ReadOptions(passage="Answer text")
    assert fitting(write("z.txt", "a"), said) == ReadOptions()
