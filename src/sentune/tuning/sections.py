"""Sections of documents that are held out, with a made question on each of their passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sentune.data import Pairs, hold_out
from sentune.data.split import hold_out_groups
from sentune.questions.made_questions import made_questions
from sentune.questions.source import SourcePassage

__all__ = ["HeldOut", "part_by_section"]

_SHARE, _LEAST_SHARE = 0.2, 0.1
_ENOUGH = 40  # questions: beyond them the share falls, as held-out texts teach nothing
_MOST = 1000  # passages: more measure no better, and cost time
_FEWEST_SECTIONS = 10  # with fewer, a fifth of them may be anything


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What is not trained on.

    Attributes:
        pairs: made questions on the passages, from which their sentence is taken out.
        passages: those of the held-out sections; not all of them have a question.
        unit: ``section``, or ``passage`` if there are few sections.
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
                "question": self.pairs.questions[key],
                "passage": _titled(places[key].title, self.pairs.passages[key]),
                "kind": "sentence taken out",
                "made": True,
                "id": key,
                "source": places[key].source,
                **places[key].place,
                "headings": list(places[key].headings),
            }
            for key in self.pairs.relevant
        ]


def part_by_section(passages: Sequence[SourcePassage], seed: int) -> HeldOut:
    """Hold questions out, by section; by passage if there are few sections.

    It is a fifth of few questions, and a tenth of many. The choice depends on the seed and the
    texts alone.

    Raises:
        DataError: there are fewer than two passages from which a sentence can be taken.
    """
    texts = {each.id: each.body for each in passages}
    made = made_questions(Pairs({}, texts, {}, source=passages[0].source), seed)
    share = _share(len(made.relevant))
    sections = {each.id: repr(each.section or each.id) for each in passages}
    asked = {sections[key] for key in made.relevant}
    if len(asked) < _FEWEST_SECTIONS:
        _, held = hold_out(made, share, seed)
        return HeldOut(held, [each for each in passages if each.id in held.relevant], "passage")
    _, held = hold_out_groups(made, sections, share, seed)
    apart = {sections[key] for key in held.relevant}
    return HeldOut(held, [each for each in passages if sections[each.id] in apart], "section")


def _share(questions: int) -> float:
    share = max(_LEAST_SHARE, min(_SHARE, _ENOUGH / questions))
    return min(share, _MOST / questions)


def _titled(title: str, body: str) -> str:
    return f"{title} {body}" if title else body
