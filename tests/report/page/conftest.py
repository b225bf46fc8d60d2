from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sentune.evaluation.claims import notes
from sentune.evaluation.curve_points import curve_of
from sentune.evaluation.forgetting import General
from sentune.evaluation.retrieval import RetrievalTask
from sentune.evaluation.significance import Interval
from sentune.evaluation.systems import evaluate_systems
from sentune.evaluation.trace import Trace
from sentune.report.page import DataFacts, PageFacts, Ran, TrainingFacts

QUESTIONS = [
    "How do I copy a file?",
    "What closes a socket?",
    "Is a tuple hashable?",
    "sort a list",
    "When does a thread end?",
    "Where is the log written?",
    "How do I read a line?",
    "What is a generator?",
]
PASSAGES = [
    "shutil.copy copies a file and keeps its permissions.",
    "Sockets are closed by their close method.",
    "A tuple can be hashed if all that it holds can be hashed.",
    "The sort method orders a list in place.",
    "A thread ends when its function returns.",
    "The log is written to standard error unless a handler says otherwise.",
    "readline reads one line, with its end.",
    "A generator is an iterator that is written like a function.",
    "A lock is held by one thread at a time.",
    "Copying a file system needs special permissions.",
]


class Vectors:
    """A model whose vectors are those of a table."""

    similarity_fn_name = "dot"

    def __init__(self, vectors: dict[str, Any]) -> None:
        self._vectors = vectors

    def encode_query(self, inputs: list[str], **_: Any) -> Any:
        return np.array([self._vectors[text] for text in inputs], dtype=np.float32)

    encode_document = encode_query

    def similarity(self, a: Any, b: Any) -> Any:
        return np.asarray(a) @ np.asarray(b).T


def make_models(questions: list[str], passages: list[str]) -> tuple[Vectors, Vectors]:
    """A tuned model that finds more than its base does."""
    rng = np.random.default_rng(0)
    right = rng.normal(size=(len(passages), 8))
    found = []
    for noise in (0.4, 1.5):
        table = dict(zip(passages, right, strict=True))
        for row, question in enumerate(questions):
            table[question] = right[row % len(passages)] + noise * rng.normal(size=8)
        found.append(Vectors(table))
    return found[0], found[1]


MakePage = Callable[..., PageFacts]


@pytest.fixture(scope="session")
def make_page() -> MakePage:
    """The facts of a tuning over these texts, with some of them replaced."""

    def _make(
        questions: list[str] = QUESTIONS,
        passages: list[str] = PASSAGES,
        *,
        base: bool = True,
        **changes: Any,
    ) -> PageFacts:
        task = RetrievalTask(
            questions,
            passages,
            [frozenset({row % len(passages)}) for row in range(len(questions))],
            np.arange(len(questions)) % len(passages),
        )
        tuned, untuned = make_models(questions, passages)
        trace = Trace()
        report = evaluate_systems(
            task, model=tuned, base=untuned if base else None, fusion_weight=0.5, trace=trace
        )
        values = {name: found["ndcg@10"] for name, found in trace.metrics.items()}
        groups = task.groups
        facts = report.facts
        if base:
            parts = {0.0: (0, values["base"]), 0.75: (6, values["bm25"]), 1.0: (8, values["model"])}
            general = General(318, *(Interval(v, v - 0.02, v + 0.02) for v in (0.9, 0.8, -0.1)))
            facts = replace(facts, tunes=True, general=general, curve=curve_of(parts, groups))
        names = {"base": "base model", "model": "tuned model", "bm25": "BM25", "fusion": "fusion"}
        plain = PageFacts(
            title="my-model",
            measured_on="measured on 8 questions of pairs.csv",
            report=report,
            facts=facts,
            notes=notes(facts),
            names={name: shown for name, shown in names.items() if name in report.systems},
            trace=trace,
            data=DataFacts(
                counts={"to train on": "40 pairs"},
                notes=["1 question is left out"],
                concerns=["nothing much"],
                cut=["training: 3 texts cut"],
                lengths={"questions": [3, 4, 5, 9], "passages": [10, 20, 300]},
                limit=256,
            ),
            ran=Ran(
                facts={"seed": "42"},
                settings={"learning_rate": "5e-05"},
                command="sentune tune --config my-model/run.yaml --out my-model-2",
            ),
            training=TrainingFacts(
                losses=[(1, 0.9), (2, 0.5), (3, 0.4)],
                evaluations=[(1, 0.3), (3, 0.5)],
                measure="nDCG@10",
                steps=3,
                seconds=12.0,
            ),
        )
        return replace(plain, **changes)

    return _make
