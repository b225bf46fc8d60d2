"""A file or folder appears whole or not at all, whatever interrupts the writing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import OutputError
from sentune.files import (
    appended_file,
    claim_folder,
    is_claimed,
    new_file,
    new_folder,
    require_free,
    require_writable,
    sha256,
    write_json,
    write_text,
)

INTERRUPTIONS = [ValueError("theirs"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def refused(error: pytest.ExceptionInfo[OutputError], path: Path) -> str:
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    assert all([error.value.given, error.value.expected, error.value.fix])
    return message


# ── files ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", [None, b"old content"])
def test_a_file_appears_when_the_block_ends(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    if before is not None:
        path.write_bytes(before)
    with new_file(path) as stream:
        stream.write(b"new ")
        stream.flush()
        assert (path.read_bytes() if path.exists() else None) == before
        stream.write(b"content")
    assert path.read_bytes() == b"new content"
    assert listing(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=repr)
@pytest.mark.parametrize("before", [None, b"old content"])
def test_an_interrupted_file_leaves_nothing(
    interruption: BaseException, before: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "file.bin"
    if before is not None:
        path.write_bytes(before)

    def write() -> None:
        with new_file(path) as stream:
            stream.write(b"half")
            raise interruption

    with pytest.raises(type(interruption)):
        write()
    assert listing(tmp_path) == ({"file.bin"} if before else set())
    assert before is None or path.read_bytes() == before


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.open"])
def test_a_full_disk_leaves_the_old_file(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old content")
    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(OutputError) as caught:
            write_text(path, "new content")
    assert "No space left on device" in refused(caught, path)
    assert path.read_bytes() == b"old content"
    assert listing(tmp_path) == {"file.bin"}


def test_a_write_beyond_a_real_limit_leaves_the_old_file(tmp_path: Path) -> None:
    """The process's own limit on the size of a file: the kernel refuses the write itself."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"old content")
    code = (
        "import resource, sys\n"
        "from sentune.errors import OutputError\n"
        "from sentune.files import new_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with new_file(sys.argv[1]) as stream:\n"
        "        stream.write(b'x' * 100_000)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60
    )
    assert "cannot be written (File too large)" in done.stdout, done.stderr
    assert path.read_bytes() == b"old content"
    assert listing(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file", "text")
        with new_folder(tmp_path / "folder") as folder:
            (folder / "inside").write_text("text")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_threads_never_see_another_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(mask: int) -> int:
        raise AssertionError("the umask belongs to the whole process")

    monkeypatch.setattr(os, "umask", touched)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_text(tmp_path / f"{n}", "text"), range(40)))
    assert len(listing(tmp_path)) == 40
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1


def test_many_threads_replace_one_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [str(n) * 10_000 for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda content: write_text(path, content), contents))
    assert path.read_text() in contents
    assert listing(tmp_path) == {"file"}


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])
def test_names_of_the_greatest_length(name: str, tmp_path: Path) -> None:
    write_text(tmp_path / name, "text")
    with new_folder(tmp_path / ("f" + name[:-1])) as folder:
        (folder / "inside").touch()
    assert (tmp_path / name).read_text() == "text"
    assert listing(tmp_path) == {name, "f" + name[:-1], f"f{name[:-1]}/inside"}


def test_places_that_take_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (
        tmp_path / "absent" / "file",
        tmp_path / "file" / "below",
        tmp_path / "folder",
        tmp_path / ("x" * 300),
    ):
        with pytest.raises(OutputError) as caught:
            write_text(path, "text")
        refused(caught, path)
    assert listing(tmp_path) == {"file", "folder"}


def test_a_link_is_replaced_and_its_target_is_not(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "old"
    assert not (tmp_path / "link").is_symlink()


# ── folders ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", ["absent", "empty", "below absent ones"])
def test_a_folder_appears_when_the_block_ends(before: str, tmp_path: Path) -> None:
    path = tmp_path / ("a/b/folder" if before == "below absent ones" else "folder")
    if before == "empty":
        path.mkdir()
    with new_folder(str(path)) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text("text")
        assert not path.exists() or not listing(path)
    assert listing(path) == {"sub", "sub/file"}
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=repr)
@pytest.mark.parametrize("empty", [True, False])
def test_an_interrupted_folder_leaves_nothing(
    interruption: BaseException, empty: bool, tmp_path: Path
) -> None:
    path = tmp_path / "folder"
    if empty:
        path.mkdir()

    def write() -> None:
        with new_folder(path) as folder:
            (folder / "file").write_text("half")
            raise interruption

    with pytest.raises(type(interruption)):
        write()
    assert listing(tmp_path) == ({"folder"} if empty else set())


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.mkdir"])
def test_a_full_disk_leaves_no_folder(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder"

    def write() -> None:
        with new_folder(path) as folder:
            (folder / "file").write_text("text")

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(OutputError) as caught:
            write()
    assert "No space left on device" in refused(caught, path)
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "hidden file"])
def test_what_is_there_is_refused_and_kept(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "taken"
    if kind == "file":
        path.write_text("theirs")
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "absent")
    else:
        path.mkdir()
        (path / (".hidden" if kind == "hidden file" else "file")).write_text("theirs")
    before = listing(tmp_path)

    def write() -> None:
        with new_folder(path):
            raise AssertionError("the block must not start")

    for call in (write, lambda: require_free(path)):
        with pytest.raises(OutputError) as caught:
            call()
        assert "exists and is not empty" in refused(caught, path)
    assert listing(tmp_path) == before


