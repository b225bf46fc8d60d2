"""Sections of documents that are held out, with made questions on their passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentune.data import Pairs
from sentune.data.split import hold_out_groups, named_by_text
from sentune.questions.made_questions import made_questions
from sentune.questions.near_duplicates import near_duplicates
from sentune.questions.source import SourcePassage

__all__ = ["HeldOut", "part_by_section"]

_SHARE, _LEAST_SHARE = 0.2, 0.1
_ENOUGH = 40  # passages: beyond them the share falls, as held-out texts teach nothing
_MOST = 1000  # passages: more measure no better, and cost time
_FEWEST_SECTIONS = 10  # with fewer, a fifth of them may be anything


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What is not trained on.

    Attributes:
        pairs: made questions on the passages.
        passages: those of the held-out sections; not all of them have a question.
        unit: what was held out, for a sentence: ``section``, or ``passage`` if these are few.
    """

    pairs: Pairs
    passages: Sequence[SourcePassage]
    unit: str

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the passages that must not be trained on."""
        return frozenset(each.id for each in self.passages)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a file of pairs."""
        places = {each.id: each for each in self.passages}
        return [
            {
                "question": self.pairs.questions[question],
                "passage": _titled(places[key].title, self.pairs.passages[key]),
                "kind": "half of a sentence",
                "made": True,
                "id": key,
                "source": places[key].source,
                **places[key].place,
                "headings": list(places[key].headings),
            }
            for question, (key,) in self.pairs.relevant.items()
        ]


def part_by_section(passages: Sequence[SourcePassage], seed: int) -> HeldOut:
    """Hold questions out, by section; by passage if there are few sections.

    It is a fifth of few passages, and a tenth of many. The choice depends on the seed and the
    texts alone. Sections with passages that are nearly the same stay together.

    Raises:
        DataError: there are fewer than two passages from which a question can be made.
    """
    texts = {each.id: each.body for each in passages}
    made = made_questions(Pairs({}, texts, {}, source=passages[0].source), seed)
    share = _share(len(made.passages))
    known = {each.section for each in passages if each.id in made.passages} - {None}
    several = len(known) >= _FEWEST_SECTIONS
    own = {each.id: repr(each.section or each.id) if several else each.id for each in passages}
    groups = named_by_text(_connected(passages, own), texts)
    unit = "section" if several else "passage"
    if len({groups[key] for key in made.passages}) < 2:
        groups, unit = named_by_text(own, texts), f"{unit}, although all are nearly the same"
    of_question = {question: groups[key] for question, (key,) in made.relevant.items()}
    _, held = hold_out_groups(made, of_question, share, seed)
    apart = {of_question[question] for question in held.relevant}
    return HeldOut(held, [each for each in passages if groups[each.id] in apart], unit)


def _connected(passages: Sequence[SourcePassage], group_of: Mapping[str, str]) -> dict[str, str]:
    """Groups, joined where a passage of one is nearly the same as a passage of another."""
    above = {name: name for name in group_of.values()}

    def root(name: str) -> str:
        while above[name] != name:
            name = above[name]
        return name

    for first, second in near_duplicates([each.body for each in passages]):
        names = sorted(root(group_of[passages[place].id]) for place in (first, second))
        above[names[1]] = names[0]  # the least name, whatever the order of the passages
    return {key: root(name) for key, name in group_of.items()}


def _share(passages: int) -> float:
    share = max(_LEAST_SHARE, min(_SHARE, _ENOUGH / passages))
    return min(share, _MOST / passages)


def _titled(title: str, body: str) -> str:
    return f"{title} {body}" if title else body
