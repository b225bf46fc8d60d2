"""``sentune ask``: passages in, pairs of made questions out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.asked import Made, as_json_of, print_made
from sentune.cli.options import BASE_MODEL, OF_PASSAGES, AsJson, Seed, reads
from sentune.cli.output import interactive, print_json, say
from sentune.cli.paths import require_there
from sentune.errors import ArgumentError, DataError, OutputError
from sentune.wording import agreeing, counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.questions.asking import AskSettings
    from sentune.questions.made import MadePair
    from sentune.questions.round_trip import PassageVectors
    from sentune.questions.source import SourcePassage

__all__ = ["NAME", "command"]

NAME = "ask"
_NAME_OF_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@reads(*OF_PASSAGES)
def command(
    passages: Annotated[
        Path, typer.Argument(help="Passages, as sentune read writes them; any file of texts.")
    ],
    out: Annotated[Path, typer.Option(help="The .jsonl file to write.")] = Path("pairs.jsonl"),
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OpenAI-compatible API: http://localhost:8080/v1."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name at the endpoint.")
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The variable that holds the key; without it, none is sent."
        ),
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(help="The most requests, earlier runs included. [default: 300]")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="The most tokens of requests and answers together.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Requests at a time. [default: 4]")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds to wait for an answer. [default: 120]")
    ] = None,
    max_pairs: Annotated[
        int | None, typer.Option(help="Without --endpoint: the most questions to make.")
    ] = None,
    top_k: Annotated[
        int, typer.Option(help="A question must find its passage among so many.")
    ] = 10,
    base: Annotated[
        str, typer.Option(help="The model that checks questions and spreads requests.")
    ] = BASE_MODEL,
    seed: Seed = 42,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Make questions that passages answer.

    They come from the structure of the passages, or from a language model.
    """
    from sentune.checks import require_whole
    from sentune.files import require_suffix
    from sentune.questions.choosing import base_vectors
    from sentune.questions.source import read_source
    from sentune.ranking.bm25 import require_bm25

    require_suffix(out, (".jsonl", ".ndjson"))
    require_whole("--top-k", top_k)
    if max_pairs is not None:
        require_whole("--max-pairs", max_pairs)
    given = {
        "--model": model,
        "--api-key-env": api_key_env,
        "--max-requests": max_requests,
        "--max-tokens": max_tokens,
        "--concurrency": concurrency,
        "--timeout": timeout,
    }
    settings = None if endpoint is None else _settings(endpoint, given)
    _require_together(endpoint, given, max_pairs)
    require_there(passages)
    _require_passages(passages)
    _require_apart(passages, out)
    require_bm25()
    source = read_source(passages, reading)
    vectors = base_vectors(source, base, show=interactive())
    if settings is None:
        made = Made(_offline(source, seed))
    else:
        made = _by_model(source, settings, out, vectors, seed)
    _finish(made, source, vectors, top_k, max_pairs, seed, out)
    if as_json:
        print_json(as_json_of(made, out))
    else:
        print_made(made, out)


def _settings(endpoint: str, given: Mapping[str, Any]) -> AskSettings:
    from sentune.questions.asking import AskSettings
    from sentune.questions.client import is_unencrypted, require_openai

    if not given["--model"]:
        raise ArgumentError(
            "--endpoint without --model",
            expected="the name of a model that the server knows",
            fix="add --model NAME; most servers list theirs at URL/models",
        )
    options = {
        name.removeprefix("--").replace("-", "_"): value
        for name, value in given.items()
        if value is not None and name not in ("--model", "--api-key-env")
    }
    key = _key(given["--api-key-env"])
    settings = AskSettings(endpoint=endpoint, model=given["--model"], key=key, **options)
    require_openai()
    if key and is_unencrypted(endpoint):
        say("note: the key goes over the network unencrypted; an https endpoint would hide it")
    return settings


