from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentune.report.page.charts import Line, bars, intervals, lines, ticks
from sentune.report.page.markup import render

NUMBERS = st.floats(-1e6, 1e6)


def drawn(element: object) -> ElementTree.Element:
    root = ElementTree.fromstring(render(element))  # type: ignore[arg-type]
    wide, high = map(float, root.attrib["viewBox"].split()[2:])
    for each in root.iter():
        for name, most in (("cx", wide), ("x1", wide), ("x2", wide), ("cy", high), ("y1", high)):
            if name in each.attrib:
                assert -1 <= float(each.attrib[name]) <= most + 1
    return root


@given(NUMBERS, NUMBERS)
def test_marks_are_round_and_inside(a: float, b: float) -> None:
    low, high = sorted((a, b))
    found = ticks(low, high)
    assert len(found) <= 6
    near = 1e-6 * (high - low) + 1e-6 * abs(low) + 1e-9  # of the axis: less than a pixel
    assert all(low - near <= x <= high + near for x in found)
    assert found or high - low < 1e-9


@example([(0.0, 0.0), (5e-324, 5e-324)])
@example([(1e6, 3.0), (1e6 + 1e-10, 3.0)])
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
@settings(max_examples=40)
def test_lines_stay_in_their_frame(points: list[tuple[float, float]]) -> None:
    root = drawn(lines("t", [Line("a", "model", sorted(points))], across="x", dots=True))
    assert len(root.findall(".//{*}circle")) == len(points)


def test_an_interval_reaches_from_its_low_to_its_high_end() -> None:
    rows = {"a": ("model", 0.5, 0.25, 1.0), "b": ("base", 0.5, 0.5, 0.5)}
    root = drawn(intervals("t", rows))
    own, same = (g for g in root.iter("{http://www.w3.org/2000/svg}g"))
    line, dot = own.find("{*}line"), own.find("{*}circle")
    assert line is not None
    assert dot is not None
    start, end, at = (float(v) for v in (line.attrib["x1"], line.attrib["x2"], dot.attrib["cx"]))
    assert (at - start) / (end - start) == pytest.approx(1 / 3, abs=0.01)
    flat = same.find("{*}line")
    assert flat is not None
    assert flat.attrib["x1"] == flat.attrib["x2"]


def test_bars_are_as_high_as_their_counts() -> None:
    root = drawn(bars("t", [2, 0, 4], [0, 10, 20, 30], across="tokens", limit=25))
    heights = [float(each.attrib["height"]) for each in root.findall("{*}rect")]
    assert heights[0] * 2 == pytest.approx(heights[2])
    assert heights[1] == 0
    assert [each for each in root.findall("{*}line") if each.attrib["class"] == "limit"]


def test_steps_are_whole_numbers() -> None:
    drawn = render(lines("a", [Line("a", "model", [(1, 0.1), (3, 0.2)])], across="step"))
    assert re.findall(r">(\d[\d.]*)</text>", drawn)[-3:] == ["1", "2", "3"]
