"""Facts → ``report.html``."""

from __future__ import annotations

from collections.abc import Iterator

from sentune.evaluation.advice import advice, plain_verdict
from sentune.evaluation.claims import evidence, verdict_text
from sentune.report.card.versions import installed_versions
from sentune.report.page.charts import with_key
from sentune.report.page.data import data_section
from sentune.report.page.facts import PageFacts
from sentune.report.page.figures import figures_section, recall_chart, systems_chart
from sentune.report.page.learning import forgetting_section, learning_section
from sentune.report.page.map import map_section
from sentune.report.page.markup import Child, Element, h, render
from sentune.report.page.questions import questions_section
from sentune.report.page.style import PAGE_STYLE, PICTURE_STYLE, policy, style_element
from sentune.report.page.tables import facts_list, sentences

__all__ = ["PICTURES", "pictures", "report_page"]

PICTURES = {
    "result.svg": "nDCG@10 of each system, with its 95% interval",
    "recall.svg": "Recall of each system at 1 to 20 passages",
}
"""The files beside a card → what they show."""

_TERMS = {
    "BM25": "the usual search by words, without a model",
    "fusion": "the model and BM25 together: both scores are added with a weight",
    "late": "the fusion, whose first passages are ordered anew by comparing every token of the "
    "question with every token of the passage",
    "teacher": "the tuned model whose vectors this smaller one learned to give",
    "95% interval": "the values that these questions leave possible",
    "group": "questions that share a passage count as one observation",
    "token": "a word, or a part of one, as the model reads it",
}


def report_page(facts: PageFacts) -> str:
    """A page that needs no other file, no script and no network.

    The same facts give the same text. Its content security policy allows its own style sheet and
    nothing else. With ``facts.private`` it holds no text of the data.

    Cost: about 0.2 s and 300 KB, whatever the size of the data; 800 texts are drawn at most.
    """
    return "<!DOCTYPE html>\n" + render(_document(facts)) + "\n"


def _document(facts: PageFacts) -> Element:
    sections = [
        *figures_section(facts),
        *learning_section(facts),
        *questions_section(facts),
        *forgetting_section(facts),
        *data_section(facts),
        *map_section(facts),
        *_ran_section(facts),
    ]
    return h(
        "html",
        h(
            "head",
            h("meta", charset="utf-8"),
            h("meta", http_equiv="Content-Security-Policy", content=policy(PAGE_STYLE)),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("meta", name="referrer", content="no-referrer"),
            h("title", f"{facts.title}: report"),
            style_element(PAGE_STYLE),
        ),
        h("body", h("main", _head(facts), _contents(sections), sections, _footer())),
        lang="en",
    )


def _head(facts: PageFacts) -> list[Child]:
    kind = {"shown": "good", "not shown": "", "no better": "bad"}
    compared = "base" in facts.report.systems
    outcome = kind[facts.facts.outcome] if compared else ""
    models = [facts.names[name] for name in ("model", "base") if name in facts.names]
    told: list[Child] = [h("p", plain_verdict(facts.facts, *models))] if compared else []
    if compared:
        says = verdict_text(facts.facts) if facts.facts.tunes else evidence(facts.facts)
        told.append(h("p", says, class_="soft small"))
    steps = advice(facts.facts, *models)
    if steps:
        told += [h("p", h("b", "What to do next")), sentences(steps)]
    return [
        h("h1", facts.title),
        h("p", facts.measured_on[:1].upper() + facts.measured_on[1:], class_="soft"),
        h("section", told, class_=f"verdict {outcome}".rstrip()) if told else None,
    ]


def _contents(sections: list[Child]) -> Element:
    heads = [
        (dict(each.attributes).get("id", ""), "".join(map(str, each.children)))
        for each in sections
        if isinstance(each, Element) and each.name == "h2"
    ]
    links = ((h("a", title, href=f"#{name}"), " ") for name, title in heads)
    return h("nav", links, aria_label="contents")


def _ran_section(facts: PageFacts) -> list[Child]:
    ran = facts.ran
    return [
        h("h2", "What ran", id="ran"),
        h("p", "This command does it again:"),
        h("pre", ran.command),
        facts_list({**ran.facts, **installed_versions()}),
        _folded("All settings", facts_list(ran.settings)) if ran.settings else None,
        h("h3", "Words used here"),
        facts_list(_terms(facts)),
    ]


def _terms(facts: PageFacts) -> dict[str, str]:
    absent = {
        *(() if "late" in facts.names else ("late",)),
        *(() if facts.report.teacher else ("teacher",)),
    }
    return {name: told for name, told in _TERMS.items() if name not in absent}


def _folded(title: str, content: Element) -> Element:
    return h("details", h("summary", title), h("div", content))


def _footer() -> Element:
    return h("footer", "Written by sentune. This page loads nothing and runs no script.")


def pictures(facts: PageFacts) -> dict[str, str]:
    """The two pictures of a card: name of the SVG file → its content."""
    return dict(_pictures(facts))


def _pictures(facts: PageFacts) -> Iterator[tuple[str, str]]:
    style = style_element(PICTURE_STYLE)
    systems, recall = PICTURES
    yield systems, render(with_key(systems_chart(facts), {}, style)) + "\n"
    yield recall, render(with_key(recall_chart(facts), facts.names, style)) + "\n"
