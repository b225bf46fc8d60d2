"""One tree of errors, one line each, with what was given, what was expected and what to do."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from sentune import errors
from sentune.errors import (
    ArgumentError,
    DataError,
    HubError,
    IndexFolderError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
    OutputError,
    PoolError,
    SentuneError,
    TooFewPairsError,
    TrainingError,
    UnsupportedModelError,
)

PLAIN = [
    *(DataError, ModelError, UnsupportedModelError, ModelNotFoundError),
    TooFewPairsError,
    *(HubError, IndexFolderError, OutputError, ArgumentError, TrainingError, PoolError),
]


@pytest.mark.parametrize("kind", PLAIN)
def test_a_message_has_three_parts_on_one_line(kind: type[SentuneError]) -> None:
    error = kind("given\n  this", expected="that\r\n thing", fix="do\tthis")
    assert str(error) == "given this: expected that thing. Do this."
    assert isinstance(error, SentuneError)
    assert error.given == "given\n  this"
    assert error.expected == "that\r\n thing"
    assert error.fix == "do\tthis"


def test_a_part_cannot_be_left_out() -> None:
    with pytest.raises(TypeError):
        SentuneError("given")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        SentuneError("given", "expected", "fix")  # type: ignore[call-arg]


def test_the_tree() -> None:
    assert issubclass(UnsupportedModelError, ModelError)
    assert issubclass(ModelNotFoundError, ModelError)
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(MissingExtraError, ImportError)
    assert {getattr(errors, name) for name in errors.__all__} == {
        *PLAIN,
        SentuneError,
        MissingExtraError,
    }


def test_the_docstring_draws_every_error() -> None:
    for name in errors.__all__:
        assert f" {name}" in str(errors.__doc__)


def test_a_missing_extra_says_what_to_install() -> None:
    error = MissingExtraError("bm25s", "evaluate")
    assert str(error) == (
        "the package 'bm25s' is not installed: expected the extra 'evaluate' of sentune. "
        "Run: pip install 'sentune[evaluate]'"
    )


@pytest.mark.parametrize(
    ("fix", "end"),
    [
        ("correct it", "Correct it."),
        ("Correct it.", "Correct it."),
        ("--out names a folder", "--out names a folder."),
        ("bf16=True", "bf16=True."),
        ("run: pip install 'a'", "Run: pip install 'a'"),
        ("max_score is 1", "max_score is 1."),
        ("HF_HUB_OFFLINE=0", "HF_HUB_OFFLINE=0."),
    ],
)
def test_what_to_do_is_a_sentence(fix: str, end: str) -> None:
    assert str(DataError("given", expected="that", fix=fix)) == f"given: expected that. {end}"


@pytest.mark.parametrize(
    "error",
    [
        *(kind("given", expected="that", fix="do this") for kind in PLAIN),
        MissingExtraError("bm25s", "evaluate"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_processes(error: SentuneError) -> None:
    """As a worker's exception does, pickled on its way to the parent."""
    record = json.loads(json.dumps(error.to_json()))
    again_from_json = SentuneError.from_json(record)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), again_from_json):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert (again.given, again.expected, again.fix) == (error.given, error.expected, error.fix)
