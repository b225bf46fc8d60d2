"""``sentune classify``: labelled texts in, a classifier out; texts in, labels out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.models import loaded_model, telling_truncation
from sentune.cli.options import (
    BASE_MODEL,
    OF_TEXTS,
    AsJson,
    Folder,
    ModelOption,
    Rows,
    Texts,
    reads,
)
from sentune.cli.output import (
    interactive,
    one_line,
    print_json,
    print_line,
    print_prose,
    say,
    show,
    write_out,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.table import Table

    from sentune.data import LabelledTexts, ReadOptions
    from sentune.evaluation.classification import LabelFigures

__all__ = ["NAME", "app"]

NAME = "classify"

app = typer.Typer(
    help="Give texts their labels.\n\nTrain a classifier, use it, measure it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Labelled = Annotated[
    str,
    typer.Argument(
        help="Texts with labels: JSONL, JSON, CSV, TSV, Parquet; - for JSONL on standard input."
    ),
]
_Classifier = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder that classify train wrote.")
]
_SHOWN = 80  # characters of a text in a line of output
_SYSTEMS = {
    "classifier": "classifier",
    "head_alone": "without tuning the model",
    "tfidf": "TF-IDF, logistic regression",
    "majority": "always the commonest label",
}


@app.command("train")
@reads(*OF_TEXTS, "class")
def train(
    file: _Labelled,
    out: Folder,
    model: ModelOption = BASE_MODEL,
    method: Annotated[str, typer.Option(help="logistic or centroid.")] = "logistic",
    few_shot: Annotated[
        bool,
        typer.Option("--few-shot", help="Tune the model first: for a few texts of each label."),
    ] = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Train a classifier on labelled texts, and measure it.

    The measure is cross-validation.
    """
    from sentune.files import require_free
    from sentune.machine.process import reuse_freed_memory
    from sentune.tasks.classifier_folder import save_classifier
    from sentune.tasks.classifier_training import require_trainable, train_classifier
    from sentune.tokens.truncation import count_truncation

    require_free(out)
    data = _labelled(file, reading)
    require_trainable(data.texts, data.labels, method=method, few_shot=few_shot)
    encoder = loaded_model(model)
    if few_shot:
        reuse_freed_memory()
    with count_truncation():  # not shown: it counts each pass over the texts
        classifier = train_classifier(
            encoder,
            data.texts,
            data.labels,
            method=method,
            few_shot=few_shot,
            show_progress_bar=interactive(),
        )
    truncation = encoder.tokenizer([classifier.prompt + text for text in data.texts])[1]
    save_classifier(classifier, out)
    say(f"wrote {out}; {truncation.describe(encoder.max_seq_length)}")
    if as_json:
        print_json({**classifier.report, "truncation": asdict(truncation)})
        return
    report = classifier.report
    print_line(
        f"{report['texts']:,} texts, {len(report['labels'])} labels, "
        f"cross-validated in {report['folds']} folds"
    )
    show(_systems_table(report["systems"]))
    for note in report["notes"]:
        print_prose(f"note: {note}")