def _key(variable: str | None) -> str | None:
    """The key from the environment. Raises ArgumentError, which never shows what was given."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip() if _NAME_OF_VARIABLE.fullmatch(variable) else ""
    if not key:
        raise ArgumentError(
            "--api-key-env does not name a variable of the environment that is set",
            expected="the name of a variable that holds the key, not the key",
            fix="set the variable, or leave the option out for a server that needs no key",
        )
    if not key.isascii() or not key.isprintable():
        raise ArgumentError(
            "the key in the environment has characters that no key has",
            expected="letters, digits and signs of ASCII",
            fix="set the variable again",
        )
    return key


def _require_together(endpoint: str | None, given: Mapping[str, Any], most: int | None) -> None:
    alone = [name for name, value in given.items() if value is not None]
    if endpoint is None and alone:
        raise ArgumentError(
            f"{alone[0]} without --endpoint",
            expected="a server to ask",
            fix="add --endpoint URL, or leave the option out to use the documents' structure",
        )
    if endpoint is not None and most is not None:
        raise ArgumentError(
            "--max-pairs with --endpoint",
            expected="--max-requests or --max-tokens as the cap",
            fix="use one of these",
        )


def _require_passages(path: Path) -> None:
    from sentune.documents.known import are_documents

    if path.is_dir() or are_documents([path]):
        raise DataError(
            f"{path} is {'a folder' if path.is_dir() else 'a document'}",
            expected="a file of passages",
            fix=f"cut it into passages first: sentune read {path} --out passages.jsonl",
        )


def _require_apart(passages: Path, out: Path) -> None:
    from sentune.questions.made import flagged_path

    if passages.resolve() in (out.resolve(), flagged_path(out).resolve()):
        raise OutputError(
            f"{passages} would be replaced by the pairs made of it",
            expected="another name for the output",
            fix="name another --out",
        )


def _offline(source: Sequence[SourcePassage], seed: int) -> list[MadePair]:
    from sentune.questions.structure import pairs_from_structure

    return pairs_from_structure(source, seed)


def _by_model(
    source: Sequence[SourcePassage],
    settings: AskSettings,
    out: Path,
    vectors: PassageVectors,
    seed: int,
) -> Made:
    """Ask, or take the answers that the journal has."""
    from sentune.progress import progress
    from sentune.questions.answers import answer_of, pairs_of
    from sentune.questions.asking import answers_in, ask_about
    from sentune.questions.choosing import askable, in_order_of_use
    from sentune.questions.journal import journal_path, open_journal

    chosen, left_out = askable(source)
    order = in_order_of_use(chosen, source, vectors, settings.max_requests, seed)
    with open_journal(journal_path(out)) as journal:
        before = len(answers_in(journal, chosen, settings.model))
        if before:
            say(f"{before:,} answers of earlier runs are in {journal_path(out)}")
        total = min(len(order), settings.max_requests) - before
        with progress("asking", max(0, total), unit="passages", show=interactive()) as advance:
            try:
                asked = ask_about(order, settings, journal, advance)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(_interrupted(len(journal.answers), out)) from None
        answers = answers_in(journal, chosen, settings.model)
        made = [
            pair
            for passage in chosen
            if passage.id in answers
            for pair in pairs_of(answer_of(answers[passage.id]), passage)
        ]
        return Made(
            made,
            asked,
            passages=len(answers),
            requests=journal.requests,
            tokens=journal.tokens,
            left_out=left_out,
            model=settings.model,
        )


def _interrupted(answers: int, out: Path) -> str:
    from sentune.questions.journal import journal_path

    return (
        f"interrupted; {counted(answers, 'answer')} {agreeing(answers, 'is')} in "
        f"{journal_path(out)}, and the same command goes on from there"
    )


def _finish(
    made: Made,
    source: Sequence[SourcePassage],
    vectors: PassageVectors,
    top_k: int,
    most: int | None,
    seed: int,
    out: Path,
) -> None:
    """Check the pairs, and write both files."""
    from sentune.questions.made import flagged_path, write_pairs
    from sentune.questions.round_trip import flag_lost
    from sentune.questions.rules import flag_by_rules
    from sentune.questions.spread import spread_pairs

    checked = flag_lost(flag_by_rules(made.pairs), source, vectors, top_k)
    good = [pair for pair in checked if pair.flag is None]
    made.flagged = [pair for pair in checked if pair.flag is not None]
    made.pairs = spread_pairs(good, most, seed)
    made.not_chosen = len(good) - len(made.pairs)
    if made.flagged:
        write_pairs(flagged_path(out), made.flagged)
    else:
        flagged_path(out).unlink(missing_ok=True)
    if not made.pairs:
        also = f"; {len(made.flagged):,} are flagged" if made.flagged else ""
        fix = "add passages, or ask a language model with --endpoint URL --model NAME"
        if made.flagged or made.asked:
            fix = f"see why in {flagged_path(out)}" if made.flagged else "add passages"
        raise DataError(
            f"no question of use came of {counted(len(source), 'passage')}{also}",
            expected="passages with headings, sentences or definitions",
            fix=fix,
        )
    write_pairs(out, made.pairs)
