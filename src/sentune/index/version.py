"""One version of an index: its arrays for searches, its table for conditions, at one commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentune.errors import IndexFolderError
from sentune.index.manifest import Manifest
from sentune.index.rows.table import PassageTable
from sentune.index.segments.snapshot import Snapshot
from sentune.index.segments.token_codec import Tokens, WholeTokens
from sentune.index.store import Store

__all__ = ["TextVectors", "Version"]

T = TypeVar("T")


class TextVectors(NamedTuple):
    """What is stored of a text: vectors (n, d), spans (n, 2) and token vectors of its pieces.

    The latter are packed, or whole as long as the index has no codec; 0 bytes in one without them.
    """

    vectors: NDArray[np.float32]
    spans: NDArray[np.int64]
    tokens: Sequence[Tokens]


class Version:
    """The current commit of a version; ``similarity`` is that of its model.

    ``with_tokens`` says whether it has vectors of tokens.

    Raises:
        IndexFolderError: it is missing or damaged.
    """

    def __init__(
        self, store: Store, number: int, similarity: str, with_tokens: bool = False
    ) -> None:
        self.store = store
        self.number = number
        self.similarity = similarity
        self.with_tokens = with_tokens
        self.snapshot = self._at_current(self._opened)
        self._opened_table: PassageTable | None = None
        self._lock = threading.Lock()

    @property
    def manifest(self) -> Manifest:
        """The commit that is read."""
        return self.snapshot.manifest

    def refresh(self) -> None:
        """Read what others have committed since."""
        if self.manifest.is_current(self.store, self.number):
            return
        self.snapshot = self._at_current(self._opened)

    def goes_on(self) -> bool:
        """Read what others have committed since; False, and nothing is read, if none of it is left.

        Then it may be another index, which was built anew in the same folder.
        """
        if self.manifest.is_current(self.store, self.number):
            return True
        now = Manifest.read(self.store, self.number)
        if now.revision is None and self.manifest.revision is not None:
            raise self.store.unreadable("its list of segments is missing")
        if set(self.manifest.segments).isdisjoint(now.segments):
            return False
        self.refresh()
        return True

    def _opened(self, manifest: Manifest) -> Snapshot:
        known: Snapshot | None = getattr(self, "snapshot", None)
        if known is not None and known.manifest == manifest:
            return known
        return Snapshot(self.store, self.number, manifest, self.similarity, known)

    def _at_current(self, act: Callable[[Manifest], T]) -> T:
        """Do something with the current commit.

        While it is read, a writer may commit and remove the files of the one before.
        """
        manifest = Manifest.read(self.store, self.number)
        while True:
            try:
                return act(manifest)
            except IndexFolderError:
                before, manifest = manifest, Manifest.read(self.store, self.number)
                if manifest == before:
                    raise

    @property
    def table(self) -> PassageTable:
        """LanceDB's table at the commit that is read, opened when it is first needed."""
        try:
            return self._table_at(self.manifest.revision)
        except IndexFolderError:
            self.refresh()
            return self._table_at(self.manifest.revision)

    def _table_at(self, revision: int | None) -> PassageTable:
        if self._opened_table is None:
            self._opened_table = PassageTable(self.store, self.number, revision)
        self._opened_table.checkout(revision)
        return self._opened_table

    def count(self) -> int:
        """Passages."""
        return len(self.snapshot)

    def allowed(self, where: str) -> tuple[Snapshot, NDArray[np.bool_]]:
        """The snapshot, and its places that a filter lets through. Raises ArgumentError."""
        with self._lock:  # threads share the table, and each moves it to the commit that it reads
            snapshot, table = self.snapshot, self.table
            if self.snapshot is not snapshot:  # that commit was cleaned up
                snapshot = self.snapshot
            table.checkout(snapshot.manifest.revision)
            return snapshot, snapshot.mask(table.numbers(where))

    def vectors_of_texts(self, digests: Sequence[str]) -> dict[str, TextVectors]:
        """Digest of a text → vectors and spans of its pieces, for texts that some passage has."""
        numbers = self.table.numbers_of_texts(digests)
        if not numbers:
            return {}
        snapshot = self.snapshot
        firsts = np.searchsorted(snapshot.numbers, np.array([*numbers.values()], np.int64))
        places, counts = snapshot.pieces_of(firsts)
        ends = np.cumsum(counts)[:-1]
        tokens: list[Tokens] = [*snapshot.tokens(places.tolist())]
        if self.with_tokens and snapshot.codec is None:
            tokens = [WholeTokens.read(each) for each in snapshot.tokens(places.tolist())]
        found: list[Any] = [
            *(np.split(each, ends) for each in (snapshot.vectors(places), snapshot.spans(places))),
            [tokens[a:b] for a, b in pairwise([0, *np.cumsum(counts).tolist()])],
        ]
        return dict(zip(numbers, map(TextVectors, *found), strict=True))
