"""``sentune check``: what may be wrong with data, before anything is trained on it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.options import BASE_MODEL, OF_PAIRS, AsJson, Seed, reads
from sentune.cli.output import print_json, print_line, print_prose
from sentune.cli.paths import require_pair_files, require_texts_or_pairs, require_there

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tuning import DataCheck

__all__ = ["NAME", "command"]

NAME = "check"
_RARE = 0.01  # of the texts: fewer in a language are likelier code or names


@reads(*OF_PAIRS)
def command(
    data: Annotated[Path, typer.Argument(help="Question–passage pairs, or texts, as tune takes.")],
    valid: Annotated[Path | None, typer.Option(help="Pairs that tune would measure on.")] = None,
    test: Annotated[Path | None, typer.Option(help="Pairs for the final figures.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Passages that nobody asked about.")] = None,
    base: Annotated[
        str, typer.Option(help="The model to start from: its tokens, limit and language.")
    ] = BASE_MODEL,
    seed: Seed = 42,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Say what a file holds, and what may be wrong with it.

    A file of pairs, or of texts alone.
    """
    require_there(data, valid, test, corpus)
    require_texts_or_pairs(reading, data)
    require_pair_files(reading, valid, test)
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tuning import check_data
    from sentune.tuning.split import read_to_check

    split, refused = read_to_check(data, valid, test, seed, reading, corpus)
    model = SentenceTransformer(base)
    found = check_data(split, model, refused)
    if as_json:
        print_json(asdict(found))
        return
    for line in (*_counts(found), *_lengths(found, model)):
        print_prose(line)
    print_line()
    for note in found.notes:
        print_prose(f"note: {note}")
    if found.caution:
        print_prose(f"note: {found.caution}")
    for concern in found.concerns:
        print_prose(f"look: {concern}")
    if not found.concerns:
        print_prose("nothing looks wrong")


def _counts(found: DataCheck) -> list[str]:
    from sentune.data.languages import LANGUAGES
    from sentune.wording import counted

    data, held = found.data, found.measured
    lines = [f"{counted(data.passages, 'passage')}, and no questions"]
    if data.pairs:
        lines = [
            f"{counted(data.pairs, 'pair')}: {counted(data.questions, 'question')}, "
            f"{counted(data.passages, 'passage')} ({data.unasked:,} that no question asks for), "
            f"{counted(data.groups, 'group')} (questions that share passages are one group)"
        ]
    kind = "made question" if found.caution else "question"
    measured = (
        f"tune measures on {counted(held.questions, kind)} in {counted(held.groups, 'group')}; "
        "a verdict needs 6 groups at least, and about 30 for a narrow interval"
    )
    lines += [measured] if held.questions else []
    common = [code for code, number in data.languages.items() if number >= _RARE * data.read]
    shown = ", ".join(f"{LANGUAGES[code]} {data.languages[code]:,}" for code in common)
    return [*lines, *([f"languages: {shown}, of {counted(data.read, 'text')}"] if shown else [])]


def _lengths(found: DataCheck, model: SentenceTransformer) -> list[str]:
    return [
        f"{name}: half have {each.median:,} tokens or more, the longest {each.longest:,}; "
        f"{each.beyond:,} of {each.texts:,} are longer than the limit, {model.max_seq_length}"
        for name, each in found.lengths.items()
    ]
