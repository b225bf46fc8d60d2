"""How fast PDFs are read and cut, beside pdfium's bare text of the same files.

Prints pages a second of both and their ratio, in alternation, by the clock and by the time of the
processors: two of them read, so the second ratio is the higher one.
``python -m bench.documents FILE …``; ``--pages`` repeats the files until there are so many pages.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median

import pypdfium2

from sentune.documents import FileReport, read
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import resolve
from sentune.tokens.tokenizer import Tokenizer

ROUNDS = 5


def bare(paths: Iterable[Path]) -> int:
    """Extract the text of every page with pdfium alone; returns the number of pages."""
    pages = 0
    for path in paths:
        document = pypdfium2.PdfDocument(path)
        for page in document:
            text = page.get_textpage()
            text.get_text_range()
            text.close()
            page.close()
            pages += 1
        document.close()
    return pages


def whole(paths: list[Path], tokenizer: Tokenizer) -> int:
    """Read and cut the files; returns the number of passages."""
    reports: list[FileReport] = []
    count = sum(1 for _ in read(paths, tokenizer, tokenizer.max_seq_length, report=reports.append))
    skipped = [made.source for made in reports if made.skipped is not None]
    if skipped:
        raise SystemExit(f"skipped: {', '.join(skipped)}")
    return count


def copies(files: list[Path], folder: Path, pages: int) -> list[Path]:
    """Copies of the files with at least so many pages together."""
    made: list[Path] = []
    total = 0
    while not made or total < pages:
        source = files[len(made) % len(files)]
        target = folder / f"{len(made)}{source.suffix}"
        shutil.copy(source, target)
        made.append(target)
        total += bare([target])
    return made


def processors() -> float:
    """Seconds of the processors that this process and those it started have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def timed(work: Callable[[], int]) -> tuple[int, tuple[float, float]]:
    """What work returns; seconds of the clock and of the processors."""
    clock, used = time.perf_counter(), processors()
    count = work()
    return count, (time.perf_counter() - clock, processors() - used)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=0)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    given = parser.parse_args()
    tokenizer = ModelFolder.read(resolve(given.model).folder).tokenizer
    with tempfile.TemporaryDirectory() as folder:
        paths = copies(given.files, Path(folder), given.pages)
        pages = passages = 0
        bares, wholes = [], []
        for _ in range(ROUNDS):
            pages, took = timed(partial(bare, paths))
            bares.append(took)
            passages, took = timed(partial(whole, paths, tokenizer))
            wholes.append(took)
    clock, used = (
        median(one[which] / other[which] for one, other in zip(wholes, bares, strict=True))
        for which in (0, 1)
    )
    rates = [pages / median(took for took, _ in times) for times in (bares, wholes)]
    here, there = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{pages} pages in {len(paths)} files, {passages} passages")
    print(f"bare text  {rates[0]:7.0f} pages/s")
    print(f"read, cut  {rates[1]:7.0f} pages/s, {clock:.2f} times the time of the bare text")
    print(f"processors {used:.2f} times the seconds of the bare text")
    print(f"memory     {here:.0f} MB here, {there:.0f} MB in the largest reading process")


if __name__ == "__main__":
    main()
