"""The YAML at the top of a card, which is what the hub reads."""

from __future__ import annotations

import json
import re
from typing import Any

from sentune.report.card.dataset import example_sentences
from sentune.report.card.facts import CardFacts

__all__ = ["front_matter"]

_METRICS = ("accuracy@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
_TITLES = {"mrr": "MRR", "ndcg": "NDCG"}
_WIDGETS = 3
# Outside YAML's character set, or line breaks to YAML and not to JSON.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def front_matter(facts: CardFacts) -> str:
    """The block between two lines of ``---``, both included."""
    fields: dict[str, Any] = {"tags": _tags(facts)}
    if facts.base_is_public:
        fields["base_model"] = facts.base_name
    if not facts.private:
        fields["widget"] = _widgets(facts)
    fields["pipeline_tag"] = "sentence-similarity"
    fields["library_name"] = "sentence-transformers"
    if results := _results(facts):
        fields["model-index"] = [{"name": facts.name, "results": results}]
    return "\n".join(["---", *_emit(fields), "---"])


def _tags(facts: CardFacts) -> list[str]:
    tags = ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense"]
    if facts.kept == "base":
        return tags
    return [
        *tags,
        "generated_from_trainer",
        f"dataset_size:{len(facts.training)}",
        f"loss:{type(facts.loss).__name__}",
    ]


def _widgets(facts: CardFacts) -> list[dict[str, Any]]:
    return [
        {"source_sentence": question, "sentences": passages}
        for question, *passages in example_sentences(facts.training, _WIDGETS)
    ]


def _results(facts: CardFacts) -> list[dict[str, Any]]:
    """The kept model's own figures, in the hub's model-index format."""
    system = "model" if facts.kept == "tuned" else "base"
    if facts.report is None or system not in facts.report.systems:
        return []
    figures = facts.report.systems[system]
    similarity = facts.model.similarity_fn_name
    metrics = [
        {
            "type": f"{similarity}_{metric}",
            "value": round(figures[metric].value, 4),
            "name": f"{similarity.capitalize()} {_metric_title(metric)}",
        }
        for metric in _METRICS
    ]
    return [
        {
            "task": {"type": "information-retrieval", "name": "Information Retrieval"},
            "dataset": {"name": "held-out questions", "type": "unknown"},
            "metrics": metrics,
        }
    ]


def _metric_title(metric: str) -> str:
    name, _, cutoff = metric.partition("@")
    return f"{_TITLES.get(name, name.capitalize())}@{cutoff}"


def _emit(value: Any) -> list[str]:
    """Block YAML with JSON scalars, which quote whatever a text may hold."""
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(key, item)]
    if isinstance(value, list) and value:
        return [
            ("- " if number == 0 else "  ") + line
            for item in value
            for number, line in enumerate(_emit(item))
        ]
    return [_scalar(value)]


def _entry(key: str, value: Any) -> list[str]:
    lines = _emit(value)
    if isinstance(value, dict | list) and value:
        return [f"{key}:", *("  " + line for line in lines)]
    return [f"{key}: {lines[0]}"]


def _scalar(value: Any) -> str:
    text = _SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
