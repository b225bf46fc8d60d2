"""Folders in BEIR's layout, and judgements beside their queries and corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sentune.data.corpus import read_passages
from sentune.data.pair_files.reading import read_pairs
from sentune.data.passages import PassageFiles, passage_files, read_passage_rows
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError

Refusal = Callable[[Callable[[Path], object], Path], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four passages, of which one has no title, three questions, and judgements of two."""
    root = tmp_path / "beir"
    (root / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{n}", "title": f"T{n}" if n else "", "text": f"t{n}"} for n in range(4)]
    queries = [{"_id": f"q{n}", "text": f"query {n}", "metadata": {}} for n in range(3)]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (root / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq0\td0\t2\nq0\td1\t0\nq0\td2\t1\nq1\td3\t0\n",
        encoding="utf-8",
    )
    return root


def test_a_folder_is_read_as_beir_reads_it(folder: Path) -> None:
    pairs = read_pairs(folder)
    assert pairs.questions == {"q0": "query 0"}
    assert pairs.passages == {"d0": "t0", "d1": "T1 t1", "d2": "T2 t2", "d3": "T3 t3"}
    assert pairs.relevant == {"q0": ("d0", "d2")}  # a score of 0 is not relevant
    assert pairs.notes == (
        "queries.jsonl: the column 'metadata' is not used",
        "2 judgements of 0: a search must not find these passages, and training does not use them "
        "as hard negatives",
        "1 question has no relevant passage and is left out",
    )
    assert read_pairs(folder / "qrels" / "test.tsv") == pairs


def test_the_judgements_of_a_purpose_are_taken(folder: Path, refusal: Refusal) -> None:
    trec = "q1 \t0\td3\t1\nq2\t0\td1\t1\n"  # as TREC writes them, without a header
    (folder / "qrels" / "train.tsv").write_text(trec, encoding="utf-8")
    assert read_pairs(folder, ReadOptions(split="train")).relevant == {"q1": ("d3",), "q2": ("d1",)}
    assert read_pairs(folder, ReadOptions(split="test")).relevant == {"q0": ("d0", "d2")}
    message = refusal(read_pairs, folder)
    assert "has 2 files of judgements ('test.tsv', 'train.tsv')" in message
    assert "dev.tsv" in refusal(lambda path: read_pairs(path, ReadOptions(split="valid")), folder)


def test_a_split_that_is_not_there_is_said_to_be_missing(folder: Path, refusal: Refusal) -> None:
    def message(split: str | None) -> str:
        return refusal(lambda path: read_pairs(path, ReadOptions(split=split)), folder)

    test = folder / "qrels" / "test.tsv"
    assert message("dev").endswith(
        "has 1 file of judgements ('test.tsv'), and none called dev: expected one to use. "
        "Name the one that you mean: --split test."
    )
    (folder / "qrels" / "test.csv").write_bytes(test.read_bytes())
    assert "2 files of judgements ('test.csv', 'test.tsv'): expected" in message("test")
    assert message("test").endswith("you mean: beir/qrels/test.csv, without --split test.")
    assert message(None).endswith("you mean: beir/qrels/test.csv.")


@pytest.mark.parametrize("name", ["qrels.csv", "qrels.jsonl"])
def test_judgements_of_other_formats_and_names(folder: Path, name: str) -> None:
    rows = {"qrels.csv": "qid,docid,rel\nq0,d1,1\n"}
    rows["qrels.jsonl"] = json.dumps({"query_id": "q0", "corpus_id": "d1", "score": 1})
    (folder / name).write_text(rows[name], encoding="utf-8")
    assert read_pairs(folder / name).relevant == {"q0": ("d1",)}


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("corpus.jsonl", '{"_id": "d0", "text": "a"}', "names 1 id without a text ('d2')"),
        ("queries.jsonl", '{"_id": "q0", "text": "a"}', "names 1 id without a text ('q1')"),
        ("queries.jsonl", '{"_id": "q0", "text": "a"}\n' * 2, "the id 'q0' of another question"),
        ("queries.jsonl", '{"text": "a"}', "queries.jsonl, line 1 has no id"),
        ("corpus.jsonl", '{"_id": "d0", "title": " ", "text": ""}', "column 'text' is empty"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq0\td0\tx\n", "line 2 holds 'q0', 'd0'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "test.tsv has no pairs"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq0\td1\t0\n", "test.tsv has no pairs"),
    ],
)
def test_a_part_that_does_not_fit_is_refused(
    folder: Path, name: str, content: str, part: str
) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_pairs(folder)
    assert part in str(caught.value)


def test_what_is_missing_is_named(folder: Path, refusal: Refusal) -> None:
    qrels = folder / "qrels" / "test.tsv"
    (folder / "corpus.jsonl").rename(folder / "kept.jsonl")
    assert "expected queries.jsonl and corpus.jsonl in its folder" in refusal(read_pairs, qrels)
    assert "corpus.jsonl, queries.jsonl and qrels/" in refusal(read_pairs, folder)
    message = refusal(lambda path: read_pairs(path, ReadOptions(passage="text")), folder)
    assert "a folder without" in message or "--passage-column" in message


def test_columns_are_not_named_where_texts_have_ids(folder: Path, refusal: Refusal) -> None:
    message = refusal(lambda path: read_pairs(path, ReadOptions(question="text")), folder)
    assert "--question-column with" in message


def test_only_the_corpus_of_a_folder_is_searched(folder: Path) -> None:
    assert read_passages(folder) == read_pairs(folder).passages
    assert passage_files(folder) == PassageFiles((folder / "corpus.jsonl",), skipped=2)
    rows = list(read_passage_rows(folder / "corpus.jsonl"))
    assert [(row.id, row.text, row.fields) for row in rows][:2] == [
        ("d0", "t0", {"title": ""}),
        ("d1", "T1 t1", {"title": "T1"}),
    ]


def test_blank_documents_can_be_left_out(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"_id": "d9", "title": "", "text": " "}')
        stream.write('\n{"_id": "d8", "title": "T8", "text": ""}')
    pairs = read_pairs(folder, ReadOptions(skip_blank=True))
    assert pairs.passages["d8"] == "T8"
    assert "corpus.jsonl: 1 row with a blank cell is left out" in pairs.notes
