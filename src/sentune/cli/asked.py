"""What ``sentune ask`` says of the questions that were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentune.cli.output import one_line, print_line, say
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.questions.asking import Asked
    from sentune.questions.made import MadePair

__all__ = ["Made", "as_json_of", "print_made"]

_SHOWN, _WIDE = 5, 400


@dataclass
class Made:
    """Pairs, and how they came about.

    Attributes:
        pairs: all at first, and those that are written after they were checked.
        asked: what became of the requests of this run; None without a server.
        passages: how many have an answer, in this run or before.
        requests, tokens: of all runs.
        left_out: reason → passages that were not worth a request.
        flagged: pairs that may be wrong.
        not_chosen: how many good ones a cap left out.
        model: the name of the model that wrote them; None without one.
    """

    pairs: list[MadePair]
    asked: Asked | None = None
    passages: int = 0
    requests: int = 0
    tokens: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    flagged: list[MadePair] = field(default_factory=list)
    not_chosen: int = 0
    model: str | None = None


def as_json_of(made: Made, out: Path) -> dict[str, Any]:
    """The summary as plain values."""
    from sentune.questions.made import flagged_path, kind_counts

    asked = made.asked
    found: dict[str, Any] = {
        "out": str(out),
        "made": True,
        "model": made.model,
        "questions": len(made.pairs),
        "pairs": sum(len(pair.passages) for pair in made.pairs),
        "kinds": kind_counts(made.pairs),
        "flagged": len(made.flagged),
        "flagged_out": str(flagged_path(out)) if made.flagged else None,
        "reasons": _reasons(made.flagged),
        "not_chosen": made.not_chosen,
    }
    if asked is None:
        return found
    return found | {
        "passages_answered": made.passages,
        "requests": made.requests,
        "tokens": made.tokens,
        "tokens_estimated": asked.estimated,
        "faults": asked.faults,
        "given_up": asked.given_up,
        "not_asked": asked.not_asked,
        "not_worth_asking": dict(made.left_out),
    }


def _reasons(flagged: Sequence[MadePair]) -> dict[str, int]:
    from collections import Counter

    # "generic: it fits …" is counted by its first word: the rest has details of one pair.
    return dict(Counter(str(pair.flag).split(":")[0] for pair in flagged).most_common())


def print_made(made: Made, out: Path) -> None:
    """What was made on standard output, what became of the requests on standard error."""
    from sentune.questions.made import flagged_path, kind_counts

    for line in _requests(made):
        say(line)
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in kind_counts(made.pairs).items())
    by = f"by {made.model}" if made.model else "of the documents' structure"
    print_line(f"{out}: {counted(len(made.pairs), 'question')} made {by} ({kinds})")
    if made.not_chosen:
        print_line(f"{made.not_chosen:,} more were made, and are left out by --max-pairs")
    if made.flagged:
        why = ", ".join(f"{reason} {count:,}" for reason, count in _reasons(made.flagged).items())
        print_line(f"{flagged_path(out)}: {len(made.flagged):,} flagged ({why})")


def _requests(made: Made) -> Iterator[str]:
    asked = made.asked
    if asked is None:
        return
    about = " (estimated)" if asked.estimated else ""
    yield (
        f"{counted(made.passages, 'passage')} answered, {counted(made.requests, 'request')}, "
        f"{counted(made.tokens, 'token')}{about}, earlier runs included"
    )
    faults = [f"{reason} ({counted(count, 'time')})" for reason, count in asked.faults.items()]
    given_up = [f"{passage}: {reason}" for passage, reason in asked.given_up.items()]
    for label, lines in (("fault", faults), ("given up", given_up)):
        for line in lines[:_SHOWN]:
            yield f"{label}: {one_line(line, _WIDE)}"
        if len(lines) > _SHOWN:
            yield f"{label}: {len(lines) - _SHOWN:,} more; --json has all"
    if asked.given_up:
        yield "the same command asks again about what was given up"
    if asked.not_asked:
        yield f"not asked, because of the caps: {counted(asked.not_asked, 'passage')}"
    for reason, count in made.left_out.items():
        yield f"not asked: {counted(count, 'passage')}, {reason}"
