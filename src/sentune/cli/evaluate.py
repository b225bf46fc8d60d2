"""``sentune evaluate``: how well models find passages, or order sentence pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.evaluate_report import require_report, write_report
from sentune.cli.evaluate_seen import seen_caution
from sentune.cli.models import loaded_model, models_by_name
from sentune.cli.options import OF_PAIRS, AsJson, Bases, LongTexts, Model, long_text_of, reads
from sentune.cli.output import interactive, print_json, print_line, say, show
from sentune.cli.paths import require_there
from sentune.errors import ArgumentError
from sentune.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from sentune.data import Pairs, ReadOptions, ScoredPairs
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.evaluation import Report
    from sentune.evaluation.trace import Trace
    from sentune.ranking.pieces import LongText
    from sentune.tokens.truncation import Truncation

__all__ = ["NAME", "command"]

NAME = "evaluate"
_SAVED_WEIGHT = (
    "the fusion weight, {:g}, comes from the model folder; if these questions were used for "
    "tuning, the figures are too good"
)
_Models = Mapping[str, "SentenceTransformer"]


@dataclass(frozen=True, slots=True)
class _Measured:
    """The figures as ``--json`` prints them; tables and lines for people; what was cut."""

    figures: dict[str, Any]
    tables: list[Table]
    lines: list[str]
    truncations: dict[str, Truncation]


@dataclass(frozen=True, slots=True)
class _Page:
    """The report to write, if there is one: its path, its data, and whether it has no texts.

    ``seen`` says which of its questions a model was trained on.
    """

    path: Path | None
    data: Path
    private: bool
    seen: str | None

    def write(
        self,
        pairs: Pairs,
        models: _Models,
        reports: Mapping[str, Report],
        trace: Trace | None,
        read: Truncation,
    ) -> None:
        if self.path is not None and trace is not None:
            facts = (pairs, models, reports, trace, read, self.data)
            write_report(self.path, *facts, private=self.private, seen=self.seen)


@reads(*OF_PAIRS, "score")
def command(
    model: Model,
    data: Annotated[
        Path, typer.Argument(help="Question–passage pairs, or sentence pairs with a score.")
    ],
    base: Bases = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Passages that nobody asked about; they are searched, too.")
    ] = None,
    long_text: LongTexts = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write a page with figures, questions and a map.")
    ] = None,
    private_card: Annotated[
        bool, typer.Option("--private-card", help="No text of the data in the report.")
    ] = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Measure how well models find passages or rate pairs.

    With question–passage pairs, BM25 is measured beside them; with sentence pairs, the measure is
    what people said.
    """
    require_there(data, corpus)
    from sentune.data import ScoredPairs, read_pairs, read_scored_pairs
    from sentune.data.scored import is_scored

    chosen = long_text_of(long_text)
    reading = replace(reading, part="test")
    scored = is_scored(data, reading)
    require_report(report, scored=scored, private=private_card)
    read = read_scored_pairs if scored else read_pairs
    pairs: Pairs | ScoredPairs = read(data, reading)
    if isinstance(pairs, ScoredPairs) and long_text is not None:
        raise ArgumentError(
            "--long-text with sentence pairs",
            expected="question–passage pairs, whose passages can be long",
            fix="leave it out",
        )
    asked = pairs
    if corpus is not None:
        pairs = _beside(corpus, pairs, reading)
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tokens.truncation import count_truncation

    named = models_by_name([*(base or ()), model])
    models: dict[str, SentenceTransformer] = {
        label: loaded_model(name) if label == [*named][-1] else SentenceTransformer(name)
        for label, name in named.items()
    }
    seen = seen_caution(asked, models)
    with count_truncation():  # each model counts; printed once, below
        if isinstance(pairs, ScoredPairs):
            measured = _of_sentences(pairs, models)
        else:
            measured = _of_passages(pairs, models, chosen, _Page(report, data, private_card, seen))
    truncations = measured.truncations
    caution = ". ".join(filter(None, (seen, _caution(pairs))))
    if as_json:
        figures = ({"caution": caution} if caution else {}) | measured.figures
        _print_json(figures, named, [asdict(each) for each in truncations.values()])
        return
    if caution:
        print_line(f"{caution}.\n")
    for table in measured.tables:
        show(table)
        print_line()
    for line in measured.lines:
        print_line(line)
    told = {label: f.describe(models[label].max_seq_length) for label, f in truncations.items()}
    for label, line in told.items() if len(set(told.values())) > 1 else [("", told[[*told][-1]])]:
        print_line(f"{label}: {line}" if label else line)
    if report is not None:
        print_line(f"report: {report}")


def _caution(pairs: Pairs | ScoredPairs) -> str | None:
    """What made questions cannot show; None if people asked them."""
    from sentune.data import Pairs
    from sentune.questions.made_questions import made_caution

    return made_caution(pairs) if isinstance(pairs, Pairs) and pairs.made else None


def _beside(corpus: Path, pairs: Pairs | ScoredPairs, reading: ReadOptions) -> Pairs:
    from sentune.data import Pairs, read_corpus, with_corpus

    if not isinstance(pairs, Pairs):
        raise ArgumentError(
            f"--corpus {corpus} with sentence pairs that have a score",
            expected="question–passage pairs, for which passages are searched",
            fix="leave --corpus out",
        )
    return with_corpus(pairs, read_corpus(corpus, reading))


