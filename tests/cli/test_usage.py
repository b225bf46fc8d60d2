"""What was typed that no verb takes: one line, exit code 2, and where to look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.cli.conftest import Run

from sentune.cli import app


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("foo", ("no such command 'foo'", "See sentune -h.")),
        ("index foo", ("no such command 'foo'", "See sentune index -h.")),
        ("encode file --model m", ("no such option: --model:", "{model} [file]`")),
        ("cluster m file", ("extra argument(s) (file)", "Give the model by --model,")),
        ("encode a b c", ("extra argument(s) (c)", "See sentune encode -h.")),
        ("tune data", ("missing option '--out'", "`sentune tune [OPTIONS] [DATA]...`. See ")),
        ("tune data --out o --epochs many", ("invalid value for '--epochs'", "See sentune tune")),
        ("search a b --top", ("option '--top' requires an argument", "Add -h to see it.")),
    ],
)
def test_what_no_verb_takes_is_refused_in_one_line(
    refused: Callable[..., None], typed: str, parts: tuple[str, ...]
) -> None:
    refused(typed.split(), *parts)


def test_a_verb_with_verbs_below_it_alone_shows_its_help(run: Run) -> None:
    for typed in ([], ["index"]):
        shown = run(*typed)
        assert shown.code == 2
        assert "Commands:" in shown.out + shown.err
    assert run("--version").code == 0


def test_ctrl_c_before_a_verb_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "share_processor", interrupt)
    stopped = run("doctor")
    assert stopped.code == 130
    assert stopped.err == "sentune: interrupted; nothing was written\n"
