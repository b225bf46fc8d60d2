"""Sending a model to a hub: what is asked of the hub, what it has then, and what may go wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from tests.conftest import MakeFolder
from tests.model_folder.hub_stub import TOKEN, Hub, Repository

from sentune import CrossEncoder, SentenceTransformer
from sentune.errors import ArgumentError, HubError, ModelError, SentuneError
from sentune.model_folder.hub.sent_files import sent_files
from sentune.model_folder.hub.uploading import Destination, send_model

MODEL = {
    *("1_Pooling/config.json", "config.json", "config_sentence_transformers.json"),
    *("model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer.json"),
    *("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "README.md"),
}


@pytest.fixture
def folder(tiny: SentenceTransformer, tmp_path: Path) -> Path:
    """A folder as a run leaves it, with what must not be sent beside the model."""
    path = tmp_path / "model"
    tiny.save_pretrained(path)
    for name in ("run.yaml", "evaluation.json", "pairs.csv", "trainer_state.json", ".env"):
        (path / name).write_text("{}")
    (path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
    (path / "checkpoints" / "checkpoint-1" / "model.safetensors").write_text("x")
    return path


def held(hub: Hub, name: str = "me/model", branch: str = "main") -> dict[str, Any]:
    return hub.repositories[name].branches[branch]


# The library calls its own HTTP client in a way that the client will not know for ever.
@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")
@pytest.mark.parametrize("xet", [True, False])
def test_a_private_repository_gets_the_model_in_one_commit(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, xet: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not xet)
    url = send_model(sent_files(folder), Destination("me/model", message="the first"))
    assert url == f"{hub.address}/me/model/commit/{1:040x}"
    assert hub.repositories["me/model"].private
    assert hub.repositories["me/model"].commits == ["the first"]
    assert set(held(hub)) == MODEL
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    for name, content in held(hub).items():
        expected = weights if name == "model.safetensors" else (folder / name).read_bytes()
        assert content == expected, name
    # Nothing is asked that does not serve the sending, such as who runs this.
    assert {request.split("?")[0].split("/")[1] for request in hub.requests} <= {
        *("api", "me", "v1", "v2", "lfs")
    }
    assert not [request for request in hub.requests if "telemetry" in request or "agent" in request]
    assert hub.requests[-1].startswith("POST /api/models/me/model/commit/main")
    assert f"Bearer {TOKEN}" in hub.tokens


def test_what_is_no_part_of_the_model_is_named(folder: Path) -> None:
    sent = sent_files(folder)
    assert set(sent.files) == MODEL
    assert sent.left_out == (
        *(".env", "checkpoints/", "evaluation.json", "pairs.csv", "run.yaml", "trainer_state.json"),
    )
    assert not sent.shows_texts
    assert "evaluation.json" in sent_files(folder, ["evaluation.json"]).files
    (folder / "README.md").write_text("---\nlicense: mit\nwidget:\n- text: a\n---\n")
    assert sent_files(folder).shows_texts


def test_folders_of_every_kind(make_folder: MakeFolder, tmp_path: Path, tiny_folder: Path) -> None:
    folder = tmp_path / "kinds"
    shutil.copytree(tiny_folder, folder / "0_Transformer")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_text("x")
    found = sent_files(folder).files
    assert {"0_Transformer/config.json", "onnx/model.onnx"} <= set(found)
    (folder / "onnx").rename(tmp_path / "gone")
    classifier = tmp_path / "classifier"
    shutil.copytree(tiny_folder, classifier / "encoder")
    for name in ("classifier.json", "classifier.safetensors"):
        (classifier / name).write_text("{}")
    assert {"classifier.json", "encoder/model.safetensors"} <= set(sent_files(classifier).files)


def test_a_broken_folder_is_refused_before_the_hub_is_asked(folder: Path, tmp_path: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="is not whole"):
        sent_files(folder)
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="a pickle"):
        sent_files(folder)
    (tmp_path / "secret").write_bytes(whole)
    weights.symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="outside the folder"):
        sent_files(folder)
    with pytest.raises(ArgumentError, match="--include"):
        sent_files(folder, ["../secret"])
    with pytest.raises(ModelError, match="is not a folder"):
        sent_files(tmp_path / "absent")


def test_a_snapshot_of_the_cache_is_made_of_links(folder: Path, tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).rename(blobs / name)
        (snapshot / name).symlink_to(os.path.relpath(blobs / name, snapshot))
    assert set(sent_files(snapshot).files) == {"config.json", "model.safetensors"}


def test_methods_of_the_models(
    hub: Hub,
    tiny: SentenceTransformer,
    tiny_folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tiny_copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    url = tiny.push_to_hub("me/model", train_datasets=["stsb"])
    assert url.startswith(f"{hub.address}/me/model/commit/")
    assert hub.repositories["me/model"].private
    card = held(hub)["README.md"]
    assert b"me/model" in card
    assert b"stsb" in card
    with pytest.raises(HubError, match=r"the repository exists .*exist_ok=True"):
        tiny.push_to_hub("me/model")
    # As in the reference, the card of the repository stays unless it is to be replaced.
    hub.repositories["me/model"].branches["main"]["README.md"] = b"by hand"
    tiny.push_to_hub("me/model", exist_ok=True, commit_message="again")
    assert held(hub)["README.md"] == b"by hand"
    assert hub.repositories["me/model"].commits[-1] == "again"
    tiny.push_to_hub("me/model", exist_ok=True, replace_model_card=True)
    assert held(hub)["README.md"] != b"by hand"
    tiny.save_to_hub("other", organization="us", local_model_path=tiny_folder, private=False)
    assert not hub.repositories["us/other"].private
    (tiny_copy / "pairs.csv").touch()
    tiny.push_to_hub("us/third", local_model_path=tiny_copy)
    assert "not sent: pairs.csv" in caplog.text
    assert "pairs.csv" not in held(hub, "us/third")
    CrossEncoder(tiny_folder, num_labels=1).push_to_hub("pairs", token="hf_another")
    assert "modules.json" not in held(hub, "me/pairs")
    assert "Bearer hf_another" in hub.tokens
    with pytest.raises(ArgumentError, match="safe_serialization"):
        tiny.push_to_hub("me/x", safe_serialization=False)


def test_a_branch_and_a_pull_request(hub: Hub, folder: Path) -> None:
    sent = sent_files(folder)
    send_model(sent, Destination("me/model", revision="new/one"))
    assert set(held(hub, branch="new/one")) == MODEL
    assert held(hub) == {}
    url = send_model(sent, Destination("me/model", create_pr=True))
    assert url == f"{hub.address}/me/model/discussions/1"
    assert hub.requests[-1].endswith("/commit/main?create_pr=1")
    with pytest.raises(ArgumentError, match="create_pr with the revision"):
        send_model(sent, Destination("me/model", create_pr=True, revision="x"))


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_of_the_other_visibility_gets_nothing(
    hub: Hub, folder: Path, private: bool
) -> None:
    hub.repositories["me/model"] = Repository(private=not private)
    with pytest.raises(HubError, match="is public" if private else "is private"):
        send_model(sent_files(folder), Destination("me/model", private=private, exist_ok=True))
    assert held(hub) == {}
    assert not any("preupload" in request for request in hub.requests)


FAULTS = [
    ("repos/create", 401, "does not know the token (HTTP 401, 'because'); nothing was sent"),
    ("repos/create", 403, "may not write there"),
    ("repos/create", 0, "cannot be made on the hub"),
    ("/preupload/", 404, "me/model exists, nothing was committed"),
    ("/preupload/", 500, "a fault of its own (HTTP 500"),
    ("/xet-write-token/", 403, "me/model exists, nothing was committed"),
    ("/v1/xorbs/", 403, "me/model exists, nothing was committed"),
    ("/commit/", 403, "may not write there (HTTP 403, 'because'); nothing was committed"),
    ("/commit/", 500, "nothing was committed"),
    ("/commit/", 0, "may have been committed: look at"),
    ("/validate-yaml", 400, "nothing was committed"),
]


@pytest.mark.parametrize(("part", "status", "said"), FAULTS)
def test_a_fault_is_one_line_and_nothing_is_committed(
    hub: Hub, folder: Path, part: str, status: int, said: str
) -> None:
    hub.faults[part] = status
    with pytest.raises(HubError) as caught:
        send_model(sent_files(folder), Destination("me/model"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(not repository.commits for repository in hub.repositories.values())


def test_the_token_stands_in_no_message(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults["repos/create"], hub.reason = 401, f"no such token: {TOKEN}\n{TOKEN}"
    with pytest.raises(HubError) as caught:
        send_model(sent_files(folder), Destination("me/model"))
    assert TOKEN not in str(caught.value)
    assert TOKEN not in json.dumps(caught.value.to_json())
    for token, said in ((f"{TOKEN}é", "characters that no token has"), ("", "no token")):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(HubError, match=said) as caught:
            send_model(sent_files(folder), Destination("me/model"))
        assert TOKEN not in str(caught.value)


def test_without_a_network_nothing_is_tried(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        send_model(sent_files(folder), Destination("me/model"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("", "a/b/c", "a b", "-a", "me/x.git", "../x"):
        with pytest.raises(SentuneError, match="the name"):
            send_model(sent_files(folder), Destination(name))
    assert hub.requests == []
