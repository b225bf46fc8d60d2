"""Readers beside the reference's, on the same files."""

from __future__ import annotations

import gzip
import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune import readers
from sentune.errors import DataError


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The reference's module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("sentence_transformers.readers")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for every reader."""
    folder = tmp_path_factory.mktemp("files")
    texts = {
        "pairs.tsv": "a dog\tthe dog\t4.5\nnaïve “café”\t東京\t0\n",
        "scores.csv": '"a, b";c;1\nd;"e ""f""";0.25\n',
        "benchmark.tsv": "a\tx\t2012\t1\t2.5\tone\ttwo\nb\tx\t2012\t2\t5\tthree\tfour\trest\n",
        "triplets.tsv": "anchor\tpositive\tnegative\na\tb\tc\nd\te\tf\tg\n",
        "labels.tsv": "loc\tWhere is it?\nhum\tWho was it?\nloc\tWhere? \n",
        "left.txt": "one\ntwo\nthree\n",
        "right.txt": "eins\nzwei\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    packed = {
        "pairs.tsv.gz": texts["pairs.tsv"],
        "right.txt.gz": texts["right.txt"],
        "s1.train.gz": "A man\nA woman\n",
        "s2.train.gz": "A person\nA cat\n",
        "labels.train.gz": "entailment\n Contradiction \n",
    }
    for name, text in packed.items():
        (folder / name).write_bytes(gzip.compress(text.encode("utf-8")))
    return folder


CASES: dict[str, Any] = {
    "sts": lambda of, at: of.STSDataReader(at).get_examples("pairs.tsv"),
    "sts, packed": lambda of, at: of.STSDataReader(at).get_examples("pairs.tsv.gz"),
    "sts, one": lambda of, at: of.STSDataReader(str(at)).get_examples("pairs.tsv", max_examples=1),
    "sts, quoted": lambda of, at: of.STSDataReader(
        at, 0, 1, 2, ";", 0, normalize_scores=False
    ).get_examples("scores.csv"),
    "sts, another range": lambda of, at: of.STSDataReader(
        at, s1_col_idx=1, s2_col_idx=0, min_score=1, max_score=3
    ).get_examples("pairs.tsv"),
    "benchmark": lambda of, at: of.STSBenchmarkDataReader(at).get_examples("benchmark.tsv"),
    "triplets": lambda of, at: of.TripletReader(at, has_header=True).get_examples("triplets.tsv"),
    "triplets, two": lambda of, at: of.TripletReader(at).get_examples("triplets.tsv", 2),
    "labels": lambda of, at: of.LabelSentenceReader(at).get_examples("labels.tsv"),
    "labels, two": lambda of, at: of.LabelSentenceReader(at).get_examples("labels.tsv", 2),
    "nli": lambda of, at: of.NLIDataReader(at).get_examples("train.gz"),
    "files": lambda of, at: of.PairedFilesReader(
        [f"{at}/left.txt", f"{at}/right.txt.gz"]
    ).get_examples(),
    "files, one": lambda of, at: of.PairedFilesReader(
        [f"{at}/left.txt", f"{at}/right.txt"]
    ).get_examples(max_examples=1),
}


@pytest.mark.filterwarnings("ignore:unclosed file")  # which the reference leaves
@pytest.mark.parametrize("case", CASES)
def test_examples_are_those_of_the_reference(case: str, files: Path, theirs: Any) -> None:
    expected, found = (CASES[case](library, files) for library in (theirs, readers))
    assert expected
    assert [(e.guid, e.texts, e.label) for e in found] == [
        (e.guid, e.texts, e.label) for e in expected
    ]


cells = st.text(st.characters(exclude_characters="\t\r\n\x00", codec="utf-8"), max_size=12)


@given(rows=st.lists(st.tuples(cells, cells, st.floats(0, 5)), max_size=8))
@settings(max_examples=50, deadline=None)
def test_any_text_is_read_as_it_is(
    rows: list[tuple[str, str, float]], tmp_path_factory: pytest.TempPathFactory, theirs: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    lines = (f"{first}\t{second}\t{score}\n" for first, second, score in rows)
    (folder / "any.tsv").write_text("".join(lines), encoding="utf-8")
    expected, found = (
        library.STSDataReader(folder).get_examples("any.tsv") for library in (theirs, readers)
    )
    assert [(e.texts, e.label) for e in found] == [(e.texts, e.label) for e in expected]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("short.tsv", "a\tb\t1\nc\td\n", "line 2 has 2 columns"),
        ("words.tsv", "a\tb\tgood\n", "line 1 has the score 'good'"),
        ("missing.tsv", None, "missing.tsv cannot be read"),
    ],
)
def test_a_problem_is_named_with_its_line(
    name: str, text: str | None, said: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        readers.STSDataReader(tmp_path).get_examples(name)


def test_labels_of_inference_that_are_unknown(files: Path, tmp_path: Path) -> None:
    for name in ("s1", "s2", "labels"):
        (tmp_path / f"{name}.dev.gz").write_bytes(gzip.compress(b"maybe\n"))
    with pytest.raises(DataError, match="line 1 holds 'maybe'"):
        readers.NLIDataReader(tmp_path).get_examples("dev.gz")
    assert readers.NLIDataReader(files).get_num_labels() == 3
