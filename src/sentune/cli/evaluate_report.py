"""``sentune evaluate --report FILE``: the figures of an evaluation as a page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentune.data import Pairs
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.evaluation import Report
    from sentune.evaluation.trace import Trace
    from sentune.report.page import DataFacts, PageFacts, Ran
    from sentune.tokens.truncation import Truncation

__all__ = ["require_report", "write_report"]

_SUFFIXES = (".html", ".htm")


def require_report(path: Path | None, *, scored: bool, private: bool = False) -> None:
    """Check ``--report`` before any model is loaded. Raises ArgumentError, OutputError."""
    from sentune.errors import ArgumentError
    from sentune.files import require_suffix

    if path is None:
        if private:
            raise ArgumentError(
                "--private-card without --report",
                expected="a report to keep the texts out of",
                fix="name one with --report FILE, or leave --private-card out",
            )
        return
    if scored:
        raise ArgumentError(
            f"--report {path} with sentence pairs that have a score",
            expected="question–passage pairs, of which a report shows what each system found",
            fix="leave it out, or use --json",
        )
    require_suffix(path, _SUFFIXES)


def write_report(
    path: Path,
    pairs: Pairs,
    models: Mapping[str, SentenceTransformer],
    reports: Mapping[str, Report],
    trace: Trace,
    read: Truncation,
    data: Path,
    *,
    private: bool,
    seen: str | None = None,
) -> None:
    """Write the report on the last of ``models``, beside the first and all between.

    ``reports`` has a report for each model, or for the last alone. ``private`` keeps every text of
    the data out, and ``seen`` says which questions were trained on. Raises OutputError.
    """
    from sentune.files import write_text
    from sentune.report.page import report_page

    write_text(
        path,
        report_page(_facts(pairs, models, reports, trace, read, data, private=private, seen=seen)),
    )


def _facts(
    pairs: Pairs,
    models: Mapping[str, SentenceTransformer],
    reports: Mapping[str, Report],
    trace: Trace,
    read: Truncation,
    data: Path,
    *,
    private: bool,
    seen: str | None,
) -> PageFacts:
    from sentune.evaluation.claims import notes
    from sentune.evaluation.forgetting import measure_general
    from sentune.evaluation.report import PRIMARY_METRIC
    from sentune.report.page import PageFacts
    from sentune.wording import counted

    first, last = next(iter(models)), [*models][-1]
    report, model = reports[last], models[last]
    compared = "base" in report.systems
    general = measure_general(model, models[first]) if compared else None
    limit = model.max_seq_length
    facts = replace(report.facts, measured=read, limit=limit, general=general)
    between = [name for name in reports if name not in (first, last)]
    names = {"base": first, "model": last, "bm25": "BM25", "fusion": "fusion", "late": "late stage"}
    if len(reports) > 1:
        _rename(trace, first, last)
    return PageFacts(
        title=f"{last} on {data.name}",
        measured_on=(f"{seen}; " if seen else "")
        + (
            f"measured on {counted(report.questions, 'question')} of {data.name}, each searched in "
            f"{counted(report.passages, 'passage')}; {read.describe(limit)}."
        ),
        report=report,
        facts=facts,
        notes=notes(facts),
        names={system: name for system, name in names.items() if system in report.systems},
        trace=trace,
        data=_data(pairs, model, read),
        ran=_ran(pairs, models, data),
        private=private,
        others={name: reports[name].systems["model"] for name in between},
        differences={
            f"{name} − {first}": reports[name].differences["model_minus_base"][PRIMARY_METRIC]
            for name in between
        },
    )


def _rename(trace: Trace, first: str, last: str) -> None:
    """Several models are measured under their names; a page compares ``model`` with ``base``."""
    for kept in (trace.metrics, trace.rankings, trace.vectors):
        found: dict[str, object] = kept  # type: ignore[assignment]
        found |= {"base": found[first], "model": found[last]}


def _data(pairs: Pairs, model: SentenceTransformer, read: Truncation) -> DataFacts:
    from sentune.report.page import DataFacts
    from sentune.tuning.checking import concerns_of
    from sentune.tuning.reporting import counts_of, lengths_of

    limit = model.max_seq_length
    return DataFacts(
        counts={"measured on": counts_of(pairs)},
        notes=pairs.notes,
        concerns=concerns_of(pairs, model),
        cut=[read.describe(limit)],
        lengths={
            "questions": lengths_of([*pairs.questions.values()], model),
            "passages": lengths_of([*pairs.passages.values()], model),
        },
        limit=limit,
    )


def _ran(pairs: Pairs, models: Mapping[str, SentenceTransformer], data: Path) -> Ran:
    from sentune.data.digests import pairs_digest
    from sentune.files import sha256
    from sentune.report.page import Ran
    from sentune.report.page.machine import machine
    from sentune.tuning.reporting import weights_hash

    compute = [*models.values()][-1].compute
    facts = {
        "computed in": f"{compute.dtype_name} on {compute.device}: {compute.reason}",
        "machine": machine(),
        "written": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    for name, model in models.items():
        facts[f"weights of {name}"] = f"SHA-256 {weights_hash(model.base.folder)}"
    if data.is_file():
        facts[f"file {data.name}"] = f"SHA-256 {sha256(data)}"
    facts["pairs as read"] = f"SHA-256 {pairs_digest(pairs)}"
    return Ran(facts=facts, settings={}, command=_command(sys.argv[1:]))


def _command(arguments: Sequence[str]) -> str:
    return shlex.join(["sentune", *arguments])
