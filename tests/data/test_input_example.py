"""One example for ``fit``: its arguments by place and by name, as in the reference."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from sentune import InputExample
from sentune.errors import ArgumentError


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (("id", ["a", "b"], 1), {}),
        (("id", ["a", "b"]), {"label": 0.5}),
        ((), {"texts": ["a", "b"], "label": 1}),
        ((), {"texts": ["a"], "guid": "g"}),
        ((), {}),
    ],
)
def test_the_arguments_mean_what_they_mean_there(
    places: tuple[Any, ...], names: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.readers import InputExample as Reference

    ours, theirs = InputExample(*places, **names), Reference(*places, **names)
    assert (ours.guid, ours.texts, ours.label) == (theirs.guid, theirs.texts, theirs.label)
    if theirs.texts:
        assert str(ours) == str(theirs)


def test_texts_in_the_place_of_the_name_are_refused() -> None:
    with pytest.raises(ArgumentError, match="guid is a list"):
        InputExample(["a", "b"])  # type: ignore[arg-type]
