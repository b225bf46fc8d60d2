"""``sentune split``: pairs in, training, validation and test pairs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.options import OF_PAIRS, AsJson, Folder, Pairs, Seed, reads
from sentune.cli.output import print_json, print_line
from sentune.cli.paths import require_pair_files
from sentune.wording import agreeing, counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.questions.splitting import PairRecord, PairSplit

__all__ = ["NAME", "command"]

NAME = "split"


@reads(*OF_PAIRS)
def command(
    pairs: Pairs,
    out: Folder,
    valid: Annotated[float, typer.Option(help="The share for validation; 0 for none.")] = 0.1,
    test: Annotated[float, typer.Option(help="The share for the test; 0 for none.")] = 0.2,
    seed: Seed = 42,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Split pairs by section.

    No part then knows what another one asks.
    """
    from sentune.files import new_folder, require_free, write_json

    require_free(out)
    require_pair_files(reading, pairs)
    from sentune.questions.splitting import read_pair_records, split_records

    split = split_records(read_pair_records(pairs, reading), valid, test, seed, str(pairs))
    report = _report(split, pairs, seed)
    with new_folder(out) as folder:
        for part, records in split.parts.items():
            _write(folder / f"{part}.jsonl", records)
        write_json(folder / "split.json", report)
    if as_json:
        print_json(report | {"out": str(out)})
    else:
        _print(split, report, out)


def _write(path: Path, records: Sequence[PairRecord]) -> None:
    from sentune.files import new_file
    from sentune.questions.lines import json_line

    with new_file(path) as stream:
        stream.writelines(json_line(record.values) for record in records)


def _report(split: PairSplit, pairs: Path, seed: int) -> dict[str, Any]:
    return {
        "data": str(pairs),
        "seed": seed,
        "parts": {
            part: {
                "pairs": len(records),
                "questions": len({record.question for record in records}),
                "passages": len({text for record in records for text in record.passages}),
                "groups": split.groups[part],
                "made": sum(record.made for record in records),
            }
            for part, records in split.parts.items()
        },
        "largest_group": split.largest_group,
        "near_duplicates": split.near,
        "shared": dict(split.shared),
    }


def _print(split: PairSplit, report: Mapping[str, Any], out: Path) -> None:
    for part, counts in report["parts"].items():
        made = f", {counts['made']:,} of them made" if counts["made"] else ""
        print_line(
            f"{out / part}.jsonl: {counted(counts['pairs'], 'pair')}{made}; "
            f"{counted(counts['questions'], 'question')}, "
            f"{counted(counts['passages'], 'passage')}, {counted(counts['groups'], 'group')}"
        )
    pairs = counted(split.largest_group, "pair")
    print_line(
        f"the largest group has {pairs}; {counted(split.near, 'pair')} of passages "
        f"{agreeing(split.near, 'is')} nearly the same"
    )
    shared = ", ".join(f"{count:,} {kind}" for kind, count in split.shared.items())
    print_line(f"checked: on more than one side are {shared}")