def test_a_disk_that_takes_no_file_is_noticed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a" / "b", tmp_path / "empty"):
        with pytest.raises(OutputError) as caught:
            require_free(path)
        assert "cannot be written (Read-only file system)" in refused(caught, path)
    with pytest.raises(OutputError) as caught:
        require_writable(tmp_path / "file")
    assert "Read-only file system" in refused(caught, tmp_path / "file")
    assert listing(tmp_path) == {"empty"}


def test_a_folder_that_fills_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder"

    def write() -> None:
        with new_folder(path) as folder:
            (folder / "ours").touch()
            path.mkdir()
            (path / "theirs").touch()

    with pytest.raises(OutputError) as caught:
        write()
    refused(caught, path)
    assert listing(tmp_path) == {"folder", "folder/theirs"}


def test_names_that_no_folder_can_have(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / ("x" * 300), tmp_path / "file" / "below"):
        with pytest.raises(OutputError) as caught, new_folder(path):
            pass
        refused(caught, path)
    assert listing(tmp_path) == {"file"}


def test_free_places(tmp_path: Path) -> None:
    require_free(tmp_path / "absent")
    require_free(str(tmp_path))


# ── a model's folder ──────────────────────────────────────────────────────────────────────────


def test_a_claimed_folder_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not is_claimed(folder)
    claim_folder(folder)
    (folder / "checkpoint-1").mkdir()
    for content in ("old", "new"):
        with new_folder(folder) as partial:
            assert list(partial.iterdir()) == []
            for name in ("config.json", "weights"):
                (partial / name).write_text(content, encoding="utf-8")
            (partial / "1_Pooling").mkdir()
            (partial / "1_Pooling" / content).touch()
    assert sorted(path.name for path in folder.rglob("*")) == [
        *("1_Pooling", "checkpoint-1", "config.json", "new", "weights"),
    ]
    assert (folder / "config.json").read_text(encoding="utf-8") == "new"
    require_free(folder)


def test_an_interrupted_write_leaves_a_claimed_folder_as_it_was(tmp_path: Path) -> None:
    claim_folder(tmp_path)
    (tmp_path / "config.json").write_text("old", encoding="utf-8")
    with pytest.raises(KeyError), new_folder(tmp_path) as partial:  # noqa: PT012
        (partial / "config.json").write_text("new", encoding="utf-8")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_text(encoding="utf-8") == "old"


def test_a_model_is_saved_whole_or_not_at_all(tmp_path: Path, base_folder: Path) -> None:
    """Weights beyond the process's limit on the size of a file."""
    code = (
        "import resource, sys\n"
        "from sentune import SentenceTransformer\n"
        "from sentune.errors import OutputError\n"
        "model = SentenceTransformer(sys.argv[1], device='cpu', compute_dtype='float32')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "try:\n    model.save_pretrained(sys.argv[2])\n"
        "except OutputError as error:\n    print(error)\n"
    )
    target = tmp_path / "saved"
    done = subprocess.run(
        [sys.executable, "-c", code, str(base_folder), str(target)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "cannot be written" in done.stdout, done.stderr
    assert "File too large" in done.stdout
    assert done.stdout.count("\n") == 1
    assert listing(tmp_path) == set()


def test_a_model_is_not_saved_over_another(model: SentenceTransformer, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("theirs")
    with pytest.raises(OutputError):
        model.save_pretrained(tmp_path)
    assert listing(tmp_path) == {"config.json"}


# ── the rest ──────────────────────────────────────────────────────────────────────────────────


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"é": [1, None, "\u2028"]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"é": [1, None, "\u2028"]}
    assert "é" in path.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").endswith("}\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": float("nan")})
    assert "é" in path.read_text(encoding="utf-8")
    assert listing(tmp_path) == {"file.json"}


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_sha256(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_many_writes_leave_no_descriptor_open(tmp_path: Path) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for number in range(min(soft, 50)):
        write_text(tmp_path / "file", str(number))
        with new_folder(tmp_path / str(number)):
            pass
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_lines_are_added_and_a_cut_one_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with appended_file(path) as add:
        add(b"one")
        assert path.read_bytes() == b"one\n"
    for cut, kept in ((b"tw", b"one\n"), (b"x" * (3 << 20), b"one\n"), (b"", b"one\n")):
        path.write_bytes(b"one\n" + cut)
        with appended_file(path):
            assert path.read_bytes() == kept
    path.write_bytes(b"no line at all")
    with appended_file(path) as add:
        add(b"first")
    assert path.read_bytes() == b"first\n"
    with pytest.raises(OutputError), appended_file(tmp_path / "none" / "journal"):
        pass
