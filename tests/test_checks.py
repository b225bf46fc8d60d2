"""One check for each kind of argument: NumPy's numbers pass, flags and the rest do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sentune.checks import require_choice, require_number, require_text, require_whole
from sentune.errors import ArgumentError


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(7)])
def test_whole_numbers_come_back_as_plain_ones(value: Any) -> None:
    assert require_whole("size", value, most=7) == int(value)
    assert type(require_whole("size", value)) is int


@pytest.mark.parametrize("value", [0, 8, -1, 1.0, "1", None, True, np.True_, np.float64(1), [1]])
def test_what_is_no_whole_number_in_the_range(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^size is .*: expected a whole number from 1 to 7\. "):
        require_whole("size", value, most=7)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_numbers(value: Any) -> None:
    assert require_number("share", value, least=0, most=1) == float(value)
    assert type(require_number("share", value)) is float


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, float("nan"), float("inf"), "0.5", None, True, np.False_, [0.5]]
)
def test_what_is_no_number_in_the_range(value: Any) -> None:
    with pytest.raises(
        ArgumentError, match=r"^share is .*: expected a number from 0 to 1\. Correct"
    ):
        require_number("share", value, least=0, most=1)


def test_ranges_without_an_end_are_worded_as_people_do() -> None:
    with pytest.raises(ArgumentError, match=r"^margin is inf: expected a finite number\."):
        require_number("margin", float("inf"))
    with pytest.raises(ArgumentError, match=r"expected a finite number of at least 0\."):
        require_number("margin", -1, least=0)


def test_choices() -> None:
    assert require_choice("mode", "a", ("a", "b")) == "a"
    for value in ("c", "", None, 1, ["a"]):
        with pytest.raises(ArgumentError, match=r"one of a, b\. Choose one of these\.$"):
            require_choice("mode", value, ("a", "b"))


def test_texts() -> None:
    for text in ("", "plain", "naïve 東京"):
        assert require_text("inputs[0]", text) == text
    for value in (None, 1, b"bytes", ["a"]):
        with pytest.raises(ArgumentError, match=r"^inputs\[0\] is \w+: expected a text, "):
            require_text("inputs[0]", value)
    with pytest.raises(ArgumentError, match=r"not valid Unicode text .* at character 1"):
        require_text("inputs[0]", "a\ud800")
