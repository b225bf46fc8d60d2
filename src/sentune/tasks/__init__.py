"""Uses of vectors: search so far."""

from sentune.tasks.search import Hit, PassageSearch

__all__ = ["Hit", "PassageSearch"]
