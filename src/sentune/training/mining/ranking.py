"""Which passages are looked at first for a negative: the model's, BM25's, or those of both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates

__all__ = ["CandidateRanking"]

_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class CandidateRanking:
    """Cosines of some questions → one score a passage, by which candidates are taken.

    Attributes:
        questions: the texts, by number.
        words: None if the model ranks alone.
        weight: the model's share; 0 if BM25 ranks alone.
    """

    questions: list[str]
    words: BM25 | None
    weight: float

    @classmethod
    def of(cls, mode: str, pairs: Pairs, model: SentenceTransformer) -> CandidateRanking:
        """The ranking of a mode of mining.

        Raises:
            MissingExtraError: bm25s or PyStemmer is needed and is not installed.
        """
        questions = [pairs.questions[key] for key in pairs.relevant]
        if mode == "dense":
            return cls(questions, None, 1.0)
        saved = model.extras.get("fusion_weight", 1.0)
        # A weight of 1 would list what the model lists.
        shared = _EVEN if saved == 1 else float(saved)
        words = BM25(list(pairs.passages.values()))
        return cls(questions, words, 0.0 if mode == "words" else shared)

    def order(self, block: range, cosines: Tensor) -> Tensor:
        """Scores of the questions of ``block``: (B, P), the higher the earlier; -inf: not at all.

        ``cosines`` are (B, P), -inf for passages that are no candidates.
        """
        if self.words is None:
            return cosines.clone()
        words = self.words.scores(self.questions[block.start : block.stop])
        out = np.isneginf(cosines.numpy())
        words[out] = 0
        if not self.weight:
            return torch.from_numpy(np.where(words > 0, words, -math.inf).astype(np.float32))
        dense = dense_candidates(cosines.numpy())
        dense[np.isneginf(dense)] = np.nan
        fused = fuse(dense, word_candidates(words), self.weight)
        return torch.from_numpy(fused.astype(np.float32))
