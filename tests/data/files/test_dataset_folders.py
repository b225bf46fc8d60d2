"""Folders that the library ``datasets`` wrote, read without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest

from sentune.data import (
    Pairs,
    is_scored,
    passage_files,
    read_labelled_texts,
    read_pairs,
    read_passage_rows,
    read_passages,
    read_questions,
    read_scored_pairs,
    read_text_rows,
    read_texts,
)
from sentune.data.converting import write_pairs
from sentune.data.roles.options import ReadOptions
from sentune.errors import DataError
from sentune.index.sources import sources_of

ROWS = {"anchor": ["what", "who"], "positive": ["that", "they"], "negative": ["no", "none"]}


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    datasets.disable_progress_bars()


def of_rows(rows: Mapping[str, Sequence[Any]] = ROWS) -> Any:
    return datasets.Dataset.from_dict(dict(rows))


def test_one_dataset_in_several_files(tmp_path: Path) -> None:
    of_rows().save_to_disk(tmp_path / "d", num_shards=2)
    pairs = read_pairs(tmp_path / "d")
    assert list(pairs.rows()) == [("what", "that", "no"), ("who", "they", "none")]
    assert pairs.notes == ()
    (tmp_path / "d" / "data-00001-of-00002.arrow").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"00001-of-00002.arrow can't be read"):
        read_pairs(tmp_path / "d")
    (tmp_path / "d" / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(DataError, match="does not exist"):
        read_pairs(tmp_path / "d")


def test_of_several_splits_the_wanted_one(tmp_path: Path) -> None:
    one, two = of_rows(), of_rows({"anchor": ["how"], "positive": ["so"]})
    datasets.DatasetDict(train=one, validation=two).save_to_disk(tmp_path / "d")
    (tmp_path / "p" / "data").mkdir(parents=True)
    one.to_parquet(tmp_path / "p" / "data" / "train-00000-of-00001.parquet")
    two.to_parquet(tmp_path / "p" / "data" / "validation-00000-of-00001.parquet")
    for folder in (tmp_path / "d", tmp_path / "p"):
        assert len(read_pairs(folder, ReadOptions(part="train"))) == 2
        pairs = read_pairs(folder, ReadOptions(part="valid"))
        assert list(pairs.questions.values()) == ["how"]
        assert "also has 'train'" in pairs.notes[0]
        with pytest.raises(DataError, match=r"the splits 'train', 'validation'.*Name the one"):
            read_pairs(folder)
    assert len(read_pairs(tmp_path / "d" / "train")) == 2


def test_a_split_in_several_files_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    rows = {"id": ["a", "b", "c"], "text": ["one", "two", "three"], "label": ["x", "y", "x"]}
    whole = of_rows(rows)
    for number in range(2):
        name = f"train-{number:05}-of-00002.parquet"
        whole.shard(2, number, contiguous=True).to_parquet(folder / "data" / name)
    whole.select([1]).to_parquet(folder / "data" / "test-00000-of-00001.parquet")
    train, test = ReadOptions(split="train"), ReadOptions(split="test")
    assert list(read_texts(folder, train)) == ["one", "two", "three"]
    assert list(read_texts(folder, test)) == ["two"]
    assert list(read_passages(folder, train)) == ["a", "b", "c"]
    assert [row.id for row in read_text_rows(folder, train)] == ["a", "b", "c"]
    assert list(read_questions(folder, test)) == ["two"]
    assert read_labelled_texts(folder, train).labels == ("x", "y", "x")
    found = sources_of(folder, train)
    assert [source.name for source in found.each] == [str(folder / "train")]
    assert [each.id for each in found.each[0].passages()] == ["a", "b", "c"]
    readers: list[Any] = [read_texts, read_passages, read_labelled_texts, sources_of, read_pairs]
    for read in readers:
        with pytest.raises(DataError, match=r"'test', 'train'.*--split test"):
            read(folder)
        with pytest.raises(DataError, match=r"none called dev.*--split test"):
            read(folder, ReadOptions(split="dev"))


def test_a_split_of_a_file_is_refused(tmp_path: Path) -> None:
    of_rows({"text": ["x"], "label": ["a"]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.json").write_text('[{"question": "who", "passage": "they"}]')
    (tmp_path / "c.txt").write_text("a text\n")
    (tmp_path / "alone").mkdir()
    shutil.copy(tmp_path / "a.parquet", tmp_path / "alone" / "train.parquet")
    option = ReadOptions(split="test")
    for name in ("a.parquet", "b.json", "c.txt"):
        some: list[Any] = [read_passages, sources_of, lambda *given: list(read_texts(*given))]
        for read in some:
            with pytest.raises(DataError, match=r"--split test with .*(a|b|c)\."):
                read(tmp_path / name, option)
    of_pairs: list[Any] = [read_pairs, is_scored]
    for read in of_pairs:
        with pytest.raises(DataError, match=r"--split test with .*b\.json"):
            read(tmp_path / "b.json", option)
    with pytest.raises(DataError, match="none called test"):
        read_passages(tmp_path / "alone", option)


def test_numbers_of_classes_are_their_names(tmp_path: Path) -> None:
    # In this set 0 means that the passage follows, so that a plain number would be taken wrongly.
    names = datasets.ClassLabel(names=["entailment", "not_entailment"])
    rows = of_rows(
        {"premise": ["a b", "c d", "e f"], "hypothesis": ["p", "q", "r"], "label": [0, 1, -1]}
    )
    rows = rows.cast_column("label", names)
    rows.save_to_disk(tmp_path / "d")
    rows.to_parquet(tmp_path / "d.parquet")
    options = ReadOptions(label="label", skip_blank=True)
    for path in (tmp_path / "d", tmp_path / "d.parquet"):
        pairs = read_pairs(path, options)
        assert pairs.questions == {"q1": "a b"}
        assert pairs.relevant == {"q1": ("p1",)}
        with pytest.raises(DataError, match="'entailment'"):
            read_pairs(path)
    texts = of_rows({"text": ["x", "y"], "label": [1, 0]}).cast_column("label", names)
    texts.to_parquet(tmp_path / "t.parquet")
    assert list(read_labelled_texts(tmp_path / "t.parquet").labels) == [
        "not_entailment",
        "entailment",
    ]


def test_scores(tmp_path: Path) -> None:
    rows: Mapping[str, list[Any]] = {
        "sentence1": ["a", "b"],
        "sentence2": ["c", "d"],
        "score": [0.5, 4.0],
    }
    of_rows(rows).save_to_disk(tmp_path / "d")
    of_rows().save_to_disk(tmp_path / "pairs")
    assert is_scored(tmp_path / "d")
    assert not is_scored(tmp_path / "pairs")
    assert read_scored_pairs(tmp_path / "d").scores == (0.5, 4.0)


def test_the_library_reads_what_is_written(tmp_path: Path) -> None:
    pairs = Pairs(
        {"q1": "what", "q2": "who"},
        {"p1": "that", "p2": "they"},
        {"q1": ("p1",), "q2": ("p2", "p1")},
        {"q1": ("no",), "q2": ("none",)},
    )
    write_pairs(pairs, tmp_path / "out", "datasets")
    found = datasets.load_dataset(
        str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert found.column_names == ["anchor", "positive", "negative"]
    assert [tuple(row.values()) for row in found] == list(pairs.rows())


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("state.json", "{", "it is not JSON"),
        ("state.json", "{}", "it does not list files"),
        ("state.json", '{"_data_files": [{"filename": "../../x"}]}', "it does not list files"),
        ("state.json", '{"_data_files": [], "_indices_data_files": [1]}', "by indices"),
        ("dataset_dict.json", '{"splits": [".."]}', "it does not list splits"),
        ("dataset_dict.json", "[]", "it does not list splits"),
    ],
)
def test_damaged_folders(tmp_path: Path, file: str, content: str, said: str) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(DataError, match=said):
        read_pairs(tmp_path)


def test_other_folders_are_of_beir(tmp_path: Path) -> None:
    of_rows().to_parquet(tmp_path / "corpus.parquet")
    with pytest.raises(DataError, match="BEIR"):
        read_pairs(tmp_path)
    shutil.move(tmp_path / "corpus.parquet", tmp_path / "train.parquet")
    assert len(read_pairs(tmp_path)) == 2
    assert json.dumps(read_pairs(tmp_path).source)


def test_texts_and_passages_of_a_folder_are_those_of_its_rows(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = {"id": ["a", "b"], "text": ["one pump", "two valves"]}
    rows["page"] = [3, 4]
    of_rows(rows).save_to_disk(tmp_path / "d")
    of_rows(rows).to_parquet(tmp_path / "d.parquet")
    for folder in (tmp_path / "d", tmp_path / "d.parquet"):
        assert list(read_texts(folder)) == ["one pump", "two valves"]
        assert [(row.id, row.text) for row in read_text_rows(folder)] == list(
            zip(rows["id"], rows["text"], strict=True)
        )
        assert read_passages(folder) == {"a": "one pump", "b": "two valves"}
        assert [each.fields for each in read_passage_rows(folder)] == [{"page": 3}, {"page": 4}]
    of_rows().save_to_disk(tmp_path / "pairs")
    assert list(read_passages(tmp_path / "pairs").values()) == ["that", "they"]
    assert list(read_questions(tmp_path / "pairs")) == ["what", "who"]


def test_a_saved_set_is_one_file_of_a_folder(tmp_path: Path) -> None:
    of_rows({"text": ["one"]}).save_to_disk(tmp_path / "all" / "d")
    (tmp_path / "all" / "more.txt").write_text("two\n", encoding="utf-8")
    names = [file.name for file in passage_files(tmp_path / "all").files]
    assert names == ["d", "more.txt"]
    assert [file.name for file in passage_files(tmp_path / "all" / "d").files] == ["d"]


def test_texts_of_several_splits_are_refused(tmp_path: Path) -> None:
    one = of_rows({"text": ["one"]})
    datasets.DatasetDict(train=one, test=one).save_to_disk(tmp_path / "d")
    for reader in (read_texts, read_passages, read_passage_rows):
        with pytest.raises(DataError, match=r"the splits 'train', 'test'.*--split train"):
            list(reader(tmp_path / "d"))
    with pytest.raises(DataError, match="the splits"):
        passage_files(tmp_path / "d")
    assert list(read_texts(tmp_path / "d" / "test")) == ["one"]


def test_an_index_takes_a_saved_set_as_one_source(tmp_path: Path) -> None:
    of_rows({"text": ["one"]}).save_to_disk(tmp_path / "all" / "d")
    sources = sources_of(tmp_path / "all" / "d")
    assert [source.name for source in sources.each] == [str((tmp_path / "all" / "d").resolve())]
    assert sources.folder is None  # its files are not files that may vanish
    assert len(list(sources.each[0].passages())) == 1
    sources = sources_of(tmp_path / "all")
    assert len(sources.each) == 1
    assert sources.folder is not None


def test_an_index_names_a_split_as_its_folder_does(tmp_path: Path) -> None:
    one = of_rows({"text": ["one"]})
    datasets.DatasetDict(train=one, validation=one).save_to_disk(tmp_path / "two")
    datasets.DatasetDict(train=one).save_to_disk(tmp_path / "one")
    (tmp_path / "hub").mkdir()
    for part in ("dev", "test"):
        one.to_parquet(tmp_path / "hub" / f"{part}-00000-of-00001.parquet")

    def name(folder: str, split: str | None) -> str:
        (source,) = sources_of(tmp_path / folder, ReadOptions(split=split)).each
        assert len(list(source.passages())) == 1
        return str(Path(source.name).relative_to(tmp_path.resolve()))

    assert name("two", "valid") == name("two", "validation") == "two/validation"
    assert name("two", "train") == "two/train"
    assert name("one", "train") == name("one", None) == "one"
    assert name("hub", "valid") == name("hub", "dev") == "hub/dev"
