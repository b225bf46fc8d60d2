"""Long passages truncated and in pieces, beside each other: figures, tokens and time.

    .venv/bin/python -m bench.pieces --pages PAIRS [PAIRS …] [--questions PAIRS [PAIRS …]]

The passages of ``--pages`` are ranked for their own questions and for those of ``--questions``
whose passages are parts of one of them. Blanks are left out when texts are compared. Printed are,
for either way, nDCG@10 of the base model, of BM25 and of their fusion (the weight cross-fitted),
the tokens that the model reads of the passages, and the seconds to encode them. For the pieces the
paired difference to the truncated passages follows, with its interval over groups of questions.

With ``--plant TEXT QUESTION`` a sentence is put at the end of the longest passage, and the rank of
that passage for the question is printed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np

from sentune import SentenceTransformer, count_truncation
from sentune.data import Pairs, read_pairs
from sentune.evaluation import RetrievalTask, evaluate_systems
from sentune.evaluation.retrieval import question_metrics
from sentune.evaluation.significance import paired_difference
from sentune.ranking.pieces import LongText, cut_texts, encode_pieces
from sentune.ranking.rank import rank
from sentune.search import PassageSearch

_WAYS: tuple[LongText, ...] = ("truncate", "pieces")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pages", required=True, nargs="+")
    parser.add_argument("--questions", nargs="*", default=[])
    parser.add_argument("--plant", nargs=2, metavar=("TEXT", "QUESTION"))
    given = parser.parse_args()
    pages = [read_pairs(path) for path in given.pages]
    task = _task(pages, [*pages, *map(read_pairs, given.questions)])
    model = SentenceTransformer()
    print(f"{len(task.questions)} questions, {len(task.passages)} passages")
    values = {way: _measured(model, task, way) for way in _WAYS}
    found = paired_difference(values["pieces"], values["truncate"], task.groups)
    print(
        f"base model, pieces − truncate: {found.value:+.3f} "
        f"({found.low:+.3f} to {found.high:+.3f}, p = {found.p_value:.4f})"
    )
    if given.plant:
        text, question = given.plant
        for way in _WAYS:
            place = _rank(model, task.passages, text, question, way)
            print(f"planted sentence, {way}: rank {place}")


def _task(pages: Iterable[Pairs], asked: Iterable[Pairs]) -> RetrievalTask:
    texts = list(dict.fromkeys(text for each in pages for text in each.passages.values()))
    packed = [_packed(text) for text in texts]
    questions: dict[str, frozenset[int]] = {}
    for pairs in asked:
        for key, names in pairs.relevant.items():
            parts = [_packed(pairs.passages[name]) for name in names]
            places = {n for n, page in enumerate(packed) for part in parts if part in page}
            if places:
                questions.setdefault(pairs.questions[key], frozenset(places))
    relevant = list(questions.values())
    # A page is a group: almost every question has one.
    groups = np.array([min(places) for places in relevant])
    return RetrievalTask(list(questions), texts, relevant, groups)


def _packed(text: str) -> str:
    return "".join(text.split())


def _measured(model: SentenceTransformer, task: RetrievalTask, way: LongText) -> Any:
    pieces = cut_texts(task.passages, model, way)
    tokens = sum(map(len, model.tokenizer(pieces.texts)[0]))
    began = time.perf_counter()
    with count_truncation():
        vectors = encode_pieces(model, pieces)
        seconds = time.perf_counter() - began
        report = evaluate_systems(task, model=model, long_text=way)
        questions = model.encode_query(task.questions)
    scores = pieces.best(np.asarray(model.similarity(questions, vectors)))
    figures = {name: found["ndcg@10"].value for name, found in report.systems.items()}
    shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    print(
        f"{way:9} {shown}; {len(pieces.texts):,} texts, {tokens:,} tokens, {seconds:.1f} s, "
        f"{1e6 * seconds / tokens:.0f} µs a token"
    )
    return question_metrics(rank(scores), task.relevant)["ndcg@10"]


def _rank(
    model: SentenceTransformer, passages: list[str], text: str, question: str, way: LongText
) -> int:
    longest = max(range(len(passages)), key=lambda n: len(model.tokenizer.whole([passages[n]])[0]))
    named = {str(n): passage for n, passage in enumerate(passages)}
    named[str(longest)] += f" {text}"
    with count_truncation():
        search = PassageSearch(model, named, fusion_weight=1.0, long_text=way)
        hits = search.search(question, len(named))
    return next(hit.rank for hit in hits if hit.id == str(longest))


if __name__ == "__main__":
    main()
