from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.data.pairs import Pairs
from sentune.report.card import CardFacts, model_card
from sentune.report.card.front_matter import front_matter

ANYTHING = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=()), max_size=10),
        st.sampled_from(
            [
                "---",
                "\n---\n",
                "...",
                ": ",
                "'",
                '"',
                "\\",
                "\n",
                "\r",
                "- a",
                "# b",
                "{",
                "&x",
                "*x",
                "!!python/object:os.system",
                "%YAML",
                "🙂",
                "\u2028",
                "\ufeff",
                "\ud83d",
                "\x85",
            ]
        ),
    ),
    min_size=1,
    max_size=6,
).map("".join)


def _parsed(card: str) -> dict[str, Any]:
    head, block, _ = card.split("---\n", 2)
    assert head == ""
    found: dict[str, Any] = yaml.safe_load(block)
    return found


def test_the_fields_of_the_hub(plain_facts: CardFacts) -> None:
    fields = _parsed(front_matter(plain_facts) + "\n")
    results = fields.pop("model-index")
    assert fields == {
        "tags": [
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "dense",
            "generated_from_trainer",
            "dataset_size:4",
            "loss:MultipleNegativesRankingLoss",
        ],
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "widget": [
            {
                "source_sentence": question,
                "sentences": [answer, other],
            }
            for question, answer, other in _expected_examples(plain_facts.training)
        ],
        "pipeline_tag": "sentence-similarity",
        "library_name": "sentence-transformers",
    }
    assert results[0]["name"] == "my-model"


def _expected_examples(pairs: Pairs) -> list[tuple[str, str, str]]:
    p1, p2, p3 = (
        pairs.passages["p1"],
        pairs.passages["p2"][:300].rstrip() + "…",
        pairs.passages["p3"],
    )
    questions = pairs.questions
    return [(questions["q1"], p1, p3), (questions["q3"], p3, p1), (questions["q4"], p2, p1)]


@pytest.mark.parametrize("system", ["model", "base"])
def test_the_hub_reads_the_figures_of_the_kept_model(
    make_facts: Callable[..., CardFacts], discarded: dict[str, Any], system: str
) -> None:
    facts = make_facts(**(discarded if system == "base" else {}))
    assert facts.report is not None
    card = ModelCard(model_card(facts))
    data: Any = card.data
    found = {result.metric_type: result for result in data.eval_results}
    assert {name: result.metric_value for name, result in found.items()} == {
        f"cosine_{metric}": round(interval.value, 4)
        for metric, interval in facts.report.systems[system].items()
    }
    assert {result.task_type for result in found.values()} == {"information-retrieval"}
    assert found["cosine_ndcg@10"].metric_name == "Cosine NDCG@10"
    assert data.model_name == "my-model"
    again: Any = ModelCard(str(card)).data
    assert again.to_dict() == data.to_dict()


def test_an_unchanged_model_is_not_tagged_as_trained(
    make_facts: Callable[..., CardFacts], discarded: dict[str, Any]
) -> None:
    tags = _parsed(front_matter(make_facts(**discarded)) + "\n")["tags"]
    assert tags == ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense"]


def test_without_figures_there_is_no_model_index(
    make_facts: Callable[..., CardFacts], discarded: dict[str, Any]
) -> None:
    assert "model-index" not in _parsed(front_matter(make_facts(report=None)) + "\n")
    report = make_facts().report
    assert report is not None
    alone = replace(report, systems={"model": report.systems["model"]})
    unknown = make_facts(**(discarded | {"report": alone}))
    assert "model-index" not in _parsed(front_matter(unknown) + "\n")


def _readable(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


@settings(max_examples=200)
@given(texts=st.lists(ANYTHING, min_size=3, max_size=3), name=ANYTHING)
def test_any_text_survives_as_yaml(plain_facts: CardFacts, texts: list[str], name: str) -> None:
    pairs = Pairs(
        questions={"q": texts[0]},
        passages={"a": texts[1], "b": texts[2]},
        relevant={"q": ("a",)},
    )
    block = front_matter(replace(plain_facts, training=pairs, name=name)) + "\n"
    block.encode()
    fields = _parsed(block)
    assert fields["widget"] == [
        {
            "source_sentence": _readable(texts[0]),
            "sentences": [_readable(texts[1]), _readable(texts[2])],
        }
    ]
    card = ModelCard(block + "\ntext\n")
    data: Any = card.data
    assert data.model_name == _readable(name)
    assert card.text.strip() == "text"
