"""Sections of documents that are held out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.made_texts import various_text

from sentune.questions.source import SourcePassage
from sentune.tuning.sections import part_by_section

FORM = various_text("form")
NAMES = [f"{kind}{number}" for kind in ("valve", "pump", "relay") for number in range(8)]


def _passages(*, copied: bool = False) -> list[SourcePassage]:
    """Two passages in each of twelve sections; with ``copied``, a section has another's text."""
    made = [
        SourcePassage(
            f"a#{number}",
            f"S{number // 2} {various_text(name)}",
            f"S{number // 2}",
            (f"S{number // 2}",),
            "a.md",
        )
        for number, name in enumerate(NAMES)
    ]
    if copied:
        twin = made[0].text.replace("S0", "T") + " It is one of a kind, as nobody else has said."
        made.append(SourcePassage("b#1", twin, "T", ("T",), "b.md"))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_a_section_is_never_on_both_sides(seed: int) -> None:
    passages = _passages()
    found = part_by_section(passages, seed)
    assert found.unit == "section"
    apart = {each.section for each in passages if each.id in found.ids}
    assert not apart & {each.section for each in passages if each.id not in found.ids}
    for row in found.rows():
        assert row["question"] not in row["passage"]
        assert row["passage"].startswith(row["headings"][-1])
        assert row["id"] in found.ids


def test_sections_with_nearly_the_same_text_are_on_one_side() -> None:
    for seed in range(20):
        ids = part_by_section(_passages(copied=True), seed).ids
        assert ("a#0" in ids) == ("b#1" in ids)


def test_the_order_of_the_documents_changes_nothing() -> None:
    passages = _passages(copied=True)
    assert part_by_section(passages, 3).ids == part_by_section(passages[::-1], 3).ids


@pytest.mark.parametrize("copied", [False, True])
def test_where_the_documents_lie_changes_nothing(copied: bool) -> None:
    def at(folder: str, few: bool) -> list[str]:
        passages = [
            replace(each, id=f"{folder}/{each.id}", source=f"{folder}/{each.source}")
            for each in _passages(copied=copied)[: 10 if few else None]
        ]
        held = part_by_section(passages, 3).ids
        return [each.text for each in passages if each.id in held]

    for few in (False, True):
        assert at("here", few) == at("/some/other/place", few)


def test_few_sections_are_divided_by_passage() -> None:
    passages = _passages()[:10]
    found = part_by_section(passages, 0)
    assert found.unit == "passage"
    assert 0 < len(found.ids) < len(passages)


def test_forms_that_are_all_alike_are_divided_all_the_same() -> None:
    passages = [
        SourcePassage(f"{n}", f"{FORM} The last word of this form is {n}.", source=f"{n}.md")
        for n in NAMES
    ]
    found = part_by_section(passages, 0)
    assert found.unit == "passage, although all are nearly the same"
    assert 0 < len(found.ids) < len(passages)
