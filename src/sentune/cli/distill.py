"""``sentune distill``: a model and texts in, a smaller model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.ending import Next, print_steps
from sentune.cli.interrupted import telling_what_is_left
from sentune.cli.options import AsJson, Folder, Model, reads
from sentune.cli.output import print_json, print_line, say
from sentune.cli.paths import require_there

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.tuning.distill import Distilled

__all__ = ["NAME", "command"]

NAME = "distill"


@reads("question", "text", "answer", "label", "ignore", "no_header", "skip_blank")
def command(
    model: Model,
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXTS",
            help="Texts, passages or pairs, without labels: JSONL, JSON, CSV, TSV, Parquet, text.",
        ),
    ],
    out: Folder,
    layers: Annotated[
        int | None, typer.Option(help="Layers of the teacher to keep. [default: half of them]")
    ] = None,
    dim: Annotated[
        int | None, typer.Option(help="Dimensions of a vector. [default: the teacher's]")
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help="Passes over the texts. [default: about 2,000 steps]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished run in the folder.")
    ] = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Teach a smaller, faster model the vectors of a larger one."""
    from sentune.tuning.folder import RunFolder

    require_there(*texts)
    RunFolder(out).require_usable(resume=resume)
    from sentune.machine.process import reuse_freed_memory
    from sentune.tuning.distill import distill
    from sentune.tuning.texts_to_distill import read_texts_to_distill

    folder = RunFolder(out)
    with telling_what_is_left(folder):
        begun = folder.begin(resume=resume)
        if not begun:
            say(f"{out} holds a finished run; nothing is left to do")
        try:
            parts = read_texts_to_distill(texts, reading) if begun else []
            reuse_freed_memory()
            made = distill(
                model,
                parts,
                out,
                layers=layers,
                dim=dim,
                epochs=epochs,
                say=say,
                resume=resume,
                show_progress=True,
            )
        finally:
            folder.tidy()
        if as_json:
            print_json(made.summary)
        else:
            _print(made, model, texts[0])


def _print(made: Distilled, teacher: str, texts: Path) -> None:
    facts, like = made.summary["distilled"], made.summary["likeness"]
    numbers = ", ".join(str(number + 1) for number in facts["layers"])
    print_line(
        f"student   {len(facts['layers'])} of {facts['teacher_layers']} layers ({numbers}), "
        f"{facts['dim']} of {facts['teacher_dim']} dimensions, "
        f"{facts['weights'] / 1e6:.1f} of {facts['teacher_weights'] / 1e6:.1f} million weights"
    )
    print_line(
        f"likeness  cosine {like['cosine']:.3f} on {like['texts']:,} texts that it had not seen; "
        f"of the {like['nearest']} passages nearest to a text, {like['shared']:.1f} are the same"
    )
    print_line(f"speed     {like['speed']:.2f} times the teacher's, on pieces of these texts")
    for note in made.summary["texts"]["notes"]:
        print_line(f"note: {note}")
    print_line(f"{made.folder} holds the student.")
    print_line()
    index = f"{made.folder}-index"
    steps = [
        Next("measure it", _joined("evaluate", made.folder, "QUESTIONS", "--base", teacher)),
        Next("make an index", _joined("index", "build", made.folder, texts, "--out", index)),
    ]
    print_steps(steps, made.folder / "README.md")


def _joined(*words: object) -> str:
    import shlex

    return shlex.join(["sentune", *map(str, words)])
