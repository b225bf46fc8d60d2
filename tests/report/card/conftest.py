from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation.report import FusionWeight, Report
from sentune.evaluation.significance import Difference, Interval
from sentune.report.card import CardFacts
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MultipleNegativesRankingLoss

METRICS = ("accuracy@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")

PAIRS = Pairs(
    questions={
        "q1": "Wozu dient der Flansch?",
        "q2": "Wer prüft den Zylinder?",
        "q3": "Wann ruht die Pumpe?",
        "q4": "Womit schmiert man Lager?",
    },
    passages={
        "p1": "Der Flansch verbindet zwei Rohre,\nmanchmal auch drei.",
        "p2": "Lager schmiert man mit säurefreiem Fett. " * 40,
        "p3": "Sonntags ruht die Pumpe | so will es die Hausordnung.",
    },
    relevant={"q1": ("p1",), "q2": ("p1",), "q3": ("p3",), "q4": ("p2",)},
)


def make_report(base: float = 0.5, tuned: float = 0.7) -> Report:
    """A report whose metrics all differ, so that no figure can stand in for another."""
    means = {"base": base, "model": tuned, "bm25": 0.6, "fusion": 0.8}
    change = tuned - base
    return Report(
        systems={
            system: {
                metric: Interval(mean + number / 100 + 0.00012, mean - 0.1, mean + 0.15)
                for number, metric in enumerate(METRICS)
            }
            for system, mean in means.items()
        },
        differences={
            name: {"ndcg@10": Difference(value, value - 0.05, value + 0.05, 0.0123)}
            for name, value in (("model_minus_base", change), ("fusion_minus_model", 0.1))
        },
        fusion=FusionWeight(0.6, "cross-fitted"),
        questions=40,
        passages=123,
        groups=35,
        largest_group=2,
    )


@pytest.fixture(scope="session")
def discarded() -> dict[str, Any]:
    """The changes that make facts those of a tuning which made the model worse."""
    report = make_report(base=0.7, tuned=0.5)
    alone = replace(make_report(base=0.7, tuned=0.7).facts, tunes=True)
    found = {
        metric: Interval(0.85, 0.75, 1.0) if metric == "ndcg@10" else Interval(0.85, 0.7, 0.9)
        for metric in METRICS
    }
    return {
        "report": replace(report, base_alone={"fusion": found}),
        "result": replace(report.facts, tunes=True, base_alone=alone),
    }


MakeFacts = Callable[..., CardFacts]


@pytest.fixture(scope="session")
def plain_facts(model: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> CardFacts:
    folder: Path = tmp_path_factory.mktemp("hidden_place")
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=20,
        per_device_eval_batch_size=20,
        num_train_epochs=10,
        learning_rate=2e-5,
        hub_token="hf_very_secret",
        run_name="secret run",
    )
    return CardFacts(
        model=model,
        name="my-model",
        training=PAIRS,
        loss=MultipleNegativesRankingLoss(),
        arguments=arguments,
        steps=1234,
        seconds=35.04,
        loss_log=[(0.5, 10, 1.23456), (1.0, 20, 0.98765)],
        compute="float32 on cpu (asked for); weights float32",
        truncation=model.tokenizer(list(PAIRS.passages.values()))[1],
        recipe="plain",
        prepared=["2 passages of more than 256 tokens became 5 pieces"],
        sentences=3,
        rows_an_epoch=7,
        report=make_report(),
        result=replace(make_report().facts, tunes=True),
        evaluated_on="measured on the 40 questions of held_out.json",
        private=False,
    )


@pytest.fixture
def make_facts(plain_facts: CardFacts) -> MakeFacts:
    """The plain facts with some of them replaced."""

    def _make(**changes: Any) -> CardFacts:
        return replace(plain_facts, **changes)

    return _make