def _print_json(
    figures: dict[str, Any], named: Mapping[str, str], truncations: list[dict[str, Any]]
) -> None:
    """The figures of the model and its base; with several bases those of each by its name."""
    found = {**figures, "truncation": truncations[-1]}
    if "models" in found:
        for label, each in zip(named, truncations, strict=True):
            found["models"][label]["truncation"] = each
        given = list(named.values())
        found["models"] = {
            named[label] if given.count(named[label]) == 1 else label: each
            for label, each in found["models"].items()
        }
    print_json(found)


def _of_passages(pairs: Pairs, models: _Models, long_text: LongText, page: _Page) -> _Measured:
    from sentune.evaluation import RetrievalTask, evaluate_models, evaluate_systems, report_table
    from sentune.evaluation.tables import difference_table, differences_of
    from sentune.evaluation.trace import Trace
    from sentune.ranking.late_interaction import LateChoice
    from sentune.ranking.pieces import what_is_read

    task = RetrievalTask.from_pairs(pairs)
    weights = {label: model.extras.get("fusion_weight") for label, model in models.items()}
    *bases, label = models
    lates = {label: LateChoice.saved(model.extras) for label, model in models.items()}
    notes = [] if page.seen or weights[label] is None else [_SAVED_WEIGHT.format(weights[label])]
    read = {
        label: what_is_read(each, task.questions, task.passages, long_text)
        for label, each in models.items()
    }
    trace = None if page.path is None else Trace()
    if len(bases) > 1:
        reports = evaluate_models(
            task,
            models,
            fusion_weights=weights,
            lates=lates,
            long_text=long_text,
            show_progress_bar=interactive(),
            trace=trace,
            tell=lambda stage: _say_stage(stage, models),
        )
        if page.seen:
            reports = {each: found.on_seen_questions() for each, found in reports.items()}
        page.write(pairs, models, reports, trace, read[label])
        found = {**reports[label].to_json(), "data_notes": [*notes, *pairs.notes]}
        found["models"] = {each: _of_one(report) for each, report in reports.items()}
        told = [*_notes(reports), *found["data_notes"]]
        return _Measured(found, _tables(reports), _as_notes(told), read)
    named = dict(zip(("base", "model")[-len(models) :], models, strict=True))
    report = evaluate_systems(
        task,
        model=models[label],
        base=models[bases[0]] if bases else None,
        fusion_weight=weights[label],
        late=lates[label],
        long_text=long_text,
        show_progress_bar=interactive(),
        trace=trace,
        tell=lambda stage: _say_stage(named.get(stage, stage), models),
    )
    if page.seen:
        report = report.on_seen_questions()
    page.write(pairs, models, {label: report}, trace, read[label])
    tables = [report_table(report, named), difference_table(differences_of(report, named))]
    found = {**report.to_json(), "data_notes": [*notes, *pairs.notes]}
    return _Measured(found, tables, _as_notes([*found["notes"], *found["data_notes"]]), read)


def _say_stage(name: str, models: _Models) -> None:
    """A line for each model, if there are several."""
    if name in models and len(models) > 1:
        say(f"measuring {name}")


def _as_notes(sentences: list[str]) -> list[str]:
    return [f"note: {sentence}" for sentence in sentences]


def _of_one(report: Report) -> dict[str, Any]:
    figures = report.to_json()
    return {name: figures[name] for name in ("systems", "differences", "fusion", "late", "notes")}


def _tables(reports: Mapping[str, Report]) -> list[Table]:
    """All systems, and the paired differences to the first model."""
    from sentune.evaluation.report import PRIMARY_METRIC
    from sentune.evaluation.tables import difference_table, models_rows, systems_table

    first, *others = reports
    return [
        systems_table(models_rows(reports)),
        difference_table(
            {
                f"{each} − {first}": reports[each].differences["model_minus_base"][PRIMARY_METRIC]
                for each in others
            }
        ),
    ]


def _notes(reports: Mapping[str, Report]) -> list[str]:
    """What is true of all models once, and the rest with the model's name."""
    from sentune.evaluation import remarks

    of_each = {label: remarks(report) for label, report in reports.items()}
    of_all = [
        note for note in next(iter(of_each.values())) if all(note in n for n in of_each.values())
    ]
    own = ((label, note) for label, found in of_each.items() for note in found)
    return [*(f"{label}: {note}" for label, note in own if note not in of_all), *of_all]


def _of_sentences(pairs: ScoredPairs, models: _Models) -> _Measured:
    from sentune.evaluation.similarity_report import evaluate_similarity, similarity_table

    first, *others = models
    named = {} if not others else {"base": models[first]}
    alike = evaluate_similarity(
        pairs,
        model=models[[*models][-1]],
        base=named.get("base"),
        others={label: models[label] for label in others[:-1]},
        show_progress_bar=interactive(),
    )
    names = {"model": [*models][-1]} | ({"base": first} if others else {})
    found = {**alike.to_json(), "data_notes": list(pairs.notes)}
    if "models" in found:
        found["models"] = _with_ends(found, first, [*models][-1])
    counts = counted(len(pairs), "sentence pair")
    lines = [counts, *_as_notes([*found["notes"], *found["data_notes"]])]
    texts = [*pairs.first, *pairs.second]
    read = {label: each.tokenizer(texts)[1] for label, each in models.items()}
    return _Measured(found, [similarity_table(alike, names)], lines, read)


def _with_ends(found: dict[str, Any], first: str, last: str) -> dict[str, Any]:
    """The figures of all models by name, from the first to the last."""
    systems = found["systems"]
    return {
        first: {"systems": {"model": systems["base"]}, "differences": {}},
        **found["models"],
        last: {"systems": {"model": systems["model"]}, "differences": found["differences"]},
    }
