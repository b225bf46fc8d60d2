"""The answer of a model → questions: what fits the schema, and why the rest does not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sentune.data.files.records import text_problem
from sentune.data.guards import normalised
from sentune.questions.made import MadePair
from sentune.questions.prompt import ASKED_KINDS, INSTRUCTIONS, boundary_of
from sentune.questions.source import SourcePassage

__all__ = ["Answer", "UnusableAnswerError", "answer_of", "pairs_of"]

_LONGEST = 600  # characters of a question
_SHOWN = 60
_COPIED = 7  # words of the instructions in a row
_WORD = re.compile(r"\w+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
# Some models think aloud first, or fence their JSON.
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"\A```\w*\s*\n(.*)\n\s*```\Z", re.DOTALL)


class UnusableAnswerError(ValueError):
    """An answer is no JSON of the schema at all; its text is a reason of a few words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question as the model wrote it.

    Attributes:
        kind: one of ``ASKED_KINDS``.
        text: the question.
        evidence: what the model copied of the passage.
        flag: why it does not fit; None if it does.
    """

    kind: str
    text: str
    evidence: str = ""
    flag: str | None = None


def answer_of(content: str) -> list[Answer]:
    """The questions in an answer, in order; none if the model found nothing to ask.

    A question of an unknown kind, or the second of its kind, has a flag.

    Raises UnusableAnswerError: the answer is no JSON, or has no list of questions with texts.
    """
    stripped = _THOUGHT.sub("", content).strip()
    fenced = _FENCE.match(stripped)
    try:
        found = json.loads(fenced[1] if fenced else stripped)
    except (ValueError, RecursionError):
        raise UnusableAnswerError(_no_json(stripped)) from None
    items = found.get("questions") if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise UnusableAnswerError("JSON without a list of questions")
    answers: list[Answer] = []
    for item in items:
        answers.append(_answer(item, {each.kind for each in answers}))
    return answers


def _no_json(text: str) -> str:
    if not text:
        return "an empty answer"
    return "HTML" if text[:20].lower().startswith(("<!doctype", "<html")) else "no whole JSON"


def _answer(item: object, before: set[str]) -> Answer:
    if not isinstance(item, dict):
        raise UnusableAnswerError("JSON with a question that is no object")
    kind, text, evidence = (item.get(name, "") for name in ("kind", "text", "evidence"))
    if (
        not isinstance(text, str)
        or not isinstance(kind, str)
        or not _CONTROLS.sub("", text).strip()
    ):
        raise UnusableAnswerError("JSON with a question without a text")
    evidence = evidence if isinstance(evidence, str) else ""
    flag = None
    if kind not in ASKED_KINDS:
        kind, flag = "unknown", f"not asked for: a question of the kind {kind[:_SHOWN]!r}"
    elif kind in before:
        flag = f"not asked for: a second question of the kind {kind}"
    elif text_problem(text) or len(text) > _LONGEST:
        flag = "no question: it is too long, or no text"
        text = text[:_LONGEST].encode("utf-8", "replace").decode()
    return Answer(kind, " ".join(_CONTROLS.sub(" ", text).split()), evidence, flag)


def pairs_of(answers: list[Answer], passage: SourcePassage) -> list[MadePair]:
    """Pairs of an answer, each flagged if the passage does not bear it out.

    The evidence must stand in the passage: so it is known that the model has read it. A question
    may not repeat the instructions.
    """
    made = []
    for answer in answers:
        pair = MadePair(answer.text, (passage,), answer.kind, flag=answer.flag)
        if _repeats_instructions(answer.text, passage):
            pair = pair.flagged("no question: it repeats the instructions to the model")
        if not _stands_in(answer.evidence, passage.text):
            pair = pair.flagged("unanswerable: its evidence does not stand in the passage")
        made.append(pair)
    return made


def _stands_in(evidence: str, text: str) -> bool:
    wanted = " ".join(_WORD.findall(normalised(evidence)))
    return bool(wanted) and wanted in " ".join(_WORD.findall(normalised(text)))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return {tuple(words[start : start + _COPIED]) for start in range(len(words) - _COPIED + 1)}


_INSTRUCTION_RUNS = _runs(INSTRUCTIONS)


def _repeats_instructions(question: str, passage: SourcePassage) -> bool:
    boundary = boundary_of(passage).removeprefix("PASSAGE ")
    return boundary in question or not _INSTRUCTION_RUNS.isdisjoint(_runs(question))
