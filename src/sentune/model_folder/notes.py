"""What a folder says and is not used, or is used otherwise: logged as a warning, once for each."""

from __future__ import annotations

import logging

__all__ = ["tell"]

logger = logging.getLogger(__name__)

_told: set[str] = set()


def tell(message: str) -> None:
    """Log a warning that this process has not logged before: a folder is often read twice."""
    if message not in _told:
        _told.add(message)
        logger.warning("%s", message)
