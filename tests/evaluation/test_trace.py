from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.evaluation.test_systems import make_task, make_vectors

from sentune import SentenceTransformer
from sentune.evaluation.retrieval import question_metrics
from sentune.evaluation.systems import evaluate_models, evaluate_systems
from sentune.evaluation.trace import Trace
from sentune.ranking import blocks

MakeModel = Callable[..., Any]
SEEN = ("accuracy@1", "accuracy@5", "recall@10", "mrr@10", "ndcg@10")  # within 20 passages


@pytest.fixture
def models(make_model: MakeModel) -> tuple[Any, Any]:
    task = make_task()
    return make_model(make_vectors(task, 0.8, 1)), make_model(make_vectors(task, 2.0, 1))


@pytest.mark.parametrize("weight", [None, 0.4])
@pytest.mark.parametrize("block", [None, 2000])
def test_the_rankings_are_those_that_were_measured(
    models: tuple[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    weight: float | None,
    block: int | None,
) -> None:
    if block is not None:  # questions in several blocks
        monkeypatch.setattr(blocks, "_ELEMENTS", block)
    task, trace = make_task(), Trace()
    model, base = models
    report = evaluate_systems(task, model=model, base=base, fusion_weight=weight, trace=trace)
    assert report == evaluate_systems(task, model=model, base=base, fusion_weight=weight)
    assert trace.rankings.keys() == trace.metrics.keys() == {"base", "model", "bm25", "fusion"}
    for name, ranking in trace.rankings.items():
        assert ranking.shape == (40, 20)
        again = question_metrics(ranking, task.relevant)
        for metric in SEEN:
            np.testing.assert_array_equal(again[metric], trace.metrics[name][metric])
            mean = trace.metrics[name][metric].mean()
            assert report.systems[name][metric].value == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("given", [None, 0.3])
def test_the_late_stage_is_ranked_as_it_was_measured(
    tiny: SentenceTransformer, given: float | None
) -> None:
    task, trace = make_task(24, 60), Trace()
    evaluate_systems(task, model=tiny, fusion_weight=given, trace=trace)
    again = question_metrics(trace.rankings["late"], task.relevant)
    for metric in SEEN:
        np.testing.assert_array_equal(again[metric], trace.metrics["late"][metric])


def test_recall_and_ranks_follow_from_the_rankings(models: tuple[Any, Any]) -> None:
    task, trace = make_task(), Trace()
    evaluate_systems(task, model=models[0], trace=trace)
    recall = trace.recall("model")
    assert recall[0] == trace.metrics["model"]["recall@1"].mean()
    assert recall[9] == trace.metrics["model"]["recall@10"].mean()
    assert (np.diff(recall) >= 0).all()
    for row, rank in enumerate(trace.right_ranks("bm25")):
        first = trace.rankings["bm25"][row].tolist()
        (right,) = task.relevant[row]
        assert rank == (first.index(right) + 1 if right in first else None)


def test_a_map_has_what_answers_its_questions(models: tuple[Any, Any]) -> None:
    task, trace = make_task(40, 120), Trace()
    evaluate_systems(task, model=models[0], base=models[1], trace=trace)
    assert set().union(*task.relevant) <= set(trace.passages.tolist())
    for name, model in zip(("model", "base"), models, strict=True):
        texts = [task.questions[row] for row in trace.questions]
        texts += [task.passages[row] for row in trace.passages]
        np.testing.assert_allclose(trace.vectors[name], model.encode(texts), atol=1e-6)


def test_of_many_texts_a_map_has_a_part() -> None:
    trace = Trace()
    trace.begin(make_task(1000, 3000))
    assert len(trace.questions) == 200
    assert len(trace.passages) == 600
    assert (trace.questions.min(), trace.questions.max()) == (0, 999)


def test_several_models_go_by_their_names(models: tuple[Any, Any]) -> None:
    task, trace = make_task(), Trace()
    named = {"first": models[1], "bm25": models[1], "last": models[0]}
    reports = evaluate_models(task, named, trace=trace)
    assert reports == evaluate_models(task, named)
    assert {"first", "last", "fusion"} <= trace.rankings.keys()
    alone = Trace()
    evaluate_models(task, {"first": models[1], "last": models[0]}, trace=alone)
    np.testing.assert_array_equal(trace.rankings["fusion"], alone.rankings["fusion"])
