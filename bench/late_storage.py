"""How small token vectors can be: nDCG@10 of the late stage by bytes a token, and its time.

    .venv/bin/python -m bench.late_storage PAIRS [PAIRS …] [--components 80 88 96 160]

The questions of all files are asked against the passages of all. Their fusion is that of half and
half; the late stage reorders its first 20, with the weights .3 and .7. Printed are the figures with
whole token vectors and, for packed ones, the differences to these, for each number of components.
Then the time to compare a question of 12 tokens with 20 and 50 pieces of about 200 tokens.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from bench.quality import _joined
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.data import read_pairs
from sentune.evaluation import RetrievalTask
from sentune.evaluation.retrieval import question_metrics
from sentune.index.segments import token_codec
from sentune.index.segments.token_codec import TokenCodec, WholeTokens, token_scores
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse, shortlist
from sentune.ranking.late_interaction import add_late
from sentune.ranking.pieces import cut_texts, encode_pieces_with_tokens
from sentune.ranking.rank import rank
from sentune.ranking.token_vectors import TokenVectors, question_tokens

_DEPTH = 20
_WEIGHTS = (0.3, 0.7)
_LENGTH = 200
_ASKED = 12
_REPEATS = 200


@dataclass(frozen=True)
class _Ranking:
    """The first of the fusion of each question, and what the late stage compares."""

    task: RetrievalTask
    columns: NDArray[np.int64]
    scores: NDArray[np.float64]
    best: NDArray[np.int64]
    questions: list[TokenVectors]
    tokens: list[WholeTokens]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--components", type=int, nargs="+", default=[80, 88, 96, 160])
    given = parser.parse_args()
    found = _ranked(_joined([read_pairs(path) for path in given.pairs]))
    whole = [each.packed() for each in found.tokens]
    count = sum(len(each.ids) for each in found.tokens)
    right = _measured(found, None, whole)
    print(f"{len(found.questions)} questions, {len(whole)} pieces, {count} tokens")
    print("whole", *(f"{value:.4f}" for value in right))
    for components in given.components:
        token_codec._COMPONENTS = components
        codec = TokenCodec.learn(found.tokens)
        packed = [codec.pack(each) for each in found.tokens]
        values = zip(_measured(found, codec, packed), right, strict=True)
        print(
            f"{components} components, {sum(map(len, packed)) / count:.1f} bytes a token:",
            *(f"{value - other:+.4f}" for value, other in values),
            f"; {_milliseconds(found, codec, packed)}",
            flush=True,
        )


def _ranked(task: RetrievalTask) -> _Ranking:
    model = SentenceTransformer()
    pieces = cut_texts(task.passages, model)
    vectors, tokens = encode_pieces_with_tokens(model, pieces, WholeTokens)
    of_pieces = model.encode_query(task.questions) @ vectors.T
    by_words = BM25(pieces.texts)
    words = by_words.scores(task.questions)
    columns, dense, lexical = shortlist(pieces.best(of_pieces), pieces.best(words))
    fused = fuse(dense, lexical, 0.5)
    order = rank(fused, 50)
    columns = np.take_along_axis(columns, order, axis=1)
    return _Ranking(
        task,
        columns,
        np.take_along_axis(fused, order, axis=1),
        pieces.read_of(columns[:, :_DEPTH], of_pieces, words),
        question_tokens(model, task.questions, by_words.idf),
        tokens,
    )


def _measured(
    found: _Ranking, codec: TokenCodec | None, packed: list[NDArray[np.uint8]]
) -> list[float]:
    late = np.stack(
        [
            token_scores(codec, question, [packed[place] for place in places])
            for question, places in zip(found.questions, found.best.tolist(), strict=True)
        ]
    )
    orders = (rank(add_late(found.scores, late, weight)) for weight in _WEIGHTS)
    rankings = (np.take_along_axis(found.columns, order, axis=1) for order in orders)
    figures = (question_metrics(each, found.task.relevant)["ndcg@10"] for each in rankings)
    return [float(each.mean()) for each in figures]


def _milliseconds(found: _Ranking, codec: TokenCodec, packed: list[NDArray[np.uint8]]) -> str:
    order = np.argsort([abs(len(each.ids) - _LENGTH) for each in found.tokens])
    near = [packed[place] for place in order[:50].tolist()]
    question = min(found.questions, key=lambda each: abs(len(each) - _ASKED))
    shown = []
    for depth in (20, 50):
        times = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            codec.scores(question, near[:depth])
            times.append(1e3 * (time.perf_counter() - began))
        low, middle = np.quantile(times, [0.1, 0.5])
        shown.append(f"{depth} pieces: p10 {low:.2f} ms, p50 {middle:.2f} ms")
    return ", ".join(shown)


if __name__ == "__main__":
    main()
