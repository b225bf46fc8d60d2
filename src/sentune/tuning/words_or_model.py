"""Whether BM25 or the model finds more on the training questions, which decides on sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.ranking.bm25 import BM25
from sentune.ranking.pieces import cut_texts
from sentune.ranking.rank import rank

__all__ = ["WordsOrModel", "words_or_model"]

_QUESTIONS, _PASSAGES = 200, 500


class WordsOrModel(NamedTuple):
    """Mean nDCG@10 of BM25 and of a model on training questions, and their number."""

    words: float
    model: float
    questions: int


def words_or_model(pairs: Pairs, model: SentenceTransformer, seed: int) -> WordsOrModel:
    """How well BM25 and the model find the passages of up to 200 questions among up to 500.

    Training on sentences teaches the model the words of a corpus. If BM25 is better than the model
    on the training questions, the model lacks these words. If BM25 is worse, such training does
    harm. Both kinds of corpus were measured; see docs/performance-log.md.

    Cost: one encoding of those questions and passages.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
    """
    draw = np.random.default_rng(seed)
    names = list(pairs.relevant)
    asked = [names[index] for index in draw.permutation(len(names))[:_QUESTIONS]]
    wanted = dict.fromkeys(name for key in asked for name in pairs.relevant[key])
    others = [name for name in pairs.passages if name not in wanted]
    further = draw.permutation(len(others))[: max(0, _PASSAGES - len(wanted))]
    kept = [*wanted, *(others[index] for index in further)]
    texts = {name: pairs.passages[name] for name in kept}
    task = RetrievalTask.from_pairs(replace(pairs.select(asked), passages=texts, negatives={}))
    pieces = cut_texts(task.passages, model)
    by_model = model.encode_query(task.questions, normalize_embeddings=True) @ (
        model.encode_document(pieces.texts, normalize_embeddings=True).T
    )
    words, found = (
        float(question_metrics(rank(pieces.best(scores)), task.relevant)["ndcg@10"].mean())
        for scores in (BM25(pieces.texts).scores(task.questions), by_model)
    )
    return WordsOrModel(words, found, len(task.questions))
