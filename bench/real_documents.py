"""What is lost of real documents: 23 of different makers, read, beside the text that they hold.

    .venv/bin/python -m bench.real_documents FOLDER [--lost]

Fetches and makes the documents in FOLDER, if they are not there, and prints a table. The text of a
document that was made here is known. That of another PDF is poppler's (``pdftotext``), of which
this package uses nothing. Lacking are words that the passages and their headings do not have. Torn
are lines of at least 20 letters that do not stand together in the passages: running lines, or
another order. ``--lost`` names the words and the lines.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from bench.document_sources import DOCUMENTS, Document, prepare

from sentune.documents import DocumentPassage, FileReport, read
from sentune.model_folder.folder import ModelFolder
from sentune.model_folder.resolve import resolve

_LINE = 20  # letters
_SHOWN = 25


def main() -> None:
    """Prepare, read and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lost", action="store_true")
    given = parser.parse_args()
    prepare(given.folder)
    tokenizer = ModelFolder.read(resolve("all-MiniLM-L6-v2").folder).tokenizer
    print(
        "| document | made by | parts | words | lacking | lines torn |\n| - | - | - | - | - | - |"
    )
    for document in DOCUMENTS:
        reports: list[FileReport] = []
        path = given.folder / document.file
        passages = list(read(path, tokenizer, tokenizer.max_seq_length, report=reports.append))
        if reports[0].skipped is not None:
            print(f"| {document.file} | {document.made_by} | skipped: {reports[0].skipped} |")
            continue
        text = _text_of(path, document)
        lacking, torn = _lacking(text, passages), _torn(text, passages)
        words, lines = sum(_words(text).values()), len(_lines(text))
        print(
            f"| {document.file} | {document.made_by} | {reports[0].parts} | {words:,} "
            f"| {lacking.total() / words:.1%} | {len(torn)} of {lines} |",
            flush=True,
        )
        if given.lost:
            print(f"  {lacking.most_common(_SHOWN)}\n  {torn[:_SHOWN]}")


def _text_of(path: Path, document: Document) -> str:
    if document.text:
        return (path.parent / document.text).read_text("utf-8")
    made = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True)
    return made.stdout.decode("utf-8", "replace")


def _lacking(text: str, passages: Sequence[DocumentPassage]) -> Counter[str]:
    made = Counter[str]()
    before: tuple[str, ...] = ()
    for passage in passages:
        made += _words(passage.text)
        both = zip(before, passage.headings, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))
        made += _words(" ".join(passage.headings[shared:]))
        before = passage.headings
    return _words(text) - made


def _torn(text: str, passages: Sequence[DocumentPassage]) -> list[str]:
    made = _letters(" ".join(f"{' '.join(each.headings[-1:])} {each.text}" for each in passages))
    return [line for line in _lines(text) if _letters(line) not in made]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(_letters(line)) >= _LINE]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", _plain(text)))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _plain(text)))


if __name__ == "__main__":
    main()
