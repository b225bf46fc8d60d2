"""The map: passages and questions in two dimensions, base and tuned in one arrangement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.report.page.charts import picture
from sentune.report.page.facts import PageFacts
from sentune.report.page.markup import Child, Element, h
from sentune.report.page.questions import changes
from sentune.report.places import places

__all__ = ["map_section"]

_SIZE = 320.0
_MOVED = 40
_TITLE = 90  # characters of a text that a pointer shows

Floats = NDArray[np.float64]


def map_section(facts: PageFacts) -> list[Child]:
    """Both models side by side; empty if there is nothing to draw."""
    trace = facts.trace
    names = [name for name in ("base", "model") if name in trace.vectors]
    if not names or len(trace.questions) + len(trace.passages) < 3:
        return []
    found = _scaled(places([trace.vectors[name] for name in names]))
    start = found[0] if len(names) > 1 else None
    shown = {"passage": "passage", "question": "question"} | {
        "won": "question won",
        "lost": "question lost",
    }
    return [
        h("h2", "Map of passages and questions", id="map"),
        _key(shown),
        h(
            "div",
            [
                h(
                    "div",
                    h("h3", facts.names[name]),
                    _panel(facts, name, places_, start if name == "model" else None),
                )
                for name, places_ in zip(names, found, strict=True)
            ],
            class_="pair",
        ),
        h("p", _told(facts, len(names)), class_="soft small"),
    ]


def _told(facts: PageFacts, models: int) -> str:
    task = facts.trace.task
    asked = len(task.questions) if task is not None else 0
    known = len(task.passages) if task is not None else 0
    of = f"{len(facts.trace.questions):,} of {asked:,} questions and {len(facts.trace.passages):,} "
    of += f"of {known:,} passages, in the two directions in which they differ most"
    if models < 2:
        return f"{of}. Texts that lie close together are alike for the model, as far as two of its "
        "directions show."
    return (
        f"{of} for {facts.names['base']}. The vectors of {facts.names['model']} were turned to lie "
        "as near to these as can be, so what did not move relative to the others stays in place. "
        f"Lines lead from the old place of the {_MOVED} texts that moved most. Two directions show "
        "only a part of what the models know."
    )


def _key(names: dict[str, str]) -> Element:
    return h(
        "ul",
        [h("li", _mark(kind), name) for kind, name in names.items()],
        class_="key",
    )


def _mark(kind: str) -> Element:
    return h("svg", _point(5.0, 5.0, kind, 4.5), viewBox="-2 -2 14 14", aria_hidden="true")


def _scaled(found: Sequence[Floats]) -> list[Floats]:
    """Places of all models in one square, with the same scale in both directions."""
    every = np.concatenate(found)
    low, high = np.quantile(every, [0.002, 0.998], axis=0)
    middle, span = (low + high) / 2, float((high - low).max()) or 1.0
    room = _SIZE - 16
    flip = np.array([1.0, -1.0])
    scaled = (((each - middle) / span) * flip * room + _SIZE / 2 for each in found)
    return [np.clip(each, 5, _SIZE - 5) for each in scaled]


def _panel(facts: PageFacts, name: str, found: Floats, start: Floats | None) -> Element:
    return picture(
        _SIZE,
        f"Map of passages and questions by {facts.names[name]}",
        h("rect", x=0.5, y=0.5, width=_SIZE - 1, height=_SIZE - 1, class_="grid paper"),
        [] if start is None else list(_moves(start, found)),
        list(_points(facts, found)),
        wide=_SIZE,
    )


def _moves(start: Floats, found: Floats) -> Iterator[Element]:
    far = np.linalg.norm(found - start, axis=1)
    for row in np.argsort(-far, kind="stable")[:_MOVED].tolist():
        if far[row] > 1:
            (x1, y1), (x2, y2) = start[row].tolist(), found[row].tolist()
            yield h("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="moved")


def _points(facts: PageFacts, found: Floats) -> Iterator[Element]:
    """Passages first, so that questions lie above them; those won and lost last."""
    trace, asked = facts.trace, len(facts.trace.questions)
    won, lost = (set(rows) for rows in changes(facts))
    for row, passage in enumerate(trace.passages.tolist()):
        x, y = found[asked + row].tolist()
        yield _point(x, y, "passage", 2.2, _title(facts, passage, "passage"))
    kinds = ["won" if q in won else "lost" if q in lost else "question" for q in trace.questions]
    for row in sorted(range(asked), key=lambda row: kinds[row] != "question"):
        x, y = found[row].tolist()
        title = _title(facts, int(trace.questions[row]), "question")
        yield _point(x, y, kinds[row], 3.4, title)


def _point(x: float, y: float, kind: str, size: float, title: str | None = None) -> Element:
    """A circle for a passage, a diamond for a question: told apart without colours."""
    said = None if title is None else h("title", title)
    if kind == "passage":
        return h("circle", said, cx=round(x, 1), cy=round(y, 1), r=size, class_=kind)
    side = size * (1.5 if kind in ("won", "lost") else 1.1)
    corners = ((x, y - side), (x + side, y), (x, y + side), (x - side, y))
    return h("polygon", said, points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners), class_=kind)


def _title(facts: PageFacts, row: int, what: str) -> str | None:
    task = facts.trace.task
    if facts.private or task is None:
        return None
    text = " ".join((task.questions if what == "question" else task.passages)[row].split())
    return text if len(text) <= _TITLE else text[:_TITLE] + "…"