@app.command("predict")
@reads(*OF_TEXTS)
def predict(
    directory: _Classifier,
    file: Texts = "-",
    out: Rows = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Label texts with a trained classifier."""
    from sentune.data import read_texts
    from sentune.tasks.classifier_folder import load_classifier

    texts = list(read_texts(file, reading))
    classifier = load_classifier(directory)
    with telling_truncation(classifier.model):
        found = classifier.predict(texts, show_progress_bar=interactive())
    rows = [{"text": f.text, "label": f.label, "probability": f.probability} for f in found]
    _output(rows, "probabilities", [each.probabilities for each in found], out, as_json)


@app.command("zero-shot")
@reads(*OF_TEXTS)
def zero_shot(
    file: Texts = "-",
    *,
    labels: Annotated[str, typer.Option(help='The names of the labels: "sport,politics".')],
    model: ModelOption = BASE_MODEL,
    out: Rows = None,
    as_json: AsJson = False,
    reading: ReadOptions,
) -> None:
    """Label texts without training, by the names of the labels."""
    from sentune.data import read_texts
    from sentune.tasks.zero_shot import require_names
    from sentune.tasks.zero_shot import zero_shot as similarities

    names = [name.strip() for name in labels.split(",")]
    require_names(names)
    texts = list(read_texts(file, reading))
    encoder = loaded_model(model)
    with telling_truncation(encoder):
        scores = similarities(encoder, texts, names, show_progress_bar=interactive())
    rows = [
        {"text": text, "label": names[best], "similarity": float(row[best])}
        for text, best, row in zip(texts, scores.argmax(axis=1).tolist(), scores, strict=True)
    ]
    every = [dict(zip(names, row, strict=True)) for row in scores.tolist()]
    _output(rows, "similarities", every, out, as_json)


@app.command("evaluate")
@reads(*OF_TEXTS, "class")
def evaluate(
    directory: _Classifier,
    file: _Labelled,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Measure a trained classifier on labelled texts.

    Choose texts that it has not seen.
    """
    from sentune.tasks.classifier_folder import load_classifier
    from sentune.tokens.truncation import count_truncation
    from sentune.wording import agreeing

    data = _labelled(file, reading)
    classifier = load_classifier(directory)
    with count_truncation() as truncation:
        found = classifier.evaluate(data.texts, data.labels, show_progress_bar=interactive())
    if as_json:
        print_json({**asdict(found), "truncation": asdict(truncation)})
        return
    measured = {"accuracy": asdict(found.accuracy), "macro_f1": asdict(found.macro_f1)}
    show(_systems_table({"classifier": measured}))
    print_line()
    show(_labels_table(found.per_label))
    print_line()
    if found.unknown:
        named = ", ".join(f"{label} ({count})" for label, count in found.unknown.items())
        count = sum(found.unknown.values())
        print_prose(
            f"{count:,} of {found.rows:,} rows {agreeing(count, 'has')} a label that the "
            f"classifier does not know, and {agreeing(count, 'counts')} as wrong: {named}"
        )
    print_line(
        f"expected calibration error {found.probabilities.calibration_error:.3f}, "
        f"Brier score {found.probabilities.brier:.3f}, log loss {found.probabilities.log_loss:.3f}"
    )
    print_line(truncation.describe(classifier.model.max_seq_length))


def _labelled(file: str, reading: ReadOptions) -> LabelledTexts:
    """Read labelled texts, and say what was not used."""
    from sentune.data.labelled import read_labelled_texts

    data = read_labelled_texts(file, reading)
    for note in data.notes:
        reading.tell(note)
    return data


def _output(
    rows: list[dict[str, Any]],
    name: str,
    of_all_labels: list[dict[str, float]],
    out: Path | None,
    as_json: bool,
) -> None:
    if out is not None:
        write_out(out, rows)
    if as_json:
        print_json([{**row, name: every} for row, every in zip(rows, of_all_labels, strict=True)])
    elif out is None:
        for text, label, score in (row.values() for row in rows):
            print_line(f"{score:.3f}  {one_line(label)}  {one_line(text, _SHOWN)}")


def _systems_table(systems: Mapping[str, Any]) -> Table:
    from sentune.evaluation.tables import figure_table

    table = figure_table("", "accuracy", "95% interval", "macro F1", "95% interval")
    for name in _SYSTEMS:
        if name in systems:
            cells = [cell for figure in systems[name].values() for cell in _cells(figure)]
            table.add_row(_SYSTEMS[name], *cells)
    return table


def _cells(figure: Mapping[str, float]) -> tuple[str, str]:
    return f"{figure['value']:.3f}", f"{figure['low']:.3f} to {figure['high']:.3f}"


def _labels_table(per_label: Iterable[LabelFigures]) -> Table:
    from rich.text import Text

    from sentune.evaluation.tables import figure_table

    table = figure_table("label", "precision", "recall", "F1", "texts")
    for row in per_label:
        figures = (f"{figure:.3f}" for figure in (row.precision, row.recall, row.f1))
        table.add_row(Text(row.label), *figures, f"{row.support:,}")
    return table
