"""What a folder says and is not used, or is used otherwise: logged as a warning, once for each."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

__all__ = ["tell", "tell_unknown"]

logger = logging.getLogger(__name__)

_told: set[str] = set()


def tell(message: str) -> None:
    """Log a warning that this process has not logged before: a folder is often read twice."""
    if message not in _told:
        _told.add(message)
        logger.warning("%s", message)


def tell_unknown(path: Path, keys: Iterable[str], known: Collection[str]) -> None:
    """Tell the keys of a file that are not known and so are not used."""
    unknown = [key for key in keys if key not in known]
    if unknown:
        tell(f"{path}: not used, because sentune does not know what it means: {', '.join(unknown)}")
