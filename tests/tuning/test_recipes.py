"""What a recipe makes of pairs that nobody asked."""

from __future__ import annotations

from dataclasses import replace

from tests.questions.test_made_questions import THINGS, text_about

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.tuning.recipes import recipe


def test_made_pairs_and_sentences_are_each_used_in_one_epoch(model: SentenceTransformer) -> None:
    pairs = Pairs(
        {thing: f"About {thing}s" for thing in THINGS},
        {thing: text_about(thing) for thing in THINGS},
        {thing: (thing,) for thing in THINGS},
        made=True,
    )
    found = recipe("documents").prepare(pairs, model, 3, 0)
    asked = {row.texts[0] for row in found.data.rows}
    assert set(pairs.questions.values()) < asked
    assert all(
        question in pairs.questions.values() or question in passage
        for question, passage in (row.texts for row in found.data.rows)
    )
    used = [row for epoch in range(3) for row in found.data.rows_in(epoch).tolist()]
    assert sorted(used) == list(range(len(found.data.rows)))
    assert found.pairs.made
    assert len(found.pairs) == len(found.data.rows)
    assert found.pairs.notes[-1].startswith("10 made pairs and ")
    plain = recipe("documents").prepare(replace(pairs, made=False), model, 3, 0)
    assert len(plain.data.rows) - plain.data.extra == len(THINGS)
