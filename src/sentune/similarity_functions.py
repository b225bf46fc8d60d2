"""What the reference has in ``similarity_functions``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.similarity import SimilarityFunction

__all__ = ["SimilarityFunction"]
