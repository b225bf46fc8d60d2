"""``sentune classify``: labelled texts in, a classifier out; texts in, labels out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.output import interactive, one_line, print_json, print_line, say, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.table import Table

__all__ = ["NAME", "app"]

NAME = "classify"

app = typer.Typer(
    help="Give texts their labels: train a classifier, use it, measure it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ROWS = "Texts: one a line, or JSONL, JSON, CSV, TSV, Parquet; - for standard input."
_LABELLED = "Texts with labels: JSONL, JSON, CSV, TSV, Parquet; - for JSONL on standard input."
_DIRECTORY = "The folder that train wrote."
_OUT = "A .jsonl or .csv file to write."
_MODEL = "A model folder or name."
_AS_JSON = "Print one JSON value."
_SHOWN = 80  # characters of a text in a line of output
_SYSTEMS = {
    "classifier": "classifier",
    "head_alone": "without tuning the model",
    "tfidf": "TF-IDF, logistic regression",
    "majority": "always the commonest label",
}


@app.command("train")
def train(
    file: Annotated[str, typer.Argument(help=_LABELLED)],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    model: Annotated[str, typer.Option(help=_MODEL)] = "all-MiniLM-L6-v2",
    method: Annotated[str, typer.Option(help="logistic or centroid.")] = "logistic",
    few_shot: Annotated[
        bool, typer.Option("--few-shot", help="Tune the model first; for few texts a label.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=_AS_JSON)] = False,
) -> None:
    """Train a classifier on labelled texts and measure it by cross-validation."""
    from dataclasses import asdict

    from sentune.data.labelled import read_labelled_texts
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.files import require_free
    from sentune.process import reuse_freed_memory
    from sentune.tasks.classifier_folder import save_classifier
    from sentune.tasks.classifier_training import require_trainable, train_classifier
    from sentune.tokens.truncation import count_truncation

    require_free(out)
    data = read_labelled_texts(file)
    require_trainable(data.texts, data.labels, method=method, few_shot=few_shot)
    encoder = SentenceTransformer(model)
    say(f"model {encoder.base.name} from {encoder.base.origin}")
    if few_shot:
        reuse_freed_memory()
    with count_truncation():  # of each pass; told once below
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
        print_line(f"note: {note}")


@app.command("predict")
def predict(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help=_DIRECTORY)],
    file: Annotated[str, typer.Argument(help=_ROWS)] = "-",
    out: Annotated[Path | None, typer.Option(help=_OUT)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_AS_JSON)] = False,
) -> None:
    """Label texts with a trained classifier."""
    from sentune.tasks.classifier_folder import load_classifier
    from sentune.tokens.truncation import count_truncation

    _require_row_file(out)
    texts = _texts(file)
    classifier = load_classifier(directory)
    with count_truncation() as truncation:
        found = classifier.predict(texts, show_progress_bar=interactive())
    if truncation.truncated:
        say(truncation.describe(classifier.model.max_seq_length))
    rows = [
        {"text": text, "label": each.label, "probability": each.probability}
        for text, each in zip(texts, found, strict=True)
    ]
    if as_json:
        everything = zip(rows, found, strict=True)
        print_json([{**row, "probabilities": each.probabilities} for row, each in everything])
    _write_or_print(rows, "probability", out, quiet=as_json)


@app.command("zero-shot")
def zero_shot(
    file: Annotated[str, typer.Argument(help=_ROWS)] = "-",
    *,
    labels: Annotated[str, typer.Option(help='Names of labels: "sport,politics".')],
    model: Annotated[str, typer.Option(help=_MODEL)] = "all-MiniLM-L6-v2",
    out: Annotated[Path | None, typer.Option(help=_OUT)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_AS_JSON)] = False,
) -> None:
    """Label texts by the names of the labels alone, without training."""
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tasks.zero_shot import require_names
    from sentune.tasks.zero_shot import zero_shot as similarities
    from sentune.tokens.truncation import count_truncation

    _require_row_file(out)
    names = [name.strip() for name in labels.split(",")]
    require_names(names)
    texts = _texts(file)
    encoder = SentenceTransformer(model)
    say(f"model {encoder.base.name} from {encoder.base.origin}")
    with count_truncation() as truncation:
        scores = similarities(encoder, texts, names, show_progress_bar=interactive())
    if truncation.truncated:
        say(truncation.describe(encoder.max_seq_length))
    rows = [
        {"text": text, "label": names[best], "similarity": float(row[best])}
        for text, best, row in zip(texts, scores.argmax(axis=1).tolist(), scores, strict=True)
    ]
    if as_json:
        all_scores = (dict(zip(names, row, strict=True)) for row in scores.tolist())
        everything = zip(rows, all_scores, strict=True)
        print_json([{**row, "similarities": each} for row, each in everything])
    _write_or_print(rows, "similarity", out, quiet=as_json)


@app.command("evaluate")
def evaluate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help=_DIRECTORY)],
    file: Annotated[str, typer.Argument(help=_LABELLED)],
    as_json: Annotated[bool, typer.Option("--json", help=_AS_JSON)] = False,
) -> None:
    """Measure a trained classifier on labelled texts that it has not seen."""
    from dataclasses import asdict

    from sentune.data.labelled import read_labelled_texts
    from sentune.tasks.classifier_folder import load_classifier
    from sentune.tokens.truncation import count_truncation

    data = read_labelled_texts(file)
    classifier = load_classifier(directory)
    with count_truncation() as truncation:
        found = classifier.evaluate(data.texts, data.labels, show_progress_bar=interactive())
    if as_json:
        print_json({**found.to_json(), "truncation": asdict(truncation)})
        return
    measured = {"accuracy": asdict(found.accuracy), "macro_f1": asdict(found.macro_f1)}
    show(_systems_table({"classifier": measured}))
    print_line()
    show(_labels_table(found.to_json()["per_label"]))
    print_line()
    if found.unknown:
        named = ", ".join(f"{label} ({count})" for label, count in found.unknown.items())
        print_line(
            f"{sum(found.unknown.values()):,} of {found.rows:,} rows have labels that the "
            f"classifier does not know, and count as wrong: {named}"
        )
    print_line(
        f"expected calibration error {found.probabilities.calibration_error:.3f}, "
        f"Brier score {found.probabilities.brier:.3f}, log loss {found.probabilities.log_loss:.3f}"
    )
    print_line(truncation.describe(classifier.model.max_seq_length))


def _require_row_file(out: Path | None) -> None:
    from sentune.data.files.writing import require_row_file

    if out is not None:
        require_row_file(out)


def _texts(file: str) -> list[str]:
    from sentune.data import read_texts
    from sentune.errors import DataError

    texts = list(read_texts(file))
    if not texts:
        raise DataError(f"{file} has no texts", expected="at least one", fix="give another file")
    return texts


def _write_or_print(
    rows: list[dict[str, Any]], score: str, out: Path | None, *, quiet: bool
) -> None:
    from sentune.data.files.writing import write_rows

    if out is not None:
        say(f"wrote {write_rows(out, rows):,} rows to {out}")
    elif not quiet:
        for row in rows:
            label = one_line(row["label"])
            print_line(f"{row[score]:.3f}  {label}  {one_line(row['text'], _SHOWN)}")


def _systems_table(systems: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in ("accuracy", "95% interval", "macro F1", "95% interval"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in _SYSTEMS:
        if name in systems:
            cells = [cell for figure in systems[name].values() for cell in _cells(figure)]
            table.add_row(_SYSTEMS[name], *cells)
    return table


def _cells(figure: Mapping[str, float]) -> tuple[str, str]:
    return f"{figure['value']:.3f}", f"{figure['low']:.3f} to {figure['high']:.3f}"


def _labels_table(per_label: Iterable[Mapping[str, Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("label")
    for title in ("precision", "recall", "F1", "texts"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in per_label:
        figures = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(Text(row["label"]), *figures, f"{row['support']:,}")
    return table
