"""Arguments and options that several verbs take, described once.

An option that names a file of rows is checked when it is read, before a model is loaded.

:func:`reads` gives a verb the options that say what the columns of its file are. They reach the
verb as one argument, ``reading``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.output import say

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.ranking.pieces import LongText

__all__ = [
    "BASE_MODEL",
    "OF_PAIRS",
    "OF_PASSAGES",
    "OF_TEXTS",
    "AsJson",
    "Bases",
    "Folder",
    "IndexModel",
    "LongTexts",
    "Model",
    "ModelOption",
    "NoHeadings",
    "Pairs",
    "Rows",
    "RowsRequired",
    "Seed",
    "Texts",
    "TextsOfMany",
    "long_text_of",
    "reads",
]

BASE_MODEL = "all-MiniLM-L6-v2"
_MODEL = "A model folder or name."
_ROWS = "The .jsonl or .csv file to write."


def _row_file(path: Path | None) -> Path | None:
    from sentune.data.files.writing import require_row_file

    if path is not None:
        require_row_file(path)
    return path


Model = Annotated[str, typer.Argument(help=_MODEL)]
ModelOption = Annotated[str, typer.Option("--model", help=_MODEL)]
IndexModel = Annotated[
    str | None, typer.Option("--model", help="The model of the index, if it was moved.")
]
Texts = Annotated[
    str,
    typer.Argument(
        help="Texts: one a line, or JSONL, JSON, CSV, TSV, Parquet; - for standard input."
    ),
]
TextsOfMany = Annotated[
    str,
    typer.Argument(
        help="Texts: one a line, or JSONL, JSON, CSV, TSV, Parquet; a folder of such files, also "
        "as s3://BUCKET/NAME; - for standard input."
    ),
]
Pairs = Annotated[
    Path,
    typer.Argument(
        help="Question–passage pairs: JSONL, JSON, CSV, TSV, Parquet, or a folder (BEIR, datasets)."
    ),
]
Rows = Annotated[Path | None, typer.Option("--out", help=_ROWS, callback=_row_file)]
RowsRequired = Annotated[Path, typer.Option("--out", help=_ROWS, callback=_row_file)]
Folder = Annotated[Path, typer.Option("--out", help="The folder to write.")]
Seed = Annotated[int, typer.Option("--seed", help="Two runs with one seed give the same result.")]
LongTexts = Annotated[
    str | None,
    typer.Option(
        "--long-text",
        metavar="pieces|truncate",
        help="Passages over the model's limit: in pieces (the default), or without their end.",
    ),
]
NoHeadings = Annotated[
    bool,
    typer.Option("--no-headings", help="Of documents: passages without the headings above them."),
]
Bases = Annotated[
    list[str] | None,
    typer.Option("--base", help="A model to compare with; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _named(help_: str, *names: str) -> Any:
    return Annotated[str | None, typer.Option(*names, metavar="NAME", help=help_)]


# The name of each argument of ReadOptions, with the option that sets it.
_COLUMNS: dict[str, Any] = {
    "question": _named("The column of questions.", "--question-column"),
    "passage": _named("The column of passages.", "--passage-column"),
    "text": _named("The column of texts.", "--text-column", "--passage-column"),
    "answer": _named("The column of answers, if these are the passages.", "--answer-column"),
    "id": _named("The column of ids.", "--id-column"),
    "label": _named("The column that marks right passages (1) and wrong ones.", "--label-column"),
    "class": _named("The column of labels.", "--label-column"),
    "score": _named("The column that says how similar two texts are.", "--score-column"),
    "ignore": Annotated[
        list[str] | None,
        typer.Option(
            "--ignore-column",
            metavar="NAME",
            help="A column that does not judge the pairs; may be repeated.",
        ),
    ],
    "no_header": Annotated[
        bool,
        typer.Option("--no-header", help="CSV or TSV without names: columns are 1, 2, …"),
    ],
    "split": _named("The split to read, of a folder of datasets.", "--split"),
    "skip_blank": Annotated[
        bool, typer.Option("--skip-blank", help="Leave out rows with a blank cell; counted.")
    ],
}
_FLAGS = ("no_header", "skip_blank")
_AS_NAMED = (*_FLAGS, "split")
_SAME = {"text": "passage", "class": "label"}
OF_PAIRS = ("question", "passage", "answer", "label", "ignore", "split", "no_header", "skip_blank")
OF_PASSAGES = ("text", "id", "split", "no_header", "skip_blank")
OF_TEXTS = ("text", "split", "no_header", "skip_blank")


def long_text_of(given: str | None) -> LongText:
    """``--long-text``, or its default. Raises ArgumentError for another word."""
    from sentune.ranking.pieces import require_long_text

    return require_long_text("pieces" if given is None else given)


def reads(*columns: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb options for the columns of its file; it takes them as ``reading``.

    What a reader tells is printed on standard error at the end, each sentence once: if the verb
    fails, its message stands alone.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(*arguments: Any, **options: Any) -> None:
            given = {name: options.pop(_parameter(name)) for name in columns}
            told: dict[str, None] = {}
            reading = _reading(given, lambda note: told.update({note: None}))
            command(*arguments, **options, reading=reading)
            for note in told:
                say(f"note: {note}")

        # Typer reads the signature; "reading" is not for it.
        kinds = {name: kind for name, kind in command.__annotations__.items() if name != "reading"}
        command.__annotations__ = kinds
        known = inspect.signature(command, eval_str=True).parameters.values()
        added = [
            inspect.Parameter(
                _parameter(name),
                inspect.Parameter.KEYWORD_ONLY,
                default=False if name in _FLAGS else None,
                annotation=_COLUMNS[name],
            )
            for name in columns
        ]
        shown = [*(each for each in known if each.name != "reading"), *added]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in shown}
        return run

    return decorate


def _parameter(name: str) -> str:
    return name if name in _AS_NAMED else f"{name}_column"


def _reading(given: dict[str, Any], tell: Callable[[str], None]) -> ReadOptions:
    from sentune.data import ReadOptions

    named = {_SAME.get(name, name): value for name, value in given.items()}
    header = not named.pop("no_header", False)
    named["ignore"] = tuple(named.get("ignore") or ())
    return ReadOptions(**named, header=header, tell=tell)
