"""Pairs from the structure of documents alone: headings, terms, titles, sentences, spans.

No model writes anything: what becomes a question stands in the documents already. A sentence is
taken as a question after the inverse cloze task (Lee et al. 2019, arXiv:1906.00300), a span about
another passage of its section after Chang et al. 2020 (arXiv:2002.03932).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import pairwise

from sentune.questions.made import MadePair
from sentune.questions.prose import hashed, is_list_of_references, one_line, whole_sentences
from sentune.questions.source import SourcePassage
from sentune.questions.terms import terms_of

__all__ = ["KINDS", "pairs_from_structure"]

KINDS = ("question", "heading", "term", "title", "span", "sentence")
_SENTENCES, _TERMS = 2, 3  # of a passage
_BROAD = 4  # passages: a section with more answers no question of a few words
_COMMON = 3  # words that two spans of a section share, at least
_LONG_WORD = 5  # letters
_WORD = re.compile(r"[^\W\d_]+")
_NUMBERING = re.compile(
    r"(?:(?:chapter|section|part|appendix|annex)\s+)?(?:\d+(?:\.\d+)*[.):]?|[A-Z]\.(?:\d+\.?)*"
    r"|[IVX]+[.):])\s+",
    re.IGNORECASE,
)
_SAYS_LITTLE = frozenset(
    {
        *("introduction", "overview", "summary", "conclusion", "conclusions", "notes", "note"),
        *("references", "contents", "background", "general", "other", "others", "see also"),
        *("example", "examples", "usage", "description", "parameters", "appendix", "details"),
        *("preface", "foreword", "abstract", "acknowledgments", "acknowledgements", "index"),
        *("table of contents", "further reading", "miscellaneous", "definitions", "glossary"),
        *("how to use", "discussion", "results", "methods", "scope", "purpose", "remarks"),
    }
)


def pairs_from_structure(passages: Sequence[SourcePassage], seed: int) -> list[MadePair]:
    """Make questions of the documents' own structure.

    ========  ===================================  ===============================
    kind      question                             passages
    ========  ===================================  ===============================
    question  a heading or sentence that asks      the section, or the passage
    heading   a heading; a vague one with that     its section, up to 4 passages
              above it
    term      what is defined or described         the passage with the definition
    title     the document's highest heading       its first passage
    span      two sentences of a passage           the next passage of the section
    sentence  a sentence that stands nowhere else  its passage
    ========  ===================================  ===============================

    Args:
        passages: those of one corpus, each document in the order of reading.
        seed: of the choice of sentences. The choice depends on it and on the texts alone.

    Returns:
        Pairs in the order of the passages; none for texts without structure and sentences.
        Several may have the same question. Lists of references give none.

    Cost: linear in the characters.
    """
    passages = [each for each in passages if not is_list_of_references(each.body)]
    ways: dict[str, Callable[[], Iterator[MadePair]]] = {
        "question": lambda: _asked(passages),
        "heading": lambda: _headings(passages),
        "term": lambda: _terms(passages),
        "title": lambda: _titles(passages),
        "span": lambda: _spans(passages),
        "sentence": lambda: _sentences(passages, seed),
    }
    made = [pair for kind in KINDS for pair in ways[kind]()]
    place = {passage.id: number for number, passage in enumerate(passages)}
    return sorted(made, key=lambda pair: place[pair.passages[0].id])


def _sections(passages: Sequence[SourcePassage]) -> dict[Hashable, list[SourcePassage]]:
    found: dict[Hashable, list[SourcePassage]] = defaultdict(list)
    for passage in passages:
        if passage.section is not None:
            found[passage.section].append(passage)
    return found


def _plain_heading(heading: str) -> str:
    number = _NUMBERING.match(heading)
    return one_line(heading[number.end() if number else 0 :]) or heading


def _with_body(section: Sequence[SourcePassage]) -> tuple[SourcePassage, ...]:
    """The passages that have more than the heading itself."""
    return tuple(each for each in section if each.body != each.headings[-1])


def _headed(
    passages: Sequence[SourcePassage],
) -> Iterator[tuple[tuple[str, ...], tuple[SourcePassage, ...]]]:
    """The headings of each section that is not too broad, and its passages with a body."""
    for section in _sections(passages).values():
        if section[0].headings:
            found = _with_body(section)
            if 0 < len(found) <= _BROAD:
                yield section[0].headings, found


def _asked(passages: Sequence[SourcePassage]) -> Iterator[MadePair]:
    for headings, section in _headed(passages):
        if headings[-1].rstrip().endswith("?"):
            yield MadePair(_plain_heading(headings[-1]), section, "question", headings[-1])
    for passage in passages:
        text = passage.body
        for each in whole_sentences(text):
            if each.endswith(("?", "？")) and not text.endswith(each):
                asked = re.sub(r"^(?:Q|Question)\s*[:.]\s*", "", one_line(each))
                yield MadePair(asked, (passage,), "question", each)


def _headings(passages: Sequence[SourcePassage]) -> Iterator[MadePair]:
    for headings, section in _headed(passages):
        plain = _plain_heading(headings[-1])
        if plain.endswith("?"):
            continue
        if not _is_vague(plain):
            yield MadePair(plain, section, "heading", headings[-1])
        elif len(headings) > 1 and not _is_vague(above := _plain_heading(headings[-2])):
            yield MadePair(f"{above}: {plain}", section, "heading")


def _is_vague(heading: str) -> bool:
    words = _WORD.findall(heading)
    return heading.casefold().strip(" .:") in _SAYS_LITTLE or len("".join(words)) < _LONG_WORD - 1


def _titles(passages: Sequence[SourcePassage]) -> Iterator[MadePair]:
    seen: set[tuple[str, str]] = set()
    for passage in passages:
        # A title of a single heading is a heading; rows of JSONL have titles without headings.
        title = passage.headings[0] if len(passage.headings) > 1 else ""
        if not passage.headings:
            title = passage.title
        key = (passage.source or passage.id, title)
        if title and key not in seen and passage.body and not _is_vague(_plain_heading(title)):
            seen.add(key)
            yield MadePair(_plain_heading(title), (passage,), "title", title)


def _terms(passages: Sequence[SourcePassage]) -> Iterator[MadePair]:
    for passage in passages:
        for term in terms_of(passage.body)[:_TERMS]:
            yield MadePair(term, (passage,), "term", term)


def _sentences(passages: Sequence[SourcePassage], seed: int) -> Iterator[MadePair]:
    found = [whole_sentences(passage.body) for passage in passages]
    times = Counter(one_line(each) for sentences in found for each in sentences)
    for passage, sentences in zip(passages, found, strict=True):
        alone = [
            each
            for each in dict.fromkeys(sentences)
            if times[one_line(each)] == 1 and not each.endswith(("?", "？"))
        ]
        for each in sorted(alone, key=lambda each: hashed(each, seed))[:_SENTENCES]:
            yield MadePair(one_line(each), (passage,), "sentence", each)


def _spans(passages: Sequence[SourcePassage]) -> Iterator[MadePair]:
    for section in _sections(passages).values():
        for first, second in pairwise(section):
            span = one_line(" ".join(whole_sentences(first.body)[-2:]))
            if span and len(_long_words(span) & _long_words(second.body)) >= _COMMON:
                yield MadePair(span, (second,), "span")


def _long_words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= _LONG_WORD}
