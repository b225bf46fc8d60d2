"""``sentune push``: what is said before anything is sent, refusals, and a sending that is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.model_folder.hub_stub import TOKEN, Hub, Repository, hub_for_tests

Refused = Callable[..., None]
_MAIN = "import sys; sys.argv[0] = 'sentune'; from sentune.cli import main; main()"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_for_tests(monkeypatch, tmp_path) as running:
        yield running


def test_what_is_sent_is_said_before(hub: Hub, tiny_folder: Path, run: Run) -> None:
    outcome = run("push", tiny_folder, "me/model", "--revision", "v2", "--message", "tuned")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{hub.address}/me/model/commit/{1:040x}\n"
    said = outcome.err.splitlines()[0]
    assert f"to {hub.address}/me/model, private, branch v2: " in said
    assert TOKEN not in outcome.err
    sent = hub.repositories["me/model"].branches["v2"]
    assert all(name in said for name in sent)
    assert hub.repositories["me/model"].private
    assert hub.repositories["me/model"].commits == ["tuned"]


def test_public_only_when_asked(
    hub: Hub, tiny_folder: Path, run: Run, refused: Refused, tmp_path: Path
) -> None:
    outcome = run("push", tiny_folder, "model", "--public")
    assert ", PUBLIC: " in outcome.err
    assert not hub.repositories["me/model"].private
    before = len(hub.requests)
    refused(["push", tmp_path, "me/model"], "no weights")
    refused(["push", tiny_folder, "me/model", "--include", "absent"], "--include absent")
    refused(["push", tiny_folder, "a/b/c"], "the name 'a/b/c'")
    assert len(hub.requests) == before
    outcome = run("push", tiny_folder, "model")
    assert outcome.code == 2
    assert "the repository exists (HTTP 409" in outcome.err
    assert "--exist-ok" in outcome.err
    outcome = run("push", tiny_folder, "model", "--exist-ok")
    assert outcome.code == 2
    assert "me/model is public on the hub; nothing was sent" in outcome.err
    assert len(hub.repositories["me/model"].commits) == 1
    assert run("push", tiny_folder, "model", "--exist-ok", "--public").code == 0
    assert len(hub.repositories["me/model"].commits) == 2


def test_offline_is_one_line(
    hub: Hub, tiny_folder: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused(["push", tiny_folder, "me/model"], "HF_HUB_OFFLINE is set")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("place", "sign", "code"),
    [
        ("/commit/", signal.SIGKILL, -signal.SIGKILL),
        ("/preupload/", signal.SIGINT, 130),
    ],
)
def test_a_sending_that_is_ended_commits_nothing(
    hub: Hub, tiny_folder: Path, place: str, sign: signal.Signals, code: int
) -> None:
    hub.held = place
    hub.repositories["me/model"] = Repository()
    command = [sys.executable, "-c", _MAIN, "push", str(tiny_folder), "me/model", "--exist-ok"]
    # A process that a shell starts in the background ignores SIGINT, and so do its children.
    with subprocess.Popen(
        command,
        env=os.environ.copy(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert hub.waiting.wait(60)
        process.send_signal(sign)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    if sign == signal.SIGINT:
        assert said.splitlines()[-1] == (
            "sentune: interrupted; me/model exists, nothing was committed"
        )
    assert hub.repositories["me/model"].commits == []
    assert hub.repositories["me/model"].branches == {"main": {}}
