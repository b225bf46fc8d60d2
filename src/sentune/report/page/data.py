"""The data of a run: how much, how long, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sentune.report.page.charts import bars
from sentune.report.page.facts import DataFacts, PageFacts
from sentune.report.page.markup import Child, Element, h
from sentune.report.page.tables import facts_list, figure, sentences
from sentune.wording import counted

__all__ = ["data_section"]

_BARS = 24


def data_section(facts: PageFacts) -> list[Child]:
    """Counts, notes of the readers, what looks wrong, and lengths."""
    data = facts.data
    return [
        h("h2", "The data", id="data"),
        facts_list(data.counts),
        *_listed("Leaks, duplicates, and what was left out", data.notes, "Nothing was left out."),
        *_listed("What may be wrong", data.concerns, "Nothing looks wrong."),
        *_listed("What the length limit did", data.cut, "No text is longer than the limit."),
        [_lengths(name, found, data) for name, found in data.lengths.items() if found],
    ]


def _listed(title: str, found: Sequence[str], otherwise: str) -> list[Child]:
    return [h("h3", title), sentences(found) or h("p", otherwise)]


def _lengths(name: str, found: Sequence[int], data: DataFacts) -> Element:
    longest, median = max(found), int(np.median(found))
    # A single long text would squeeze all others into the first bar.
    most = max(int(np.quantile(found, 0.99)), min(longest, data.limit + 1), 8)
    counts, edges = np.histogram(np.minimum(found, most), bins=min(_BARS, most), range=(0, most))
    beyond = " The last bar holds all longer ones." if longest > most else ""
    limit = f" The red line is the limit, {data.limit}." if most > data.limit else ""
    return figure(
        bars(
            f"Lengths of {name} in tokens",
            counts.tolist(),
            edges.tolist(),
            across="tokens",
            limit=data.limit,
        ),
        f"{name.capitalize()} by their tokens, of {counted(len(found), 'text')}: half have "
        f"{median:,} or more, the longest {longest:,}.{limit}{beyond}",
    )
