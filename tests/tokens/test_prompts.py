"""The prompts that every model has."""

from __future__ import annotations

import pytest

from sentune.tokens.prompts import all_prompts


@pytest.mark.parametrize(
    ("of_folder", "given", "expected"),
    [
        ({}, None, {"query": "", "document": ""}),
        ({"query": "q: "}, {}, {"query": "q: ", "document": ""}),
        ({"query": "q: "}, {"query": ""}, {"query": "", "document": ""}),
        (
            {"query": "q: ", "passage": "p: "},
            None,
            {"query": "q: ", "document": "p: ", "passage": "p: "},
        ),
        # A folder that was saved with the usual empty ones, and a text that somebody passes.
        (
            {"query": "", "document": ""},
            {"corpus": "c: "},
            {"query": "", "document": "c: ", "corpus": "c: "},
        ),
        # An empty text that somebody wrote is one that somebody wants.
        ({"document": "", "passage": "p: "}, None, None),
        ({"passage": "p: "}, {"document": ""}, {"query": "", "document": "", "passage": "p: "}),
        ({"document": "d: "}, {"passage": "p: "}, None),
    ],
    ids=str,
)
def test_prompts_of_a_folder_and_given_ones(
    of_folder: dict[str, str], given: dict[str, str] | None, expected: dict[str, str] | None
) -> None:
    if expected is None:
        expected = {"query": "", **of_folder, **(given or {})}
    assert all_prompts(of_folder, given) == expected
