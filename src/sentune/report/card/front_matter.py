"""The YAML at the top of a card, which the hub reads."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from sentune.report.card.dataset import example_sentences
from sentune.report.card.facts import CardFacts

__all__ = ["front_matter", "written"]

_METRICS = ("accuracy@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
_TITLES = {"mrr": "MRR", "ndcg": "NDCG"}
_WIDGETS = 3
_NAME = re.compile(r"[a-z]+([_-][a-z]+)*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def front_matter(facts: CardFacts) -> str:
    """The block between two lines of ``---``, both included."""
    fields: dict[str, Any] = {"tags": _tags(facts)}
    if facts.base_is_public:
        fields["base_model"] = facts.base_name
    if not facts.private:
        fields["widget"] = [
            {"source_sentence": question, "sentences": passages}
            for question, *passages in example_sentences(facts.training, _WIDGETS)
        ]
    fields["pipeline_tag"] = "sentence-similarity"
    fields["library_name"] = "sentence-transformers"
    if results := _results(facts):
        fields["model-index"] = [{"name": facts.name, "results": results}]
    return written(fields)


def written(fields: dict[str, Any]) -> str:
    """Fields as YAML between two lines of ``---``."""
    block = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)
    return f"---\n{block}---"


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


def _results(facts: CardFacts) -> list[dict[str, Any]]:
    """The figures of the kept model, in the hub's model-index format."""
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


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # yaml has no types
    """Quotes texts, each on one line, so that no text looks like the end of the block."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    style = None if _NAME.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", _SURROGATE.sub("\ufffd", text), style)


_Dumper.add_representer(str, _text)
