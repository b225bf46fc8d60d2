from __future__ import annotations

import io

import pytest
from rich.console import Console

from sentune.evaluation.report import FusionWeight, Report, remarks
from sentune.evaluation.significance import Difference, Interval
from sentune.evaluation.tables import report_markdown, report_table

METRICS = ("ndcg@10", "accuracy@1", "recall@5", "recall@10", "mrr@10", "map@100")


def report(*, base: bool = True, weight: FusionWeight | None = None) -> Report:
    figures = {"base": 0.678, "model": 0.754, "bm25": 0.82949, "fusion": 0.865}
    systems = {
        name: {metric: Interval(value, value - 0.03, value + 0.03) for metric in METRICS}
        for name, value in figures.items()
        if base or name != "base"
    }
    differences = {"model_minus_bm25": {"ndcg@10": Difference(-0.075, -0.1, -0.05, 0.0001)}}
    if base:
        differences = {
            "model_minus_base": {"ndcg@10": Difference(0.076, 0.05, 0.1, 0.0001)}
        } | differences
    return Report(
        systems, differences, weight or FusionWeight(0.6, "cross-fitted"), 600, 350, 300, 2
    )


def printed(given: Report, width: int = 80) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(report_table(given))
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def test_table_fits_into_eighty_columns() -> None:
    lines = printed(report())
    assert len(lines) == 5
    assert max(map(len, lines)) <= 80
    assert lines == printed(report(), width=200)
    assert lines[0].split() == [
        *("nDCG@10", "95%", "interval", "accuracy@1", "recall@5", "recall@10", "MRR@10")
    ]
    assert lines[2].split() == [*("tuned", "0.754", "0.724", "to", "0.784"), *["0.754"] * 4]


def test_table_without_a_base_has_no_tuned_model() -> None:
    assert [line.split()[0] for line in printed(report(base=False))[1:]] == [
        "model",
        "BM25",
        "fusion",
    ]


def test_the_best_is_marked() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80, force_terminal=True).print(report_table(report()))
    lines = stream.getvalue().splitlines()
    assert [line.count("\x1b[1m0.865") for line in lines[1:]] == [0, 0, 0, 5]
    assert report_markdown(report(), remarks(report())).count("**0.865**") == 5


def test_markdown_has_systems_differences_and_remarks() -> None:
    text = report_markdown(report(), remarks(report()))
    lines = text.splitlines()
    assert text.endswith("\n")
    assert lines[3] == ("| tuned | 0.754 (0.724 to 0.784) | 0.754 | 0.754 | 0.754 | 0.754 |")
    assert "| tuned − base | +0.076 | +0.050 to +0.100 | 0.0001 |" in lines
    assert "| tuned − BM25 | -0.075 | -0.100 to -0.050 | 0.0001 |" in lines
    assert lines[-1].startswith("- BM25 alone beats the model")
    for line in lines:
        if line.startswith("|"):
            assert line.count("|") in (5, 7)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (FusionWeight(0.6, "cross-fitted"), "chosen on other questions"),
        (FusionWeight(0.6, "given"), "given in advance"),
        (FusionWeight(0.5, "default"), "an equal weight"),
    ],
)
def test_markdown_says_where_the_weight_is_from(weight: FusionWeight, words: str) -> None:
    text = report_markdown(report(weight=weight), [])
    assert words in text
    assert f"weight of the tuned model in the fusion is {weight.weight}." in text
