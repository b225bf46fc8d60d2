"""Single questions: won and lost, kinds of them, and answers that may be right without a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.report import PRIMARY_METRIC
from sentune.evaluation.retrieval import RetrievalTask
from sentune.report.page.facts import PageFacts
from sentune.report.page.kinds import kind_of_question
from sentune.report.page.markup import Child, Element, h
from sentune.report.page.tables import table
from sentune.report.page.words import Matcher, marked
from sentune.wording import counted

__all__ = ["changes", "perhaps_mislabelled", "perhaps_right", "questions_section"]

_MOST = 10
_FEWEST = 5  # questions of a kind that has its own row


@dataclass(frozen=True, slots=True)
class _Shown:
    """What every question is shown with: ``ranks`` has the rank of its right passage by system."""

    facts: PageFacts
    matcher: Matcher
    ranks: Mapping[str, Sequence[int | None]]


def changes(facts: PageFacts) -> tuple[list[int], list[int]]:
    """The ten questions won, and the ten lost, with the largest change of nDCG@10."""
    gain = _gain(facts)
    order = np.argsort(-gain, kind="stable")
    won = [row for row in order.tolist() if gain[row] > 0][:_MOST]
    lost = [row for row in order[::-1].tolist() if gain[row] < 0][:_MOST]
    return won, lost


def _gain(facts: PageFacts) -> NDArray[np.float64]:
    metrics = facts.trace.metrics
    found = metrics["model"][PRIMARY_METRIC] - metrics[facts.before][PRIMARY_METRIC]
    return np.asarray(found.round(9), dtype=np.float64)


def perhaps_right(facts: PageFacts) -> list[int]:
    """Questions for which the model and BM25 put the same passage first, which has no label.

    Two systems that read so differently seldom make the same mistake, so the passage may be right,
    too. Such passages also teach the wrong thing in training, as false negatives.
    """
    task = _task(facts)
    first = {name: facts.trace.rankings[name][:, 0] for name in ("model", "bm25")}
    same = np.flatnonzero(first["model"] == first["bm25"]).tolist()
    return [row for row in same if int(first["model"][row]) not in task.relevant[row]]


def perhaps_mislabelled(facts: PageFacts) -> list[int]:
    """Questions whose right passages no system ranks among the first 20.

    Systems that find by meaning and one that finds by words: where all miss it, the passage may
    answer another question.
    """
    names = [name for name in facts.names if name in facts.trace.rankings]
    ranks = [facts.trace.right_ranks(name) for name in names]
    return [row for row, each in enumerate(zip(*ranks, strict=True)) if set(each) == {None}]


def questions_section(facts: PageFacts) -> list[Child]:
    """Counts of won and lost, the largest of both, and kinds of questions."""
    won, lost = changes(facts)
    gain = _gain(facts)
    before = facts.names[facts.before]
    counts = (int((gain > 0).sum()), int((gain < 0).sum()), int((gain == 0).sum()))
    labels = perhaps_right(facts)
    picked = [*won, *lost, *labels[:_MOST]]
    shown = _Shown(
        facts,
        Matcher(() if facts.private else _texts(facts, picked)),
        {n: facts.trace.right_ranks(n) for n in facts.names if n in facts.trace.rankings},
    )
    return [
        h("h2", "Questions won and lost", id="questions"),
        h(
            "p",
            f"Against {before}, {facts.names['model']} ranks the right passages higher for "
            f"{counted(counts[0], 'question')}, lower for {counts[1]:,}, and the same for "
            f"{counts[2]:,}.",
        ),
        _list(f"Won: the largest of {counts[0]:,}", shown, won),
        _list(f"Lost: the largest of {counts[1]:,}", shown, lost),
        *_perhaps(shown, labels),
        *_mislabelled(shown, perhaps_mislabelled(facts)),
        *_kinds(facts),
    ]


def _list(title: str, shown: _Shown, rows: Sequence[int]) -> list[Child]:
    if not rows:
        return []
    return [h("h3", title), [_question(shown, row, row == rows[0]) for row in rows]]


def _question(shown: _Shown, row: int, is_open: bool) -> Element:
    facts = shown.facts
    was, now = (_rank(shown.ranks[name][row]) for name in (facts.before, "model"))
    name: Child = f"Question {row + 1:,}" if facts.private else _task(facts).questions[row]
    return h(
        "details",
        h("summary", name, " ", h("span", f"rank {was} → {now}", class_="ranks")),
        h("div", _ranks(shown, row), None if facts.private else _firsts(shown, row)),
        open=is_open,
    )


def _rank(rank: int | None) -> str:
    return "over 20" if rank is None else f"{rank}"


def _ranks(shown: _Shown, row: int) -> Element:
    names = shown.facts.names
    told = [f"{names[name]} {_rank(ranks[row])}" for name, ranks in shown.ranks.items()]
    return h("p", f"The right passage has rank: {', '.join(told)}.", class_="soft small")


def _firsts(shown: _Shown, row: int) -> Iterator[Child]:
    """What each system put first, one that several chose once; and the right passages."""
    facts, task = shown.facts, _task(shown.facts)
    by_passage: dict[int, list[str]] = {}
    for name in shown.ranks:
        first = int(facts.trace.rankings[name][row, 0])
        by_passage.setdefault(first, []).append(facts.names[name])
    for passage in sorted(task.relevant[row])[:2]:
        by_passage.setdefault(passage, [])
    for passage, systems in by_passage.items():
        right = passage in task.relevant[row]
        told = f"Put first by {', '.join(systems)}" if systems else "Put first by none"
        yield h("p", told + (": right" if right else ": not labelled as right"), class_="small")
        yield _passage(shown, row, passage, right=right)


def _passage(shown: _Shown, row: int, passage: int, *, right: bool) -> Element:
    task = _task(shown.facts)
    text = task.passages[passage]
    spans = shown.matcher.spans(task.questions[row], text)
    return h("blockquote", marked(text, spans), class_="right" if right else None)


def _perhaps(shown: _Shown, rows: Sequence[int]) -> list[Child]:
    if not rows:
        return []
    found: list[Child] = [
        h("h3", "Perhaps right, but not labelled"),
        h(
            "p",
            f"For {counted(len(rows), 'question')} the model and BM25 put the same passage first, "
            "and it is not labelled as right. Perhaps it answers the question, too: then a label "
            "is missing, the figures are too low, and in training it counts as a wrong answer (a "
            "false negative).",
        ),
    ]
    if shown.facts.private:
        return [*found, h("p", "Questions " + ", ".join(f"{row + 1:,}" for row in rows[:50]) + ".")]
    return [*found, [_perhaps_one(shown, row) for row in rows[:_MOST]]]


def _mislabelled(shown: _Shown, rows: Sequence[int]) -> list[Child]:
    if not rows:
        return []
    told = (
        f"For {counted(len(rows), 'question')} no system ranks a right passage among the first 20. "
        "Either the question is hard, or its label is wrong and the passage answers another one."
    )
    found: list[Child] = [h("h3", "Perhaps mislabelled"), h("p", told)]
    if shown.facts.private:
        return [*found, h("p", "Questions " + ", ".join(f"{row + 1:,}" for row in rows[:50]) + ".")]
    task = _task(shown.facts)
    return [*found, h("ul", [h("li", task.questions[row]) for row in rows[:_MOST]])]


def _perhaps_one(shown: _Shown, row: int) -> Element:
    passage = int(shown.facts.trace.rankings["model"][row, 0])
    return h(
        "details",
        h("summary", _task(shown.facts).questions[row]),
        h("div", _passage(shown, row, passage, right=False)),
    )


def _kinds(facts: PageFacts) -> list[Child]:
    """A row for each kind of question; none where all are of one kind."""
    task, metrics = _task(facts), facts.trace.metrics
    kinds = [kind_of_question(text) for text in task.questions]
    common = [kind for kind, number in Counter(kinds).most_common() if number >= _FEWEST]
    if len(common) < 2:
        return []
    systems = [name for name in facts.names if name in metrics]
    rows = []
    for kind in common:
        of_kind = np.array([each == kind for each in kinds])
        means = (f"{metrics[name][PRIMARY_METRIC][of_kind].mean():.3f}" for name in systems)
        rows.append([kind, f"{int(of_kind.sum()):,}", *means])
    heads = ("nDCG@10 by kind", "questions", *(facts.names[name] for name in systems))
    less = "Kinds are told by the first words, in English. Those of fewer than 5 are left out."
    return [h("h3", "Kinds of questions"), table(heads, rows), h("p", less, class_="soft small")]


def _texts(facts: PageFacts, rows: Iterable[int]) -> Iterator[str]:
    task = _task(facts)
    for row in rows:
        yield task.questions[row]
        for name in facts.trace.rankings:
            yield task.passages[int(facts.trace.rankings[name][row, 0])]
        yield from (task.passages[passage] for passage in task.relevant[row])


def _task(facts: PageFacts) -> RetrievalTask:
    task = facts.trace.task
    if task is None:
        raise ValueError("a trace that nothing has filled")  # a mistake in this package
    return task
