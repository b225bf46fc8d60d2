"""Additions: only what changed is encoded, what is gone goes, what was committed stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.errors import DataError, IndexFolderError, OutputError
from sentune.index import Changes, Index, store, writer
from sentune.index.version_writing import WritableVersion

LINES = ["the first line of it", "a second one", "and the third", "a fourth, last one"]


def _ids(index: Index) -> set[str]:
    return {hit.id for hit in index.search("anything", 500, mode="dense")}


def test_a_file_again_encodes_only_what_changed(
    tmp_path: Path,
    tiny: SentenceTransformer,
    counted: Any,
    write_jsonl: Any,
) -> None:
    file = write_jsonl(tmp_path / "a.jsonl", [{"id": t[:5], "text": t, "n": 1} for t in LINES])
    index = Index.build(tmp_path / "index", tiny, file)
    with counted(tiny) as encoded:
        assert index.add(file) == Changes(unchanged=4)
        rows = [{"id": t[:5], "text": t, "n": 1} for t in LINES]
        rows[0]["text"] = "another first line"
        rows[1]["n"] = 2
        write_jsonl(file, [*rows[:3], {"id": "new", "text": "entirely new", "n": 1}])
        changes = index.add(file)
    assert changes == Changes(added=1, changed=2, removed=1, unchanged=1, encoded=2)
    assert sorted(encoded) == ["another first line", "entirely new"]
    by_id = {hit.id: hit for hit in index.search("line", 10, mode="dense")}
    assert by_id.keys() == {"the f", "a sec", "and t", "new"}
    assert by_id["the f"].text == "another first line"
    assert by_id["a sec"].fields == {"n": 2}
    assert by_id["new"].source == str(file)


def test_what_another_writer_commits_before_the_cleaning_up_stays(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / "index", writer.Writer._kept
    index = Index.build(path, tiny, [{"id": t[:5], "text": t} for t in LINES[:2]])
    other = Index.open(path, tiny)

    def meanwhile(_: writer.Writer) -> None:
        monkeypatch.setattr(writer.Writer, "_kept", kept)
        other.add([{"id": "of the other", "text": LINES[3]}])

    monkeypatch.setattr(writer.Writer, "_kept", meanwhile)
    index.add([{"id": "own", "text": LINES[2]}])
    assert _ids(Index.open(path, tiny)) >= {"of the other", "own"}
    assert _ids(index) == _ids(other)


def test_lines_that_move_are_not_encoded_again(
    tmp_path: Path,
    tiny: SentenceTransformer,
    counted: Any,
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("\n".join(LINES))
    index = Index.build(tmp_path / "index", tiny, file)
    file.write_text("\n".join(["one before all others", *LINES]))
    with counted(tiny) as encoded:
        assert index.add(file) == Changes(added=1, changed=4, encoded=1)
    assert encoded == ["one before all others"]
    by_id = {hit.id: hit for hit in index.search("third", 10, mode="dense")}
    vectors = tiny.encode_document(LINES)
    scores = vectors @ tiny.encode_query("third")
    for number, text in enumerate(LINES):
        assert by_id[f"p{number + 2}"].text == text
        assert by_id[f"p{number + 2}"].similarity == pytest.approx(float(scores[number]), abs=1e-5)


def test_a_folder_follows_its_files(
    tmp_path: Path,
    tiny: SentenceTransformer,
) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("one\ntwo")
    (folder / "deep" / "b.txt").write_text("three\ntwo")
    (folder / "c.png").write_bytes(b"no text")
    outside = tmp_path / "data2.txt"
    outside.write_text("kept")
    index = Index.build(tmp_path / "index", tiny, folder)
    index.add(outside)
    assert index.info().sources == {
        str(folder / "a.txt"): 2,
        str(folder / "deep" / "b.txt"): 2,
        str(outside): 1,
    }
    (folder / "deep" / "b.txt").unlink()
    (folder / "d.txt").write_text("four")
    assert index.add(folder) == Changes(added=1, removed=2, unchanged=2, encoded=1)
    assert index.info().sources == {
        str(folder / "a.txt"): 2,
        str(folder / "d.txt"): 1,
        str(outside): 1,
    }
    assert index.delete(source=folder / "a.txt") == 2
    assert len(index) == 2


def test_python_passages_replace_by_id(
    tmp_path: Path,
    tiny: SentenceTransformer,
) -> None:
    index = Index.build(tmp_path / "index", tiny, [{"id": "a", "text": "one", "n": 1.5}])
    changes = index.add([{"id": "a", "text": "one", "n": 2}, {"id": "b", "text": "two"}])
    assert changes == Changes(added=1, changed=1, encoded=1)
    assert index.add([{"id": "c", "text": "three", "other": True}]).removed == 0
    by_id = {hit.id: hit.fields for hit in index.search("one", 10, mode="dense")}
    assert by_id == {"a": {"n": 2.0}, "b": {}, "c": {"other": True}}


def test_bad_data_changes_nothing(
    tmp_path: Path,
    tiny: SentenceTransformer,
    write_jsonl: Any,
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", [{"id": "a", "text": "one", "n": 1}])
    index = Index.build(tmp_path / "index", tiny, folder)
    write_jsonl(folder / "a.jsonl", [{"id": "b", "text": "changed", "n": 1}])
    (folder / "b.jsonl").write_text('{"id": "c", "text": "two"}\n{"id": "d", "text"')
    with pytest.raises(DataError, match="line 2"):
        index.add(folder)
    write_jsonl(folder / "b.jsonl", [{"id": "c", "text": "two", "n": "text"}])
    with pytest.raises(DataError, match="'n' holds texts and whole numbers"):
        index.add(folder)
    write_jsonl(folder / "b.jsonl", [{"id": "c", "text": "two", "n": 0.5}])
    (folder / "a.jsonl").unlink()
    with pytest.raises(DataError, match="numbers with a fraction, and whole numbers in the index"):
        index.add(folder)
    assert _ids(index) == {"a"}


def test_a_build_that_was_stopped_goes_on(
    tmp_path: Path,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
    counted: Any,
    write_jsonl: Any,
) -> None:
    file = write_jsonl(tmp_path / "a.jsonl", [{"id": t[:5], "text": t} for t in LINES])
    monkeypatch.setattr(writer, "_CHUNK", 1)
    encode = tiny.encode_document

    def stops(inputs: list[str], **options: Any) -> Any:
        if inputs == [LINES[2]]:
            raise KeyboardInterrupt
        return encode(inputs, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tiny, "encode_document", stops)
        with pytest.raises(KeyboardInterrupt):
            Index.build(tmp_path / "index", tiny, file)
    with pytest.raises(IndexFolderError, match="never finished"):
        Index.open(tmp_path / "index")
    with counted(tiny) as encoded:
        index = Index.build(tmp_path / "index", tiny, file)
    assert encoded == LINES[2:]
    assert _ids(index) == {text[:5] for text in LINES}


@pytest.mark.parametrize("late", [False, True])
def test_what_was_encoded_before_an_interrupt_is_kept(
    tmp_path: Path,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
    counted: Any,
    late: bool,
) -> None:
    monkeypatch.setattr(writer, "_SHOWN", 2)
    rows = [{"id": text[:5], "text": text} for text in LINES]
    vectors, began = writer.Writer._vectors, 0

    def stops(*arguments: Any) -> Any:
        nonlocal began
        began += 1
        if began == 2:
            raise KeyboardInterrupt
        return vectors(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_vectors", stops)
        with pytest.raises(KeyboardInterrupt):
            Index.build(tmp_path / "index", tiny, rows, late=late)
    with counted(tiny) as encoded:
        index = Index.build(tmp_path / "index", tiny, rows, late=late)
    assert late or encoded == LINES[2:]
    assert _ids(index) == {text[:5] for text in LINES}
    whole = Index.build(tmp_path / "whole", tiny, rows, late=late)
    for mode in ("dense", "words", *(["late"] if late else [])):
        found = [each.search("a second line", mode=mode) for each in (index, whole)]
        assert [(hit.id, hit.score) for hit in found[0]] == [
            (hit.id, hit.score) for hit in found[1]
        ]


def test_an_unfinished_build_of_another_model_starts_again(
    tmp_path: Path,
    tiny: SentenceTransformer,
    make_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
    counted: Any,
) -> None:
    monkeypatch.setattr(writer, "_CHUNK", 1)
    rows = [{"id": text[:5], "text": text} for text in LINES]
    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            Index.build(tmp_path / "index", tiny, rows)
    other = SentenceTransformer(make_folder(num_hidden_layers=1), compute_dtype="float32")
    with counted(other) as encoded:
        Index.build(tmp_path / "index", other, rows)
    assert encoded == LINES


def test_a_rebuild_that_was_stopped_goes_on(
    tmp_path: Path,
    tiny: SentenceTransformer,
    make_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
    counted: Any,
) -> None:
    rows = [{"id": text[:5], "text": text} for text in LINES]
    index = Index.build(tmp_path / "index", tiny, rows)
    other = SentenceTransformer(make_folder(num_hidden_layers=1), compute_dtype="float32")
    before = index.search("a line", mode="dense")
    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            index.rebuild(other)
    assert Index.open(index.path).search("a line", mode="dense") == before
    with counted(other) as encoded:
        index.rebuild(other)
    assert encoded == []
    assert index.info().version == 2
    assert _ids(index) == {text[:5] for text in LINES}


def test_what_was_not_settled_is_at_the_next_addition(
    tmp_path: Path,
    tiny: SentenceTransformer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = Index.build(tmp_path / "index", tiny, [{"id": "a", "text": "one line"}])
    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            index.add([{"id": "b", "text": "another line"}])
    assert {hit.id for hit in index.search("line", mode="words")} == {"a", "b"}
    index.add([{"id": "b", "text": "another line"}])
    assert len(index._version.manifest.segments) == 1


def _interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_stopped_build_goes_on_with_other_data_alone(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_update_indexes", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            Index.build(tmp_path / "index", tiny, [{"id": "a", "text": LINES[0], "n": 1}])
    index = Index.build(tmp_path / "index", tiny, [{"id": "b", "text": LINES[1], "n": 2}])
    assert _ids(index) == {"b"}


def test_a_build_that_another_overtakes_is_refused(
    tmp_path: Path, tiny: SentenceTransformer
) -> None:
    def slow() -> Iterator[dict[str, str]]:
        Index.build(tmp_path / "index", tiny, [{"id": "other", "text": "was quicker"}])
        yield {"id": "slow", "text": "comes too late"}

    with pytest.raises(OutputError, match="holds an index already"):
        Index.build(tmp_path / "index", tiny, slow())
    assert _ids(Index.open(tmp_path / "index", tiny)) == {"other"}


def test_a_link_and_its_file_are_one_source(tmp_path: Path, tiny: SentenceTransformer) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo")
    (folder / "b.txt").symlink_to(folder / "a.txt")
    assert len(Index.build(tmp_path / "index", tiny, folder)) == 2


def test_nothing_changed_after_a_rebuild(
    tmp_path: Path, tiny: SentenceTransformer, make_folder: Any
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,text,n,m\na,one,1,\nb,two,,x\nc,three,2.5,y\nd,four,3,y\n")
    index = Index.build(tmp_path / "index", tiny, file)
    assert index.add(file) == Changes(unchanged=4)
    index.rebuild(SentenceTransformer(make_folder(num_hidden_layers=1), compute_dtype="float32"))
    assert index.add(file) == Changes(unchanged=4)


def test_a_commit_cut_short_is_as_if_it_had_not_been(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index.build(tmp_path / "index", tiny, [{"id": "a", "text": LINES[0]}])

    def cut(file: Path) -> None:
        if file.suffix == ".manifest":
            os.truncate(file, file.stat().st_size // 2)
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_flush", cut)
        with pytest.raises(OutputError, match="No space left"):
            index.add([{"id": "b", "text": LINES[1]}])
    assert _ids(index) == {"a"}
    again = Index.open(tmp_path / "index", tiny)
    assert _ids(again) == {"a"}
    again.add([{"id": "c", "text": LINES[2]}])
    assert _ids(again) == {"a", "c"}


def test_a_deletion_on_a_full_disk_is_done(
    tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room to join what is left, which the next change does."""
    rows = [{"id": text[:5], "text": text} for text in LINES]
    index = Index.build(tmp_path / "index", tiny, rows)
    gone = [row["id"] for row in rows[1:]]

    def full(*_: Any, **__: Any) -> None:
        raise OutputError("no room", expected="room", fix="make room")

    with monkeypatch.context() as patch:
        patch.setattr(WritableVersion, "join_segments", full)
        assert index.delete(gone) == len(gone)
    assert _ids(index) == _ids(Index.open(index.path, tiny)) == {rows[0]["id"]}
    assert not index._version.is_joined
    assert index.delete(["none"]) == 0
    assert index._version.is_joined
