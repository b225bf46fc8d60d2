from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.report.card import CardFacts
from sentune.report.card.dataset import dataset_lines, example_sentences


def _independent_counts(model: SentenceTransformer, texts: list[str]) -> tuple[int, float, int]:
    vectors = model.encode(texts, output_value="token_embeddings", convert_to_numpy=False)
    lengths = [len(rows) for rows in vectors]
    return min(lengths), sum(lengths) / len(lengths), max(lengths)


def test_statistics_are_those_of_the_tokens_that_the_model_sees(plain_facts: CardFacts) -> None:
    text = "\n".join(dataset_lines(plain_facts))
    found = re.findall(r"min: (\d+) tokens</li><li>mean: ([\d.]+) tokens</li><li>max: (\d+)", text)
    columns = plain_facts.training.columns()
    assert len(found) == len(columns) == 2
    for (low, mean, high), texts in zip(found, columns.values(), strict=True):
        fewest, average, most = _independent_counts(plain_facts.model, texts)
        assert (int(low), mean, int(high)) == (fewest, f"{average:.2f}", most)
    assert "max: 256 tokens" in text


def test_size_columns_and_what_the_limit_cut(plain_facts: CardFacts) -> None:
    lines = dataset_lines(plain_facts)
    assert lines[0] == "* Size: 4 training samples"
    assert lines[1] == "* Columns: `anchor` and `positive`"
    assert "based on the first 4 samples" in lines[2]
    cut = plain_facts.truncation
    assert cut.truncated == 1
    assert (
        f"* Length limit: 3 texts, 1 cut at 256 tokens: {cut.tokens_left_out:,} tokens left out"
        in lines
    )


def test_negatives_are_columns_of_their_own(make_facts: Callable[..., CardFacts]) -> None:
    pairs = make_facts().training
    negatives = dict.fromkeys(pairs.questions, ("Nein.", "Auch nicht."))
    text = "\n".join(dataset_lines(make_facts(training=replace(pairs, negatives=negatives))))
    assert "* Columns: `anchor`, `positive`, `negative_1` and `negative_2`" in text
    assert "| anchor | positive | negative_1 | negative_2 |" in text
    assert text.count("<li>min:") == 4


def test_samples_differ_in_their_passage_and_are_cut(plain_facts: CardFacts) -> None:
    lines = dataset_lines(plain_facts)
    assert "* Samples (shown up to 600 characters):" in lines
    rows = [line.strip() for line in lines[-1].splitlines() if line.strip()][2:]
    assert rows[0] == (
        "| Wozu dient der Flansch? | Der Flansch verbindet zwei Rohre,<br>manchmal auch drei. |"
    )
    assert rows[1].startswith("| Wann ruht die Pumpe? | Sonntags ruht die Pumpe &#124; so")
    long = plain_facts.training.passages["p2"]
    assert rows[2] == f"| Womit schmiert man Lager? | {long[:600].rstrip()}… |"
    assert len(rows) == 3


def test_only_the_first_thousand_rows_are_counted(
    make_facts: Callable[..., CardFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentune.report.card.dataset._COUNTED_ROWS", 2)
    pairs = make_facts().training.select(["q1", "q2", "q4"])
    text = "\n".join(dataset_lines(make_facts(training=pairs)))
    assert "based on the first 2 samples" in text
    assert "max: 256 tokens" not in text


def test_private_data_shows_figures_only(make_facts: Callable[..., CardFacts]) -> None:
    text = "\n".join(dataset_lines(make_facts(private=True)))
    assert "Samples" not in text
    assert "Flansch" not in text
    assert "min: " in text


def test_an_example_needs_a_passage_that_answers_something_else() -> None:
    one = Pairs({"a": "A?", "b": "B?"}, {"1": "one"}, {"a": ("1",), "b": ("1",)})
    assert example_sentences(one, 3) == []
    assert example_sentences(one.select([]), 3) == []
    unasked = replace(one, passages={"1": "one", "2": "two"})
    assert example_sentences(unasked, 3) == [["A?", "one", "two"]]
    both = replace(unasked, relevant={"a": ("1", "2"), "b": ("2",)})
    assert example_sentences(both, 3) == [["B?", "two", "one"]]
