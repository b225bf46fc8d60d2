"""The whole page: what it holds, what it never holds, and that text stays text."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.page.conftest import PASSAGES, QUESTIONS
from tests.report.page.test_markup import read

from sentune.evaluation.claims import verdict_text
from sentune.report.page import PICTURES, PageFacts, pictures, report_page
from sentune.report.page.questions import changes, perhaps_mislabelled, perhaps_right

MakePage = Callable[..., PageFacts]
_DRAWN = {"svg", "title", "g", "line", "circle", "rect", "text", "polyline", "polygon"}
_WRITTEN = {"html", "head", "meta", "style", "body", "main", "h1", "h2", "h3", "p", "b", "ul", "li"}
_WRITTEN |= {"section", "nav", "a", "figure", "figcaption", "div", "table", "thead", "tbody", "tr"}
_WRITTEN |= {"th", "td", "details", "summary", "span", "blockquote", "mark", "dl", "dt", "dd"}
_WRITTEN |= {"pre", "footer"}


def safe(page: str) -> None:
    """Check that a page runs nothing, loads nothing, and styles nothing but by its sheet."""
    for tag, attributes in read(page).seen:
        assert tag in _DRAWN | _WRITTEN, tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert (attributes.get("href") or "#").startswith("#")
        assert "src" not in attributes
        assert "xlink:href" not in attributes


def hostile(number: int) -> str:
    """Markup of many forms, each of which would only set a variable of the page."""
    forms = (
        "<script>window.hit={n}</script>",
        "</style><script>window.hit={n}</script>",
        "</title></svg><img src=x onerror=window.hit={n}>",
        '"><svg/onload=window.hit={n}>',
        "' onmouseover='window.hit={n}",
        "<!--><script>window.hit={n}</script>-->",
        "]]><script>window.hit={n}</script>",
        "<a href=javascript:window.hit={n}>copy a file</a>",
        "<math><mi//xlink:href='data:x,<script>window.hit={n}</script>'>",
        "&lt;script&gt;window.hit={n}&lt;/script&gt;",
        "</blockquote></details><iframe srcdoc='<script>parent.hit={n}</script>'>",
        "<style>@import'//x.test/{n}'</style>{{}}",
        "<form action=//x.test/{n}><button>copy</button>",
        "<meta http-equiv=refresh content='0;url=//x.test/{n}'>",
        "<base href=//x.test/{n}/> file\u202e\u0000",
    )
    return forms[number % len(forms)].format(n=number)


def test_markup_in_every_text_is_shown_as_text(make_page: MakePage) -> None:
    questions = [f"{hostile(n)} question {n}" for n in range(20)]
    passages = [f"{hostile(n + 7)} passage {n}" for n in range(20)]
    facts = make_page(questions, passages)
    evil = {name: f"{hostile(n)} {name}" for n, name in enumerate(facts.names)}
    facts = replace(
        facts,
        title=hostile(1),
        measured_on=hostile(2),
        names=evil,
        notes=[hostile(3)],
        data=replace(facts.data, notes=[hostile(4)], concerns=[hostile(5)], cut=[hostile(6)]),
        ran=replace(facts.ran, command=hostile(7), facts={hostile(8): hostile(9)}),
    )
    page = report_page(facts)
    safe(page)
    shown = read(page).text
    for row in (*changes(facts)[0], *changes(facts)[1]):
        assert questions[row].replace("\u202e", "\ufffd").replace("\x00", "\ufffd") in shown
    for text in pictures(facts).values():
        ElementTree.fromstring(text)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=6, unique=True))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_texts_make_a_page(make_page: MakePage, texts: list[str]) -> None:
    safe(report_page(make_page([f"q{text}" for text in texts], texts)))


def test_the_policy_allows_its_style_sheet_and_nothing_else(make_page: MakePage) -> None:
    page = report_page(make_page())
    (policy,) = (
        found.get("content")
        for tag, found in read(page).seen
        if found.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    wanted = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert policy == wanted
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_says_what_the_facts_say(make_page: MakePage) -> None:
    facts = make_page()
    shown = read(report_page(facts)).text
    assert verdict_text(facts.facts) in shown
    for name, system in facts.names.items():
        assert system in shown
        assert f"{facts.report.systems[name]['ndcg@10'].value:.3f}" in shown
    for found in facts.report.differences.values():
        assert f"{found['ndcg@10'].p_value:.4f}" in shown
    for note in (*facts.notes, *facts.data.notes, *facts.data.concerns, *facts.data.cut):
        assert note in shown
    assert facts.ran.command in shown
    assert "learning_rate" in shown
    assert "On general English sentences, tuned model is worse (-0.100" in shown
    assert "Tuning is repeated" not in shown
    assert "last quarter of the pairs" in shown


def test_won_and_lost_are_those_of_the_largest_change(make_page: MakePage) -> None:
    facts = make_page()
    won, lost = changes(facts)
    metrics = facts.trace.metrics
    gain = metrics["model"]["ndcg@10"] - metrics["base"]["ndcg@10"]
    assert [round(gain[row], 9) for row in won] == sorted(
        (round(value, 9) for value in gain if value > 1e-9), reverse=True
    )
    assert [round(gain[row], 9) for row in lost] == sorted(
        round(value, 9) for value in gain if value < -1e-9
    )
    assert won
    shown = read(report_page(facts)).text
    for row in won:
        assert facts.trace.task is not None
        assert facts.trace.task.questions[row] in shown


def test_a_passage_that_both_put_first_may_lack_its_label(make_page: MakePage) -> None:
    facts = make_page()
    assert facts.trace.task is not None
    trace = replace(facts.trace, rankings={**facts.trace.rankings})
    for name in ("model", "bm25"):
        changed = trace.rankings[name].copy()
        changed[2] = [8, *(row for row in changed[2].tolist() if row != 8)]
        trace.rankings[name] = changed
    assert 2 in perhaps_right(replace(facts, trace=trace))
    relevant = [*facts.trace.task.relevant]
    relevant[2] = frozenset({2, 8})
    trace.task = replace(facts.trace.task, relevant=relevant)
    assert 2 not in perhaps_right(replace(facts, trace=trace))


def grams(text: str) -> list[str]:
    """Patterns of the runs of eight words in a text, or of all its words if it has fewer."""
    words = re.findall(r"\w+", text)
    return [r"\W+".join(words[at : at + 8]) for at in range(max(1, len(words) - 7))]


def test_a_private_report_has_no_text_of_the_data(make_page: MakePage) -> None:
    public, private = (read(report_page(make_page(private=on))).text for on in (False, True))
    every = [gram for text in (*QUESTIONS, *PASSAGES) for gram in grams(text)]
    assert not [gram for gram in every if re.search(gram, private, re.IGNORECASE)]
    assert len([gram for gram in every if re.search(gram, public, re.IGNORECASE)]) > len(every) / 2
    assert re.search(r"Question \d rank", private)


def test_a_student_stands_beside_its_teacher(make_page: MakePage) -> None:
    facts = make_page()
    assert "teacher" not in report_page(facts)
    shown = {"model": facts.report.systems["base"], "fusion": facts.report.systems["fusion"]}
    page = read(report_page(replace(facts, report=replace(facts.report, teacher=shown)))).text
    for name, found in zip(("teacher", "teacher's fusion"), shown.values(), strict=True):
        value = f"{found['ndcg@10'].value:.3f}"
        assert len(re.findall(rf"{name}\s*{value}", page)) == 2, name  # in the chart and the table
    assert "the tuned model whose vectors" in page


def test_without_a_base_the_words_are_what_to_beat(make_page: MakePage) -> None:
    facts = make_page(base=False, training=None)
    shown = read(report_page(facts)).text
    assert "Against BM25, tuned model ranks" in shown
    assert "How the training went" not in shown
    assert "What it forgot" not in shown


def test_the_same_facts_give_the_same_page(make_page: MakePage) -> None:
    assert report_page(make_page()) == report_page(make_page())


def test_a_large_run_gives_a_small_page(make_page: MakePage) -> None:
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(500)]
    passages = [f"{' '.join(rng.choice(words, 300))} {n}" for n in range(1500)]
    questions = [f"{' '.join(rng.choice(words, 12))} {n}?" for n in range(300)]
    page = report_page(make_page(questions, passages))
    assert len(page.encode()) < 600_000
    # A map shows 200 questions and 600 passages at most, twice.
    assert page.count("<circle") + page.count("<polygon") < 2 * 800 + 100


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_files_of_their_own(make_page: MakePage, name: str) -> None:
    text = pictures(make_page())[name]
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in text
    assert "tuned model" in text


def test_a_passage_that_no_system_finds_is_named(make_page: MakePage) -> None:
    facts = make_page()
    trace = facts.trace
    assert trace.task is not None
    relevant = trace.task.relevant[1]
    away = {name: rows.copy() for name, rows in trace.rankings.items()}
    for rows in away.values():
        rows[1] = [each for each in range(len(relevant) + rows.shape[1]) if each not in relevant][
            : rows.shape[1]
        ]
    assert 1 not in perhaps_mislabelled(facts)
    missed = replace(facts, trace=replace(trace, rankings=away))
    assert 1 in perhaps_mislabelled(missed)
    shown = read(report_page(missed)).text
    assert "Perhaps mislabelled" in shown
    assert trace.task.questions[1] in shown.split("Perhaps mislabelled")[1]
    some = {**away, "bm25": trace.rankings["bm25"]}
    assert 1 not in perhaps_mislabelled(replace(facts, trace=replace(trace, rankings=some)))
