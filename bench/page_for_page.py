"""Page for page: how often the page that answers a question is among the first found.

    .venv/bin/python -m bench.page_for_page DOCS … --questions FILE [--model TUNED] [--base MODEL]
    .venv/bin/python -m bench.page_for_page DOCS … --pairs FILE … [--model TUNED] [--base MODEL]

DOCS are files and folders with pages: PDFs, or JSONL of pages. FILE is JSONL with ``question`` and
``page``, and with ``source``, the name of the document, if there are several. ``--pairs`` takes
questions with their passages instead, of which the pages are found by the letters that they share;
if a passage goes over the end of a page, each of the two pages is right. A page is found by the
best passage on it. Printed is the share of questions whose page is among the first 1, 5 and 10
pages, by the base model, the tuned one, BM25, their fusion and the late stage.
"""

from __future__ import annotations

import argparse
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from sentune import SentenceTransformer
from sentune.data import read_pairs
from sentune.documents import DocumentPassage, read
from sentune.search import PassageSearch

_FIRST = (1, 5, 10)
_PASSAGES = 60  # of them, 10 pages can be told: few pages have more than 6 passages
_WINDOW = 24  # letters
_HELD = 0.3  # of the windows of a passage: a page that has so many of them holds a part of it
Page = tuple[str, int]
Asked = list[tuple[str, set[Page]]]  # questions with the pages that answer them


def main() -> None:
    """Read, search and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("documents", nargs="+", type=Path)
    asks = parser.add_mutually_exclusive_group(required=True)
    asks.add_argument("--questions", type=Path)
    asks.add_argument("--pairs", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--base", default="all-MiniLM-L6-v2")
    given = parser.parse_args()
    base = SentenceTransformer(given.base)
    model = base if given.model is None else SentenceTransformer(given.model)
    passages = {
        each.id: each for each in read(given.documents, base.tokenizer, base.max_seq_length)
    }
    if given.pairs:
        asked = _questions_of_pairs(given.pairs, passages.values())
    else:
        asked = _questions(given.questions, passages.values())
    print(f"{len(asked)} questions, {len(passages)} passages\n")
    print(f"{'':8}" + "".join(f"  first {count:<3}" for count in _FIRST))
    for name, encoder, mode in (
        ("base", base, "dense"),
        *([("tuned", model, "dense")] if model is not base else []),
        ("BM25", model, "words"),
        ("fusion", model, "hybrid"),
        ("late", model, "late"),
    ):
        found = _shares(encoder, mode, passages, asked)
        print(f"{name:8}" + "".join(f"  {share:<9.3f}" for share in found), flush=True)


def _questions(path: Path, passages: Iterable[DocumentPassage]) -> Asked:
    pages = {page for passage in passages for page in _pages(passage)}
    sources = {source for source, _ in pages}
    asked: Asked = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        source = row.get("source") or (next(iter(sources)) if len(sources) == 1 else "")
        page = (Path(source).name, int(row["page"]))
        if page not in pages:
            raise SystemExit(f"{path}: no passage is on page {page[1]} of {page[0] or 'no source'}")
        asked.append((row["question"], {page}))
    return asked


def _questions_of_pairs(paths: Iterable[Path], passages: Iterable[DocumentPassage]) -> Asked:
    """Each question once, with the pages that hold its passages; says how many were not found."""
    pages: dict[Page, str] = {}
    for each in passages:
        for page in _pages(each):
            pages[page] = pages.get(page, "") + _letters(f"{each.title} {each.text}")
    asked: dict[str, set[Page]] = {}
    unknown: set[str] = set()
    for path in paths:
        pairs = read_pairs(path)
        held = {key: _holders(_letters(text), pages) for key, text in pairs.passages.items()}
        for key, answers in pairs.relevant.items():
            found = set().union(*(held[answer] for answer in answers))
            if found:
                asked.setdefault(pairs.questions[key], set()).update(found)
            else:
                unknown.add(pairs.questions[key])
    print(f"{len(unknown - asked.keys())} questions whose passage is on no page are left out")
    return list(asked.items())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text)))


def _holders(passage: str, pages: Mapping[Page, str]) -> set[Page]:
    """The pages that hold a passage, or a good part of it."""
    starts = range(0, max(1, len(passage) - _WINDOW + 1), _WINDOW)
    windows = [passage[start : start + _WINDOW] for start in starts]
    shares = {
        page: sum(window in text for window in windows) / len(windows)
        for page, text in pages.items()
    }
    return {page for page, share in shares.items() if share >= _HELD}


def _pages(passage: DocumentPassage) -> list[Page]:
    if not isinstance(passage.part, int) or not isinstance(passage.last_part, int):
        return []
    name = Path(passage.source).name
    return [(name, number) for number in range(passage.part, passage.last_part + 1)]


def _shares(
    model: SentenceTransformer,
    mode: str,
    passages: dict[str, DocumentPassage],
    asked: Asked,
) -> list[float]:
    texts = {key: each.to_passage().text for key, each in passages.items()}
    search = PassageSearch(model, texts, mode=mode)
    hits = [0] * len(_FIRST)
    for question, wanted in asked:
        found = [
            page for hit in search.search(question, _PASSAGES) for page in _pages(passages[hit.id])
        ]
        order = list(dict.fromkeys(found))
        for place, count in enumerate(_FIRST):
            hits[place] += not wanted.isdisjoint(order[:count])
    return [count / len(asked) for count in hits]


if __name__ == "__main__":
    main()
