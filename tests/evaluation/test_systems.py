from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.evaluation.report import Report, read_report
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.significance import bootstrap_interval, paired_difference
from sentune.evaluation.systems import evaluate_models, evaluate_systems
from sentune.evaluation.trace import Trace
from sentune.evaluation.verdict import verdict
from sentune.evaluation.weights import best_weight, cross_fit, weight_curves
from sentune.ranking import blocks
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank

MakeModel = Callable[..., Any]
NOUNS = ["apple", "bridge", "castle", "dragon", "engine", "forest", "garden", "harbor", "island"]
METRICS = {
    *(f"{name}@{k}" for name in ("accuracy", "precision", "recall") for k in (1, 3, 5, 10)),
    "mrr@10",
    "ndcg@10",
    "map@100",
}


def make_task(questions: int = 40, passages: int = 120) -> RetrievalTask:
    """Two questions on each passage asked for, which share some of their words with it."""
    rng = np.random.default_rng(0)
    texts = [f"{' '.join(rng.choice(NOUNS, 6))} number{number}" for number in range(passages)]
    asked = np.arange(questions) // 2
    return RetrievalTask(
        questions=[
            f"{' '.join(rng.choice(texts[place].split()[:6], 3))} question{number}"
            for number, place in enumerate(asked)
        ],
        passages=texts,
        relevant=[frozenset({int(place)}) for place in asked],
        groups=asked * 3 + 5,
    )


def make_vectors(task: RetrievalTask, noise: float, seed: int) -> dict[str, list[float]]:
    """A question's vector is that of its passage, and noise."""
    rng = np.random.default_rng(seed)
    passages = rng.normal(size=(len(task.passages), 16))
    vectors = dict(zip(task.passages, passages.tolist(), strict=True))
    for question, places in zip(task.questions, task.relevant, strict=True):
        vectors[question] = (passages[min(places)] + noise * rng.normal(size=16)).tolist()
    return vectors


@pytest.fixture(scope="module")
def task() -> RetrievalTask:
    return make_task()


@pytest.fixture
def models(task: RetrievalTask, make_model: MakeModel) -> tuple[Any, Any]:
    """The tuned model and its base."""
    return make_model(make_vectors(task, 0.8, 1)), make_model(make_vectors(task, 2.0, 1))


