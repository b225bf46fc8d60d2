from __future__ import annotations

from typing import Any

from sentune.ranking.bm25 import stemmed_words
from sentune.report.page.kinds import kind_of_question
from sentune.report.page.markup import Element, h, render
from sentune.report.page.words import Matcher, marked


def test_a_word_is_marked_if_bm25_counts_it(real_texts: list[str]) -> None:
    texts = [text for text in real_texts if len(text.split()) > 5][:60]
    matcher = Matcher(texts)
    for question, passage in zip(texts, texts[7:], strict=False):
        asked = set(stemmed_words([question])[0])
        found = [passage[a:b] for a, b in matcher.spans(question, passage)]
        stems = stemmed_words(found) if found else []
        assert all(own and own[0] in asked for own in stems)
        assert {own[0] for own in stems} == set(stemmed_words([passage])[0]) & asked


def told(children: list[Any]) -> str:
    return render(h("p", children))


def test_matches_are_marked_and_nothing_else() -> None:
    question, passage = "Who copies files?", "A file is copied; the copy <b> of a File."
    spans = Matcher([question, passage]).spans(question, passage)
    assert told(marked(passage, spans)) == (
        "<p>A <mark>file</mark> is <mark>copied</mark>; the <mark>copy</mark> &lt;b&gt; of a "
        "<mark>File</mark>.</p>"
    )


def test_of_a_long_passage_the_part_with_most_matches_is_shown() -> None:
    passage = (
        "one copy. " + "nothing here at all. " * 60 + "copies of files, copied files. " + "x " * 400
    )
    spans = Matcher([passage, "copy files"]).spans("copy files", passage)
    found = marked(passage, spans)
    assert found[0] == "…"
    assert found[-1] == "…"
    assert sum(isinstance(each, Element) for each in found) == 4
    assert len(told(found)) < 700


def test_without_a_match_the_beginning_is_shown() -> None:
    passage = "nothing " * 200
    shown = told(marked(passage, []))
    assert shown.startswith("<p>nothing")
    assert shown.endswith("…</p>")
    assert told(marked("", [])) == "<p></p>"


def test_kinds_of_questions() -> None:
    asked = {
        "What's new?": "what",
        "Whose is it?": "who",
        "Can I copy it": "yes or no",
        "Please tell me how to do it": "how",
        "¿Dónde está?": "another question",
        "": "a few words, no question",
    }
    assert {text: kind_of_question(text) for text in asked} == asked
