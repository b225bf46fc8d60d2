"""The result of the tuning at the head of a card, in counts and without terms left unexplained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sentune.evaluation.claims import chance_sentence, general_sentence, verdict_text
from sentune.evaluation.facts import Facts
from sentune.evaluation.report import Report
from sentune.evaluation.significance import Interval
from sentune.ranking.late_interaction import LateChoice
from sentune.report.card.facts import CardFacts
from sentune.report.card.text import inline, table
from sentune.wording import counted

__all__ = ["ranking_of", "result_blocks"]

_SYSTEMS = {
    "base": "base model",
    "model": "tuned model",
    "bm25": "BM25",
    "fusion": "tuned model with BM25",
    "late": "tuned model with BM25 and late stage",
}
_OF_BASE = {
    "fusion": "base model with BM25",
    "late": "base model with BM25 and late stage",
}
_COUNTED = {"accuracy@1": "first", "accuracy@5": "in the first 5", "accuracy@10": "in the first 10"}
_TERMS = (
    "**BM25** is the usual search by words, without a model.",
    "The **late stage** compares every token of the question with every token of the first "
    "passages found, and puts these in a new order.",
    "**nDCG@10** says how high the right passages stand among the first ten: 1 if all are at the "
    "top, 0 if none is there. Differences are taken before rounding.",
    "**95% interval**: the values that these questions leave possible. If 0 is among those of a "
    "difference, there may be none. Two systems may differ although their own intervals overlap: "
    "they were asked the same questions.",
    "**p**: how often chance alone would make two equal models differ as much.",
    "**Independent groups**: questions that share a passage count as one.",
)


def result_blocks(facts: CardFacts) -> list[str]:
    """Verdict, counts, and the terms that stand in them."""
    if facts.report is None or facts.result is None:
        return []
    result = facts.result
    verdict = []
    if "base" in facts.report.systems:
        verdict = [f"**{inline(verdict_text(result))}**"]
        verdict += [sentence] if (sentence := chance_sentence(result)) else []
    asked = counted(result.questions, "question")
    return [
        "## Result",
        *([f"{inline(facts.caution)}."] if facts.caution else []),
        *verdict,
        f"How many of {asked}, each asked of {counted(result.passages, 'passage')}, find a right "
        f"passage ([all figures](#evaluation)):",
        table(["", *_titles(facts.report)], list(_rows(facts.report, result))),
        *_pictures(facts),
        *([] if result.general is None else [general_sentence(result.general, "the tuned model")]),
        _searches(result),
        "\n".join(f"- {term}" for term in _terms(facts.report)),
    ]


def _searches(result: Facts) -> str:
    """How searches rank; and why by both parts, if the table has one of them ahead."""
    told = f"Searches with this folder rank by {ranking_of(result.saved)}."
    kept = result.of_kept
    for part, name in (("model", "the model"), ("bm25", "BM25")):
        both = 0 < kept.search_weight < 1 and not kept.search_late_weight
        if both and kept.relation("fusion", part) == "behind":
            told += f" On these questions {name} alone is ahead of both, but that may be chance."
    return told


def _pictures(facts: CardFacts) -> list[str]:
    if not facts.pictures:
        return []
    shown = [f"![{inline(told)}]({file})" for file, told in facts.pictures.items()]
    return [*shown, "[report.html](report.html) has the whole report, on one page."]


def _terms(report: Report) -> list[str]:
    return [term for term in _TERMS if "late" in report.systems or "late stage" not in term]


def _titles(report: Report) -> list[str]:
    return [title for metric, title in _COUNTED.items() if metric in report.systems["model"]]


def _in_searches(result: Facts) -> str:
    """The row of the table that searches with the folder rank as."""
    kept, of_base = result.of_kept, result.kept == "base"
    if kept.search_late_weight:
        return _OF_BASE["late"] if of_base else _SYSTEMS["late"]
    if kept.search_weight == 0:
        return _SYSTEMS["bm25"]
    if kept.search_weight == 1:
        return _SYSTEMS["base" if of_base else "model"]
    return _OF_BASE["fusion"] if of_base else _SYSTEMS["fusion"]


def _rows(report: Report, result: Facts) -> Iterator[list[str]]:
    used = _in_searches(result) if result.tunes else None
    named = {_SYSTEMS[name]: report.systems[name] for name in _SYSTEMS if name in report.systems}
    named |= {_OF_BASE[name]: report.base_alone[name] for name in report.base_alone}
    for name, figures in named.items():
        label = name if "base" in report.systems else name.replace("tuned model", "model")
        label += ", used in searches" if name == used else ""
        yield [label, *(_count(figures[m], result) for m in _COUNTED if m in figures)]


def _count(found: Interval, result: Facts) -> str:
    return f"{round(found.value * result.questions):,}"


def ranking_of(saved: Mapping[str, Any]) -> str:
    """How a search ranks, by what is saved with the model."""
    found = ranking(saved["fusion_weight"])
    late = LateChoice.saved(saved)
    if late is None:
        return found
    return (
        f"{found}; the late stage then orders the first {late.depth} anew, with the weight "
        f"{late.weight:g}"
    )


def ranking(weight: float) -> str:
    """How a search ranks, by the model's weight in the fusion."""
    if weight == 1:
        return "the model alone"
    if weight == 0:
        return "words (BM25) alone"
    return f"the model and by words (BM25) together, with the weights {weight:g} and {1 - weight:g}"
