"""Sentences as questions, if words find more than the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.made_texts import COPY, pairs_of_sentences

from sentune.data import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.batches.examples import Row, TrainingData
from sentune.training.batches.row_batches import RowBatches
from sentune.tuning.recipes import DEFAULT_RECIPE, recipe
from sentune.tuning.words_or_model import WordsOrModel, words_or_model


@pytest.fixture
def words_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """BM25 as if it had been better than the base model."""
    found = WordsOrModel(0.8, 0.7, 10)
    monkeypatch.setattr("sentune.tuning.recipes.words_or_model", lambda *_: found)


@pytest.mark.parametrize("better", ["words", "model"])
def test_sentences_where_words_find_more_than_the_model(
    model: SentenceTransformer, better: str
) -> None:
    """Serial numbers are found by words; what a thing is called otherwise is found by meaning."""
    kinds = ("copies of files are made by", "threads are joined by", "dates are printed by")
    rest = "It returns nothing at all, nor did it ever return a thing."
    passages = {
        str(n): f"In this library, {kinds[n % 3]} function AX{n}Q. {rest}" for n in range(30)
    }
    questions = {str(n): f"what does AX{n}Q do" for n in range(30)}
    relevant = {str(n): (str(n),) for n in range(30)}
    if better == "model":
        passages = {"0": "A physician examined her.", "1": "The automobile was repaired."}
        passages = {
            key: f"{text} It took an hour, and then all was well." for key, text in passages.items()
        }
        passages |= {
            "2": "What it was that the one did is a matter of that day to the one who did."
        }
        questions = {
            "0": "the doctor saw the woman that day",
            "1": "the mechanic who did fix a car",
        }
        relevant = {key: (key,) for key in questions}
    pairs = Pairs(questions, passages, relevant)
    compared = words_or_model(pairs, model, 0)
    prepared = recipe(DEFAULT_RECIPE).prepare(pairs, model, 1, 0)
    assert (compared.words > compared.model) == (better == "words")
    assert (len(prepared.data.rows) > len(pairs)) == (better == "words")
    assert f"BM25 has nDCG@10 {compared.words:.3f}" in prepared.pairs.notes[-1]
    assert ("not trained on" in prepared.pairs.notes[-1]) == (better == "model")


def test_both_are_measured_as_by_hand(model: SentenceTransformer) -> None:
    pairs = pairs_of_sentences(questions={"q": COPY}, relevant={"q": ("third",)})
    compared = words_or_model(pairs, model, 0)  # COPY stands in another passage
    assert compared.questions == 1
    assert compared.words == pytest.approx(1 / np.log2(3))


@pytest.mark.usefixtures("words_better")
@pytest.mark.parametrize("epochs", [1, 2.5, 5])
def test_each_sentence_has_its_epoch(model: SentenceTransformer, epochs: float) -> None:
    questions = {f"q{number}": f"question {number}" for number in range(9)}
    pairs = pairs_of_sentences(questions=questions, relevant=dict.fromkeys(questions, ("both",)))
    data = recipe(DEFAULT_RECIPE).prepare(pairs, model, epochs, 0).data
    batches = RowBatches(data.rows, 4, rows_in=data.rows_in, spread=data.spread)
    seen: list[int] = []
    spread = -(-int(2 * epochs) // 2)
    for epoch in range(spread):
        batches.set_epoch(epoch)
        rows = [row for batch in batches for row in batch]
        assert {*range(9)} <= {*rows}
        seen += {row for row in rows if row >= 9}
    assert len(data.rows) > 9
    assert {*seen} == {*range(9, len(data.rows))}


@pytest.mark.usefixtures("words_better")
def test_no_more_sentences_than_questions_in_an_epoch(model: SentenceTransformer) -> None:
    data = recipe(DEFAULT_RECIPE).prepare(pairs_of_sentences(), model, 2, 0).data
    assert (len(data.rows), data.extra, data.spread) == (3, 2, 2)
    assert [data.rows_in(epoch).tolist() for epoch in range(3)] == [[0, 1], [0, 2], [0, 1]]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 4))
def test_extra_rows_are_spread_over_epochs(always: int, extra: int, spread: int) -> None:
    rows = [Row((f"q{n}", f"p{n}")) for n in range(always + extra)]
    data = TrainingData(rows, {}, extra, spread)
    options: Any = {"rows_in": data.rows_in, "spread": spread}
    batches = RowBatches(rows, 100, sampler="batch_sampler", **options)
    for epoch in range(6):
        batches.set_epoch(epoch)
        due = [n for n in range(len(rows)) if n < always or (n - always - epoch) % spread == 0]
        if len(batches) and due:
            assert sorted(row for batch in batches for row in batch) == due


@pytest.mark.usefixtures("words_better")
def test_pieces_fit_into_the_model(tiny: SentenceTransformer, real_texts: list[str]) -> None:
    """Its limit of 48 tokens is below the recipe's."""
    passages = {str(place): text for place, text in enumerate(real_texts[:40])}
    pairs = Pairs({"q": "how do I copy a file"}, passages, {"q": ("3",)})
    chosen = recipe(DEFAULT_RECIPE)
    data = chosen.prepare(pairs, tiny, 5, 0).data
    truncation = tiny.tokenizer([row.texts[1] for row in data.rows])[1]
    assert truncation.truncated == 0
