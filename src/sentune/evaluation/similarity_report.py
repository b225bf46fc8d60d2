"""How well a model's similarity agrees with scores by people, with intervals: one model or two."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sentune.data.scored import ScoredPairs
from sentune.evaluation.correlation import pearson, spearman_difference, spearman_interval
from sentune.evaluation.evaluators import EmbeddingSimilarityEvaluator
from sentune.evaluation.report import rounded
from sentune.evaluation.significance import Interval
from sentune.evaluation.tables import figure_table
from sentune.ranking.retrieval_model import PairModel

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["SimilarityReport", "evaluate_similarity", "similarity_table"]

_FEW_PAIRS = 10
# The evaluator's default of 16 texts would leave packs, which have a token budget, nearly empty.
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class SimilarityReport:
    """What ``evaluate_similarity`` measured.

    Attributes:
        spearman: ``base`` (if there was one) and ``model`` → rank correlation with its interval.
            This one decides: it depends on the order of the scores only.
        pearson: ``base`` and ``model`` → linear correlation.
        difference: Spearman of the model minus that of the base, paired; None without a base.
        pairs: their number.
    """

    spearman: dict[str, Interval]
    pearson: dict[str, float]
    difference: Interval | None
    pairs: int

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures should know, one sentence each; may be empty."""
        if self.pairs >= _FEW_PAIRS:
            return []
        return [f"Only {self.pairs} pairs: the intervals are too narrow to be of use."]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists with floats to six digits."""
        systems = {
            name: {"spearman": asdict(found), "pearson": {"value": self.pearson[name]}}
            for name, found in self.spearman.items()
        }
        change = self.difference
        differences = {} if change is None else {"model_minus_base": {"spearman": asdict(change)}}
        figures = {"systems": systems, "differences": differences, "pairs": self.pairs}
        return {**rounded(figures), "notes": self.notes}


def evaluate_similarity(
    pairs: ScoredPairs,
    *,
    model: PairModel,
    base: PairModel | None = None,
    show_progress_bar: bool = False,
) -> SimilarityReport:
    """Correlate a model's similarity of each pair with its score, and compare with a base.

    Each model uses its similarity function (cosine for most). Intervals are bootstraps over pairs.

    Cost: every model encodes 2n sentences; then about a second for 1,500 pairs.

    Raises:
        DataError: A model gives the same similarity for all pairs.
        ModelError: A model gives similarities that are not finite.
    """
    evaluator = EmbeddingSimilarityEvaluator(
        pairs.first,
        pairs.second,
        pairs.scores,
        batch_size=_BATCH,
        show_progress_bar=show_progress_bar,
    )
    models = {"model": model} if base is None else {"base": base, "model": model}
    found = {name: evaluator.similarities(encoder) for name, encoder in models.items()}
    scores = evaluator.scores
    return SimilarityReport(
        spearman={name: spearman_interval(scores, values) for name, values in found.items()},
        pearson={name: pearson(scores, values) for name, values in found.items()},
        difference=(
            None if base is None else spearman_difference(scores, found["model"], found["base"])
        ),
        pairs=len(pairs),
    )


def similarity_table(report: SimilarityReport) -> Table:
    """One row for each model, and one for the paired difference if there are two."""
    table = figure_table("", "Spearman", "95% interval", "Pearson")
    rows = [(name, found, report.pearson[name], ".4f") for name, found in report.spearman.items()]
    if report.difference is not None:
        change = report.pearson["model"] - report.pearson["base"]
        rows.append(("model − base", report.difference, change, "+.4f"))
    for name, found, linear, digits in rows:
        figures = [format(n, digits) for n in (found.value, found.low, found.high, linear)]
        table.add_row(name, figures[0], f"{figures[1]} to {figures[2]}", figures[3])
    return table
