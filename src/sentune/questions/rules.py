"""Rules that find questions which are generic, repeated, or no questions about their passage."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sentune.data.guards import normalised
from sentune.questions.made import MadePair

__all__ = ["flag_by_rules", "gives_instructions", "require_worth", "without_doubtful"]

_MOST_WORDS = 80
_OF_THE_TEXT = re.compile(
    r"\b(?:this|the|that|these|given|provided) (?:\w+ )?"
    r"(?:passage|text|excerpt|document|paragraph|article|section|snippet|chapter|author|writer)s?\b"
    r"|\b(?:mentioned|described|shown|listed|stated|discussed|given) (?:above|below|here)\b"
    r"|\bthe (?:above|following) (?:passage|text|table|figure|list|information)\b",
    re.IGNORECASE,
)
# The words of questions that fit any text.
_GENERIC = frozenset(
    {
        *("what", "which", "who", "whom", "whose", "when", "where", "why", "how", "is"),
        *("are", "was", "were", "be", "been", "do", "does", "did", "can", "could", "should"),
        *("would", "will", "may", "might", "must", "has", "have", "had", "the", "a", "an"),
        *("of", "in", "on", "for", "to", "at", "by", "with", "from", "about", "as", "and"),
        *("or", "not", "it", "its", "this", "that", "these", "those", "there", "they"),
        *("them", "their", "you", "your", "we", "our", "i", "my", "he", "she", "his", "her"),
        *("main", "key", "purpose", "topic", "idea", "ideas", "point", "points", "example"),
        *("examples", "important", "importance", "information", "summary", "overview"),
        *("describe", "explain", "mean", "means", "meaning", "detail", "details", "subject"),
        *("title", "introduction", "conclusion", "used", "use", "following", "above"),
        *("below", "any", "some", "all", "thing", "things", "term", "role"),
    }
)
_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.?!\n]{0,40}\b(?:instructions?|prompts?|rules?"
    r"|above|previous|prior|everything)\b"
    r"|\bsystem prompt\b|\bas an ai(?: language)? (?:model|assistant)\b"
    r"|\byou are (?:now )?(?:an? |the )?(?:helpful |ai\b|assistant|language model|chatbot)"
    r"|\b(?:instructions?|note|message) (?:to|for) (?:the |any )?(?:ai|assistant|model|llm|chatbot)"
    r"|\b(?:respond|reply|answer|output|print) (?:only |just )?with\b"
    r"|\b(?:respond|reply|answer|output|print) (?:only |just )?the (?:word|text|following)\b"
    r"|<\|?(?:im_start|im_end|system|assistant|endoftext)\|?>|\[/?INST\]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w\u0900-\u0dff]+")  # vowel signs of Indian scripts are no \w
_LEAST = 2  # words that say something
# Thai to Khmer, Chinese and Japanese: several words stand together without a blank.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff]")


def gives_instructions(text: str) -> bool:
    """Whether a text seems to tell a language model what to do."""
    return _TO_A_MODEL.search(text) is not None


def require_worth(question: str) -> str | None:
    """Why a question is of no use for search, whatever its passage is; None if it may be.

    >>> require_worth("What is the main purpose?")
    'generic: it fits any passage'
    >>> require_worth("When is the filter cleaned?")
    """
    words = _WORD.findall(question.casefold())
    if not any(map(str.isalpha, question)):
        return "no question: it has no letter"
    if len(words) > _MOST_WORDS:
        return f"no question: it has more than {_MOST_WORDS} words"
    if gives_instructions(question):
        return "no question: it gives instructions to a model"
    if _OF_THE_TEXT.search(question):
        return "generic: it asks about the passage, which nobody who searches has seen"
    if all(word in _GENERIC or word.isdigit() for word in words):
        return "generic: it fits any passage"
    return None


def flag_by_rules(pairs: Iterable[MadePair]) -> list[MadePair]:
    """Merge the repeats of a passage, and flag the rest that rules find.

    A question that is asked of several passages is flagged with all of them: it would count one
    of them as wrong. Of a question twice about one passage, the first is kept; these repeats alone
    are left out. Questions about a passage that gives instructions to a model are flagged.
    """
    checked = [_checked(pair) for pair in _once(pairs)]
    asked: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(checked):
        asked[normalised(pair.question)].append(place)
    for places in asked.values():
        if len(places) > 1:
            for place in places:
                reason = f"duplicate: the same question is asked of {len(places)} passages"
                checked[place] = checked[place].flagged(reason)
    return checked


def without_doubtful(pairs: Iterable[MadePair]) -> list[MadePair]:
    """The pairs that no rule flags, and whose questions have at least two words that say something.

    "Bash", "type" or "What is this spec?" are right for many passages, though each stands in one.
    """
    return [
        pair
        for pair in flag_by_rules(pairs)
        if pair.flag is None and _telling_words(pair.question) >= _LEAST
    ]


def _telling_words(question: str) -> int:
    """How many different words say something; two signs count as a word without blanks."""
    words = set(_WORD.findall(question.casefold())) - _GENERIC
    return sum(
        max(1, len(_UNSPACED.findall(word)) // 2)
        for word in words
        if any(map(str.isalpha, word)) and (len(word) > 1 or _UNSPACED.search(word))
    )


def _once(pairs: Iterable[MadePair]) -> list[MadePair]:
    """Pairs with different questions for each passage or section."""
    kept: dict[tuple[str, tuple[str, ...]], MadePair] = {}
    covered: set[tuple[str, str]] = set()
    for pair in pairs:
        question = normalised(pair.question)
        ids = tuple(passage.id for passage in pair.passages)
        if all((question, each) in covered for each in ids):
            continue
        covered |= {(question, each) for each in ids}
        kept[question, ids] = replace(pair, question=" ".join(pair.question.split()))
    return list(kept.values())


def _checked(pair: MadePair) -> MadePair:
    reason = require_worth(pair.question)
    if reason is None and any(gives_instructions(each.text) for each in pair.passages):
        reason = "its passage gives instructions to a model"
    if reason is None and _says_itself(pair.question, [each.body for each in pair.passages]):
        reason = "no question: it is the whole passage"
    return pair if reason is None else pair.flagged(reason)


def _says_itself(question: str, bodies: Sequence[str]) -> bool:
    return any(normalised(question) == normalised(body) for body in bodies)
