from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest

from sentune.errors import DataError
from sentune.evaluation.report import FusionWeight, Report, remarks
from sentune.evaluation.significance import Difference, Interval
from sentune.evaluation.verdict import verdict


def report(
    *,
    model: float = 0.75,
    bm25: float = 0.6,
    fusion: float = 0.8,
    gain: Difference | None = None,
    p_value: float = 0.01,
    groups: int = 50,
    largest_group: int = 2,
    passages: int = 500,
) -> Report:
    systems = {
        name: {"ndcg@10": Interval(value, value - 0.1, value + 0.1)}
        for name, value in {"model": model, "bm25": bm25, "fusion": fusion}.items()
    }
    others = {"model_minus_bm25": model - bm25, "fusion_minus_model": fusion - model}
    differences = {
        name: {"ndcg@10": Difference(value, value - 0.1, value + 0.1, p_value)}
        for name, value in others.items()
    }
    if gain is not None:
        differences["model_minus_base"] = {"ndcg@10": gain}
    weight = FusionWeight(0.5, "cross-fitted")
    return Report(systems, differences, weight, 100, passages, groups, largest_group)


@pytest.mark.parametrize(
    ("gain", "outcome", "keep"),
    [
        (Difference(0.05, 0.02, 0.08, 0.001), "shown", True),
        (Difference(0.05, -0.01, 0.11, 0.1), "not shown", True),
        (Difference(0.05, 0.01, 0.09, 0.05), "shown", True),
        (Difference(0.0, -0.01, 0.01, 1.0), "no better", False),
        (Difference(-0.05, -0.08, -0.02, 0.001), "no better", False),
    ],
)
def test_verdict(
    gain: Difference, outcome: Literal["shown", "not shown", "no better"], keep: bool
) -> None:
    found = verdict(report(gain=gain))
    assert (found.outcome, found.keep) == (outcome, keep)
    assert found.text.endswith(".")
    assert "\n" not in found.text
    assert f"{gain.value:+.3f}" in found.text


def test_a_bound_that_is_almost_zero_keeps_its_side() -> None:
    text = verdict(report(gain=Difference(0.05, 0.0002, 0.08, 0.049))).text
    assert "95% interval +2e-04 to +0.080, p = 0.0490" in text


def test_verdict_needs_a_base() -> None:
    with pytest.raises(DataError, match="without the base model"):
        verdict(report())


def test_nothing_to_remark() -> None:
    assert remarks(report()) == []


@pytest.mark.parametrize(
    ("given", "beginning", "end"),
    [
        (report(bm25=0.76), "BM25 alone beats the model", "against 0.750)."),
        (report(bm25=0.76, p_value=0.2), "BM25 alone is ahead", "but that may be chance)."),
        (report(fusion=0.7), "The fusion is worse", "the model alone."),
        (report(fusion=0.7, p_value=0.2), "The fusion is behind", "but that may be chance)."),
        (report(groups=29), "Only 29 independent groups", "wider still."),
        (report(groups=5), "Only 5 independent groups", "any difference."),
        (report(groups=1, largest_group=100), "All questions are connected", "computed."),
        (report(largest_group=51), "51 of 100 questions", "one observation."),
        (report(passages=99), "Only 99 passages", "be lower."),
    ],
)
def test_each_remark_has_its_occasion(given: Report, beginning: str, end: str) -> None:
    (remark,) = remarks(given)
    assert remark.startswith(beginning)
    assert remark.endswith(end)


def test_json_is_plain_rounded_and_has_the_remarks() -> None:
    made = report(gain=Difference(0.123456789, -0.00000001, 0.2, 1 / 3), groups=10)
    plain = made.to_json()
    assert plain == json.loads(json.dumps(plain, allow_nan=False))
    assert plain["differences"]["model_minus_base"]["ndcg@10"] == {
        "value": 0.123457,
        "low": 0.0,
        "high": 0.2,
        "p_value": 0.333333,
    }
    assert "-0.0," not in json.dumps(plain["differences"]["model_minus_base"])
    assert plain["systems"]["model"]["ndcg@10"] == {"value": 0.75, "low": 0.65, "high": 0.85}
    chosen = {"weight": 0.5, "weight_from": "cross-fitted", "chosen_weight": 0.5}
    assert plain["fusion"] == chosen
    given = replace(made, fusion=FusionWeight(0.4, "given")).to_json()["fusion"]
    assert given == {"weight": 0.4, "weight_from": "given", "chosen_weight": None}
    assert (plain["questions"], plain["passages"], plain["groups"]) == (100, 500, 10)
    assert plain["notes"] == remarks(made)
