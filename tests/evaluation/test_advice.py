"""The sentences for those who read no table: they claim no more than the facts show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.test_systems import make_task

from sentune import SentenceTransformer
from sentune.evaluation.advice import advice, curve_sentence, plain_verdict
from sentune.evaluation.claims import evidence, notes
from sentune.evaluation.curve import Curve
from sentune.evaluation.curve_points import curve_of, model_ndcg
from sentune.evaluation.facts import Facts
from sentune.evaluation.forgetting import General
from sentune.evaluation.significance import (
    Difference,
    Interval,
    SeenDifference,
    paired_difference,
)
from sentune.evaluation.systems import evaluate_systems
from sentune.evaluation.trace import Trace

SHOWN, HIDDEN, WORSE = (0.1, 0.05, 0.15, 0.001), (0.1, -0.1, 0.3, 0.3), (-0.1, -0.2, -0.05, 0.001)


def make_facts(
    change: tuple[float, float, float, float] = SHOWN,
    *,
    fusion: tuple[float, float, float, float] = HIDDEN,
    words: tuple[float, float, float, float] = HIDDEN,
    **others: object,
) -> Facts:
    plain = Facts(
        questions=40,
        passages=200,
        groups=35,
        largest_group=2,
        means={"base": 0.5, "model": 0.6, "bm25": 0.55, "fusion": 0.65},
        right_first={"base": 19, "model": 23, "bm25": 20, "fusion": 25},
        differences={
            "model_minus_base": Difference(*change),
            "fusion_minus_model": Difference(*fusion),
            "fusion_minus_bm25": Difference(*words),
        },
        weight=0.5,
        tunes=True,
    )
    return replace(plain, **others)  # type: ignore[arg-type]


def test_the_verdict_says_how_sure_it_is() -> None:
    assert plain_verdict(make_facts()) == (
        "Tuning helped: right passages stand higher in the results than before; the right one "
        "comes first for 23 of 40 questions, before it was 19."
    )
    assert "too few to show whether tuning helped" in plain_verdict(make_facts(HIDDEN))
    assert plain_verdict(make_facts(WORSE)).startswith(
        "Tuning made the model worse, so the model from before is kept;"
    )
    behind = plain_verdict(make_facts((-0.01, -0.2, 0.2, 0.9)))
    assert behind.startswith("Tuning did not help, so the model from before is kept;")
    assert plain_verdict(make_facts(made=True)).startswith("On questions made from the passages: T")
    assert "as many as before" in plain_verdict(make_facts(right_first={"base": 9, "model": 9}))


@pytest.mark.parametrize(("won", "lost"), [(3, 2), (2, 3), (2, 2)])
def test_what_is_not_shown_is_said_in_counts(won: int, lost: int) -> None:
    facts = make_facts(HIDDEN, won=won, lost=lost)
    assert plain_verdict(facts).startswith(
        f"The tuned model ranks right passages higher for {won} questions and lower for {lost}, "
        "and these questions are too few to show whether it is better; the right one"
    )
    use = "Try the tuned model, but" if won > lost else "Measure both models on more questions"
    assert advice(facts)[0].startswith(use)


def test_nothing_is_shown_on_questions_of_a_tuning() -> None:
    known = {
        name: SeenDifference(found.value, found.low, found.high, found.p_value)
        for name, found in make_facts(fusion=WORSE).differences.items()
    }
    facts = make_facts(tunes=False, differences=known)
    assert facts.outcome == "not shown"
    assert facts.search_weight == facts.weight
    told = plain_verdict(facts, "a", "b")
    assert told.startswith("a is ahead of b on questions of a tuning, which proves nothing;")
    assert advice(facts) == ["Measure both models on questions that neither was tuned on."]
    assert "p =" not in evidence(facts)


def test_two_models_are_not_a_tuning() -> None:
    both = {SHOWN: "a is better than b: ", HIDDEN: "a is ahead of b, but"}
    both[WORSE] = "a is worse than b: "
    for change, told in both.items():
        facts = make_facts(change, tunes=False)
        assert plain_verdict(facts, "a", "b").startswith(told)
        assert plain_verdict(facts, "a", "b").endswith("for 23 of 40 questions, with b for 19.")
        assert "uning" not in plain_verdict(facts, "a", "b") + " ".join(advice(facts, "a", "b"))
    assert advice(make_facts(tunes=False), "a", "b")[0] == "Use a."
    assert advice(make_facts(WORSE, tunes=False), "a", "b")[0] == "Use b."


def test_what_to_use_follows_from_the_outcome() -> None:
    assert advice(make_facts())[0] == "Use the tuned model."
    assert advice(make_facts(HIDDEN))[0].startswith("Try the tuned model, but measure it")
    assert advice(make_facts(WORSE))[0].startswith("Keep the base model.")


@pytest.mark.parametrize(
    ("facts", "told", "weight"),
    [
        (make_facts(fusion=WORSE), "Search by the model alone", 1.0),
        (make_facts(words=WORSE), "Search by words alone", 0.0),
        (make_facts(fusion=SHOWN), "Search by the model and by words (BM25) together", 0.5),
    ],
)
def test_the_advice_on_search_is_the_weight_that_is_saved(
    facts: Facts, told: str, weight: float
) -> None:
    assert facts.search_weight == weight
    assert next(each for each in advice(facts) if each.startswith("Search by")).startswith(told)


def test_nothing_is_advised_on_a_difference_that_is_not_shown() -> None:
    assert advice(make_facts()) == ["Use the tuned model."]


def test_what_was_forgotten_is_said_if_the_tuned_model_is_kept() -> None:
    lost = General(
        318, Interval(0.9, 0.88, 0.92), Interval(0.8, 0.7, 0.85), Interval(-0.1, -0.2, -0.05)
    )
    told = "worse at general English sentences: on 318 pairs, its correlation with their scores"
    assert any(told in note for note in notes(make_facts(general=lost)))
    assert any("for this subject only" in each for each in advice(make_facts(general=lost)))
    assert not any(told in note for note in notes(make_facts(WORSE, general=lost)))
    assert make_facts(general=lost).to_json()["general"]["change"]["value"] == -0.1


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (Difference(0.03, 0.01, 0.05, 0.01), "More pairs are likely to help"),
        (Difference(0.001, -0.002, 0.004, 0.5), "not likely to help much"),
        (Difference(0.03, -0.01, 0.07, 0.2), "is not shown"),
    ],
)
def test_whether_more_pairs_help_needs_a_shown_step(last: Difference, told: str) -> None:
    assert told in curve_sentence(Curve([], last))
    assert told in " ".join(advice(make_facts(curve=Curve([], last))))


def test_the_points_of_a_curve_are_means_with_intervals() -> None:
    rng = np.random.default_rng(0)
    values = {share: rng.random(30) for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    groups = np.arange(30) // 2
    found = curve_of({s: (round(40 * s), v) for s, v in values.items()}, groups)
    assert [point.pairs for point in found.points] == [0, 10, 20, 30, 40]
    for point in found.points:
        assert point.ndcg.value == pytest.approx(values[point.share].mean())
        assert point.ndcg.low < point.ndcg.value < point.ndcg.high
    assert found.last == paired_difference(values[1.0], values[0.75], groups)
    one = curve_of({s: (1, v) for s, v in values.items()}, np.zeros(30, np.int64))
    assert (one.last.p_value, one.points[0].ndcg.high) == (1.0, 1)


def test_a_model_alone_is_measured_as_in_the_report(tiny: SentenceTransformer) -> None:
    task, trace = make_task(16, 30), Trace()
    evaluate_systems(task, model=tiny, trace=trace)
    found = model_ndcg(task, tiny, "pieces")
    np.testing.assert_array_equal(found, trace.metrics["model"]["ndcg@10"])