def test_every_figure_is_what_its_parts_give(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    model, base = models
    report = evaluate_systems(task, model=model, base=base, fusion_weight=0.4)
    words = BM25(task.passages).scores(task.questions)
    dense = {
        name: np.asarray(
            one.similarity(one.encode_query(task.questions), one.encode_document(task.passages))
        )
        for name, one in (("model", model), ("base", base))
    }
    rankings = {
        "base": rank(dense["base"]),
        "model": rank(dense["model"]),
        "bm25": rank(words),
        "fusion": rank(fuse(dense_candidates(dense["model"]), word_candidates(words), 0.4)),
    }
    assert list(report.systems) == list(rankings)
    values = {name: question_metrics(found, task.relevant) for name, found in rankings.items()}
    for name, metrics in values.items():
        assert report.systems[name].keys() == METRICS
        for metric, numbers in metrics.items():
            expected = bootstrap_interval(numbers, task.groups)
            found = report.systems[name][metric]
            assert (found.value, found.low, found.high) == pytest.approx(
                (expected.value, expected.low, expected.high)
            )
    for a, b in (("model", "base"), ("model", "bm25"), ("fusion", "bm25"), ("fusion", "model")):
        assert report.differences[f"{a}_minus_{b}"] == {
            "ndcg@10": paired_difference(values[a]["ndcg@10"], values[b]["ndcg@10"], task.groups)
        }
    assert len(report.differences) == 4
    assert (report.fusion.weight, report.fusion.weight_from) == (0.4, "given")
    assert (report.questions, report.passages, report.groups) == (40, 120, 20)
    assert report.largest_group == 2


@pytest.mark.parametrize("long_text", ["pieces", "truncate"])
def test_long_passages_rank_by_their_best_piece(
    tiny: SentenceTransformer, real_texts: list[str], make_model: MakeModel, long_text: Any
) -> None:
    texts = ["\n".join(real_texts[place : place + 4]) for place in range(0, 80, 4)]
    questions = [" ".join(text.split()[-8:]) for text in texts]
    own = [frozenset({place}) for place in range(len(texts))]
    task = RetrievalTask(questions, texts, own, np.arange(len(texts)))
    cut = [tiny.tokenizer.pieces(t, 46) if long_text == "pieces" else [t] for t in texts]
    pieces = [piece for each in cut for piece in each]
    assert (len(pieces) > 2 * len(texts)) == (long_text == "pieces")
    draw = np.random.default_rng(0)
    model = make_model({text: draw.normal(size=16).tolist() for text in [*questions, *pieces]})
    model.tokenizer = tiny.tokenizer
    similar = np.asarray(model.similarity(model.encode(questions), model.encode(pieces)))
    scores = {"model": similar, "bm25": BM25(pieces).scores(questions)}
    ends = np.cumsum([len(each) for each in cut])[:-1]
    best = {
        name: np.stack([part.max(axis=1) for part in np.split(found, ends, axis=1)], axis=1)
        for name, found in scores.items()
    }
    fused = fuse(dense_candidates(best["model"]), word_candidates(best["bm25"]), 0.4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ELEMENTS", 500)
        report = evaluate_systems(task, model=model, fusion_weight=0.4, long_text=long_text)
    for name, values in {**best, "fusion": fused}.items():
        expected = question_metrics(rank(values), own)
        for metric, numbers in expected.items():
            assert report.systems[name][metric].value == pytest.approx(numbers.mean()), metric


def test_of_several_models_the_last_cuts_the_passages_for_bm25(
    tiny: SentenceTransformer, make_model: MakeModel
) -> None:
    task = make_task(20, 30)
    words = np.random.default_rng(0).choice(NOUNS, (30, 90))
    texts = [f"{text} {' '.join(row)}" for text, row in zip(task.passages, words, strict=True)]
    task = replace(task, passages=texts)
    pieces = [piece for text in texts for piece in tiny.tokenizer.pieces(text, 46)]
    vectors = {text: [1.0, float(len(text))] for text in [*task.questions, *texts, *pieces]}
    whole, cutting = make_model(vectors), make_model(vectors)
    cutting.tokenizer = tiny.tokenizer
    of_whole, of_pieces = (
        evaluate_systems(task, model=each).systems["bm25"] for each in (whole, cutting)
    )
    assert of_whole != of_pieces
    for first, last, expected in ((whole, cutting, of_pieces), (cutting, whole, of_whole)):
        reports = evaluate_models(task, {"first": first, "last": last})
        assert [each.systems["bm25"] for each in reports.values()] == [expected] * 2
    told = evaluate_models(task, {"a": whole, "b": cutting}, long_text="truncate")
    assert told["a"].systems["bm25"] == of_whole


def test_each_model_encodes_each_text_once(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ELEMENTS", 500)
        evaluate_systems(task, model=models[0], base=models[1])
    for model in models:
        assert model.asked == [("query", task.questions), ("document", task.passages)]


def test_blocks_of_questions_change_nothing(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    whole = evaluate_systems(task, model=models[0], base=models[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sentune.evaluation.systems.measuring.row_blocks",
            lambda *_: [slice(0, 7), slice(7, 40)],
        )
        assert evaluate_systems(task, model=models[0], base=models[1]) == whole


def test_the_same_input_gives_the_same_report(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    first, second = (evaluate_systems(task, model=models[0]) for _ in range(2))
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())


def test_without_a_base(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(task, model=models[0])
    assert list(report.systems) == ["model", "bm25", "fusion"]
    assert list(report.differences) == [
        "model_minus_bm25",
        "fusion_minus_bm25",
        "fusion_minus_model",
    ]


def test_the_weight_is_cross_fitted(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(task, model=models[0])
    assert report.fusion.weight_from == "cross-fitted"
    vectors = models[0].encode_query(task.questions), models[0].encode_document(task.passages)
    words = BM25(task.passages).scores(task.questions)
    curves = weight_curves(np.asarray(models[0].similarity(*vectors)), words, task.relevant)
    assert report.fusion.weight == best_weight(curves["ndcg@10"])
    best = max(
        evaluate_systems(task, model=models[0], fusion_weight=step / 10)
        .systems["fusion"]["ndcg@10"]
        .value
        for step in range(11)
    )
    assert report.systems["fusion"]["ndcg@10"].value <= best


def test_folds_keep_groups_whole(
    task: RetrievalTask, models: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def spy(curves: Any, folds: Any) -> Any:
        seen.append(folds)
        return cross_fit(curves, folds)

    monkeypatch.setattr("sentune.evaluation.systems.fusing.cross_fit", spy)
    evaluate_systems(task, model=models[0])
    evaluate_systems(task, model=models[0], folds_seed=1)
    for folds in seen:
        assert sorted(np.bincount(folds).tolist()) == [8] * 5
        assert (folds[::2] == folds[1::2]).all()
    assert (seen[0] != seen[1]).any()


def two_or_one(task: RetrievalTask, groups: int) -> RetrievalTask:
    numbers = np.arange(len(task.questions)) % groups
    return RetrievalTask(task.questions, task.passages, task.relevant, numbers)


def test_two_groups_make_two_folds(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(two_or_one(task, 2), model=models[0])
    assert report.fusion.weight_from == "cross-fitted"


def test_one_group_gives_figures_but_no_certainty(
    task: RetrievalTask, models: tuple[Any, Any]
) -> None:
    report = evaluate_systems(two_or_one(task, 1), model=models[0], base=models[1])
    assert (report.fusion.weight, report.fusion.weight_from) == (0.5, "default")
    found = report.systems["model"]["ndcg@10"]
    assert (found.low, found.high) == (0.0, 1.0)
    difference = report.differences["model_minus_base"]["ndcg@10"]
    assert (difference.low, difference.high, difference.p_value) == (-1.0, 1.0, 1.0)
    assert verdict(report).outcome == "not shown"
    json.dumps(report.to_json(), allow_nan=False)


def test_a_model_that_equals_its_base_is_no_better(
    task: RetrievalTask, models: tuple[Any, Any]
) -> None:
    report = evaluate_systems(task, model=models[0], base=models[0])
    assert report.differences["model_minus_base"]["ndcg@10"].value == 0.0
    assert verdict(report).outcome == "no better"


def test_a_better_model_is_shown_to_be(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(task, model=models[0], base=models[1])
    assert verdict(report).outcome == "shown"
    turned: Report = evaluate_systems(task, model=models[1], base=models[0])
    assert verdict(turned).outcome == "no better"


def test_questions_won_and_lost_are_counted(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    model, base = models
    trace = Trace()
    report = evaluate_systems(task, model=model, base=base, trace=trace)
    gain = trace.metrics["model"]["ndcg@10"] - trace.metrics["base"]["ndcg@10"]
    facts = report.facts
    assert (facts.won, facts.lost) == (int((gain > 1e-9).sum()), int((gain < -1e-9).sum()))
    assert facts.won
    turned = evaluate_systems(task, model=base, base=model).facts
    assert (turned.won, turned.lost) == (facts.lost, facts.won)
    assert facts.to_json()["ranked_higher"] == facts.won
    alone = evaluate_systems(task, model=model).facts
    assert (alone.won, alone.lost) == (None, None)


def test_a_report_is_read_from_its_json(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(task, model=models[0], base=models[1])
    again = read_report(json.loads(json.dumps(report.to_json())))
    assert again.to_json() == report.to_json()
    with pytest.raises(KeyError):
        read_report({"systems": {}})


def test_on_seen_questions_nothing_is_shown(task: RetrievalTask, models: tuple[Any, Any]) -> None:
    report = evaluate_systems(task, model=models[0], base=models[1])
    seen = report.on_seen_questions()
    assert any(each["ndcg@10"].shown for each in report.differences.values())
    assert not any(each["ndcg@10"].shown for each in seen.differences.values())
    assert seen.facts.seen
    assert not report.facts.seen
    assert seen.to_json()["differences"] == report.to_json()["differences"]


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_its_range_is_refused_before_encoding(
    task: RetrievalTask, models: tuple[Any, Any], weight: float
) -> None:
    with pytest.raises(ArgumentError, match="fusion_weight is"):
        evaluate_systems(task, model=models[0], fusion_weight=weight)
    assert models[0].asked == []
