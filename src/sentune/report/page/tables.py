"""Tables and lists of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentune.report.page.markup import Child, Element, h

__all__ = ["facts_list", "figure", "sentences", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[Child]]) -> Element:
    """Names in the first column, figures in the others; it scrolls where it is too wide."""
    return h(
        "div",
        h(
            "table",
            h("thead", h("tr", [h("th", title, scope="col") for title in head])),
            h("tbody", [h("tr", [h("td", cell) for cell in row]) for row in rows]),
        ),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=head[0] or "figures",
    )


def facts_list(facts: Mapping[str, str]) -> Element:
    """Names with their values."""
    return h(
        "dl",
        [(h("dt", name), h("dd", value, class_=_kind(value))) for name, value in facts.items()],
    )


def _kind(value: str) -> str | None:
    return "hash" if value.startswith("SHA-256 ") else None


def sentences(found: Sequence[str]) -> Element | None:
    """A list of sentences; None without any."""
    return h("ul", [h("li", each) for each in found]) if found else None


def figure(drawn: Element, caption: str, *above: Element) -> Element:
    """A chart with what it shows below it."""
    return h("figure", above, drawn, h("figcaption", caption))
