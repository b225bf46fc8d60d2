"""How well a model's similarity agrees with scores by people, with intervals: one model or two."""

from __future__ import annotations

from collections.abc import Mapping
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
        spearman: ``base`` (if there was one), further names, ``model`` → rank correlation with its
            interval. This one decides: it depends on the order of the scores only.
        pearson: the same names → linear correlation.
        differences: name → Spearman of this model minus that of the first, paired.
        pairs: their number.
    """

    spearman: dict[str, Interval]
    pearson: dict[str, float]
    differences: dict[str, Interval]
    pairs: int

    @property
    def difference(self) -> Interval | None:
        """Spearman of ``model`` minus that of ``base``; None without a base."""
        return self.differences.get("model")

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures should know, one sentence each; may be empty."""
        if self.pairs >= _FEW_PAIRS:
            return []
        return [f"Only {self.pairs} pairs: the intervals are too narrow to be of use."]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists with floats to six digits."""
        others = [name for name in self.spearman if name not in ("base", "model")]
        figures = {**self._of("model", "base"), "pairs": self.pairs}
        if others:
            figures["models"] = {name: self._of(name) for name in others}
        return {**rounded(figures), "notes": self.notes}

    def _of(self, name: str, *others: str) -> dict[str, Any]:
        """The figures of one model, as if it alone had been compared with the first."""
        names = [each for each in (*others, name) if each in self.spearman]
        systems = {
            "model" if each == name else each: {
                "spearman": asdict(self.spearman[each]),
                "pearson": {"value": self.pearson[each]},
            }
            for each in names
        }
        found = self.differences.get(name)
        differences = {} if found is None else {"model_minus_base": {"spearman": asdict(found)}}
        return {"systems": systems, "differences": differences}


def evaluate_similarity(
    pairs: ScoredPairs,
    *,
    model: PairModel,
    base: PairModel | None = None,
    others: Mapping[str, PairModel] | None = None,
    show_progress_bar: bool = False,
) -> SimilarityReport:
    """Correlate a model's similarity of each pair with its score, and compare with a base.

    ``others`` are further models by name, each compared with the base too.

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
    models = ({} if base is None else {"base": base}) | dict(others or {}) | {"model": model}
    found = {name: evaluator.similarities(encoder) for name, encoder in models.items()}
    scores = evaluator.scores
    return SimilarityReport(
        spearman={name: spearman_interval(scores, values) for name, values in found.items()},
        pearson={name: pearson(scores, values) for name, values in found.items()},
        differences={
            name: spearman_difference(scores, values, found["base"])
            for name, values in found.items()
            if base is not None and name != "base"
        },
        pairs=len(pairs),
    )


def similarity_table(report: SimilarityReport, names: Mapping[str, str] | None = None) -> Table:
    """One row for each model, and one for each paired difference.

    ``names`` are those of ``base`` and ``model``, if they have others.
    """
    from rich.markup import escape

    shown = {name: name for name in report.spearman} | dict(names or {})
    table = figure_table("", "Spearman", "95% interval", "Pearson")
    rows = [
        (shown[name], found, report.pearson[name], ".4f") for name, found in report.spearman.items()
    ]
    for name, found in report.differences.items():
        change = report.pearson[name] - report.pearson["base"]
        rows.append((f"{shown[name]} − {shown['base']}", found, change, "+.4f"))
    for name, found, linear, digits in rows:
        figures = [format(n, digits) for n in (found.value, found.low, found.high, linear)]
        table.add_row(escape(name), figures[0], f"{figures[1]} to {figures[2]}", figures[3])
    return table
