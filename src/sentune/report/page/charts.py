"""Charts as SVG elements, drawn in the colours of the style sheet and readable on a phone.

All are 440 units wide, so that their text is 10 pixels high on a screen of 390.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sentune.report.page.markup import Element, h

__all__ = ["Line", "bars", "intervals", "key", "lines", "picture", "with_key"]

_WIDE = 440
_MARGIN = 14.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, the class of its colour, and its points.

    ``low`` and ``high`` are the ends of intervals, if there are any.
    """

    name: str
    kind: str
    points: Sequence[tuple[float, float]]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class _Frame:
    """The rectangle of a chart, and the values at its edges."""

    left: float
    right: float
    top: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        low, high = self.x
        share = (value - low) / ((high - low) or 1)
        return self.left + share * (self.right - self.left)

    def down(self, value: float) -> float:
        low, high = self.y
        return self.bottom - (value - low) / ((high - low) or 1) * (self.bottom - self.top)


def picture(height: float, title: str, *children: object, wide: float = _WIDE) -> Element:
    """An SVG element with a title for people who cannot see it."""
    return h(
        "svg",
        h("title", title),
        children,  # type: ignore[arg-type]
        viewBox=f"0 0 {wide:g} {height:g}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from ``low`` to ``high``, at most about ``most`` of them."""
    span = high - low
    if span <= max(1e-12, 1e-9 * max(abs(low), abs(high))):  # all values are alike
        return [high]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if span / (power * each) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def intervals(title: str, rows: Mapping[str, tuple[str, float, float, float]]) -> Element:
    """One row for each name: class of its colour, value, and both ends of its interval."""
    values = [number for _, *found in rows.values() for number in found]
    room = 0.06 * ((max(values) - min(values)) or 1)
    wide = max(64, min(180, 8.0 * max(map(len, rows)) + 14))
    across = (min(values) - room, max(values) + room)
    frame = _Frame(wide, _WIDE - 58, 6, 6 + 28 * len(rows), across, (0, len(rows)))
    parts = [
        _interval(frame, 20 + 28 * row, name, *found)
        for row, (name, found) in enumerate(rows.items())
    ]
    return picture(frame.bottom + 24, title, list(_columns(frame)), parts)


def _interval(
    frame: _Frame, y: float, name: str, kind: str, value: float, low: float, high: float
) -> Element:
    return h(
        "g",
        h("text", _short(name, frame.left), x=0.0, y=y + 4),
        h("line", x1=frame.across(low), x2=frame.across(high), y1=y, y2=y, class_="stroke"),
        h("circle", cx=frame.across(value), cy=y, r=5, class_="fill"),
        h("text", f"{value:.3f}", x=_WIDE, y=y + 4, text_anchor="end"),
        class_=kind,
    )


def _short(name: str, wide: float) -> str:
    most = max(4, int((wide - 8) / 7.4))
    return name if len(name) <= most else name[: most - 1] + "…"


def _columns(frame: _Frame) -> Iterator[Element]:
    for value in ticks(*frame.x, most=5):
        x = frame.across(value)
        yield h("line", x1=x, x2=x, y1=frame.top, y2=frame.bottom, class_="grid")
        yield h("text", f"{value:g}", x=x, y=frame.bottom + 16, text_anchor="middle", class_="tick")


def lines(
    title: str,
    series: Sequence[Line],
    *,
    across: str,
    at: Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
    dots: bool = False,
    height: float = 240,
) -> Element:
    """Lines over one axis; ``at`` and ``labels`` are its marks, ``across`` its name."""
    xs = [x for line in series for x, _ in line.points]
    ys = [y for line in series for y in (*(y for _, y in line.points), *line.low, *line.high)]
    low, high = min(ys), max(ys)
    room = 0.05 * (high - low) or 0.01
    frame = _Frame(46, _WIDE - 12, 8, height - 42, (min(xs), max(xs)), (low - room, high + room))
    whole = all(float(x).is_integer() for x in xs)  # there is no step one and a half
    found = [x for x in ticks(*frame.x) if float(x).is_integer() or not whole]
    places = found if at is None else at
    named = [f"{x:g}" for x in places] if labels is None else labels
    return picture(
        height,
        title,
        _rows(frame),
        [
            h(
                "text",
                label,
                x=frame.across(x),
                y=frame.bottom + 17,
                text_anchor="middle" if frame.across(x) < _WIDE - 30 else "end",
                class_="tick",
            )
            for x, label in zip(places, named, strict=True)
        ],
        h("text", across, x=frame.right, y=height - 6, text_anchor="end", class_="tick"),
        [_line(frame, line, dots) for line in series],
    )


def _rows(frame: _Frame) -> Iterator[Element]:
    for value in ticks(*frame.y):
        y = frame.down(value)
        yield h("line", x1=frame.left, x2=frame.right, y1=y, y2=y, class_="grid")
        yield h("text", f"{value:g}", x=frame.left - 6, y=y + 4, text_anchor="end", class_="tick")


def _line(frame: _Frame, line: Line, dots: bool) -> Element:
    places = [(frame.across(x), frame.down(y)) for x, y in line.points]
    ends = zip(places, line.low, line.high, strict=False)
    return h(
        "g",
        h("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_="stroke"),
        [
            h("line", x1=x, x2=x, y1=frame.down(low), y2=frame.down(high), class_="stroke")
            for (x, _), low, high in ends
        ],
        [h("circle", cx=x, cy=y, r=4, class_="fill") for x, y in places if dots],
        class_=line.kind,
    )


def bars(
    title: str, counts: Sequence[int], edges: Sequence[float], *, across: str, limit: float | None
) -> Element:
    """A histogram: ``counts`` between ``edges``, and a line at ``limit``."""
    frame = _Frame(46, _WIDE - 12, 8, 118, (edges[0], edges[-1]), (0, max(counts) or 1))
    parts = [*_rows(frame)]
    for count, start, end in zip(counts, edges, edges[1:], strict=False):
        x, y = frame.across(start), frame.down(count)
        size = max(0.5, frame.across(end) - x - 1)
        parts.append(h("rect", x=x, y=y, width=size, height=frame.bottom - y, class_="bar"))
    if limit is not None and edges[0] < limit < edges[-1]:
        x = frame.across(limit)
        parts.append(h("line", x1=x, x2=x, y1=0, y2=frame.bottom, class_="limit"))
    for value in ticks(*frame.x):
        x = frame.across(value)
        parts.append(h("text", f"{value:g}", x=x, y=135, text_anchor="middle", class_="tick"))
    name = h("text", across, x=frame.right, y=152, text_anchor="end", class_="tick")
    return picture(156, title, parts, name)


def key(names: Mapping[str, str]) -> Element:
    """What the colours mean: class → name."""
    return h(
        "ul",
        [
            h(
                "li",
                h(
                    "svg",
                    h("circle", cx=5, cy=5, r=5, class_="fill"),
                    viewBox="-1 -1 12 12",
                    aria_hidden="true",
                    class_=kind,
                ),
                name,
            )
            for kind, name in names.items()
        ],
        class_="key",
    )


def with_key(chart: Element, names: Mapping[str, str], *extra: Element) -> Element:
    """A chart as a picture of its own: with a margin, and what the colours mean below it."""
    viewed = dict(chart.attributes)["viewBox"]
    wide, high = (float(each) for each in viewed.split()[2:])
    rows, x, y = [], 0.0, high + 18
    for kind, name in names.items():
        needed = 30 + 8.0 * len(name)
        if x and x + needed > wide:
            x, y = 0.0, y + 20
        dot = h("circle", cx=x + 6, cy=y - 5, r=5, class_="fill")
        rows.append(h("g", dot, h("text", name, x=x + 17, y=y), class_=kind))
        x += needed
    bottom = y + 4 if names else high
    box = (-_MARGIN, -_MARGIN, wide + 2 * _MARGIN, bottom + 2 * _MARGIN)
    paper = dict(zip(("x", "y", "width", "height"), box, strict=True))
    title, *drawn = chart.children
    return h(
        "svg",
        title,
        extra,
        h("rect", class_="paper", **paper),
        drawn,
        rows,
        viewBox=" ".join(f"{each:g}" for each in box),
        width=560,
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )
