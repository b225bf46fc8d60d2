"""Page for page: how often the page that answers a question is among the first found.

    .venv/bin/python -m bench.page_for_page DOCS … --questions FILE [--model TUNED] [--base MODEL]

DOCS are files and folders with pages: PDFs, or JSONL of pages. FILE is JSONL with ``question`` and
``page``, and with ``source``, the name of the document, if there are several. A page is found by
the best passage on it. Printed is the share of questions whose page is among the first 1, 5 and 10
pages, by the base model, the tuned one, BM25, their fusion and the late stage.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from sentune import SentenceTransformer
from sentune.documents import DocumentPassage, read
from sentune.search import PassageSearch

_FIRST = (1, 5, 10)
_PASSAGES = 60  # of them, 10 pages can be told: few pages have more than 6 passages
Page = tuple[str, int]


def main() -> None:
    """Read, search and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("documents", nargs="+", type=Path)
    parser.add_argument("--questions", required=True, type=Path)
    parser.add_argument("--model")
    parser.add_argument("--base", default="all-MiniLM-L6-v2")
    given = parser.parse_args()
    base = SentenceTransformer(given.base)
    model = base if given.model is None else SentenceTransformer(given.model)
    passages = {
        each.id: each for each in read(given.documents, base.tokenizer, base.max_seq_length)
    }
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


def _questions(path: Path, passages: Iterable[DocumentPassage]) -> list[tuple[str, Page]]:
    pages = {page for passage in passages for page in _pages(passage)}
    sources = {source for source, _ in pages}
    asked: list[tuple[str, Page]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        source = row.get("source") or (next(iter(sources)) if len(sources) == 1 else "")
        page = (Path(source).name, int(row["page"]))
        if page not in pages:
            raise SystemExit(f"{path}: no passage is on page {page[1]} of {page[0] or 'no source'}")
        asked.append((row["question"], page))
    return asked


def _pages(passage: DocumentPassage) -> list[Page]:
    if not isinstance(passage.part, int) or not isinstance(passage.last_part, int):
        return []
    name = Path(passage.source).name
    return [(name, number) for number in range(passage.part, passage.last_part + 1)]


def _shares(
    model: SentenceTransformer,
    mode: str,
    passages: dict[str, DocumentPassage],
    asked: Sequence[tuple[str, Page]],
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
            hits[place] += wanted in order[:count]
    return [count / len(asked) for count in hits]


if __name__ == "__main__":
    main()
