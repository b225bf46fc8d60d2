"""What the reference has in ``util``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.similarity import cos_sim, dot_score
from sentune.tasks.communities import community_detection
from sentune.tasks.paraphrases import paraphrase_mining, paraphrase_mining_embeddings
from sentune.tasks.semantic_search import semantic_search
from sentune.training.mining.hard_negatives import mine_hard_negatives

__all__ = [
    "community_detection",
    "cos_sim",
    "dot_score",
    "mine_hard_negatives",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "semantic_search",
]
