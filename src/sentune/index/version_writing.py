"""Changes to a version, each of which counts once its manifest is written.

LanceDB commits a change after writing its files, but does not notice when the disk was too full
for one of them: it then refers to a file that is cut short, and the table cannot be read any more.
So here the store flushes and checks the files of a commit, new rows are read back, and only then
does the manifest name the commit and the segments that belong to it. A commit that failed, or
whose process was killed, is ignored, and the next change starts from what the manifest names.

Every chunk of passages becomes a segment. Small ones are joined later, so that a segment has at
least twice as many passages as all later ones together: a passage is then copied O(log n) times.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.index.manifest import Manifest
from sentune.index.rows.arrow_rows import among, numbered, of_source, shown
from sentune.index.rows.table import PassageTable
from sentune.index.rows.table_writing import WritableTable
from sentune.index.segments.arrays import Pieces as Parts
from sentune.index.segments.arrays import write_arrays
from sentune.index.segments.segment import joined_segments, segment_of
from sentune.index.segments.snapshot import Snapshot
from sentune.index.segments.token_codec import TokenCodec, Tokens, WholeTokens, packed_with
from sentune.index.store import Store
from sentune.index.version import Version
from sentune.ranking.pieces import Pieces
from sentune.ranking.postings import Postings

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WritableVersion"]

_SUFFIX = ".safetensors"
_GONE_SHARE = 4  # a segment is written anew when more than one passage in so many is gone


class WritableVersion(Version):
    """A version that can be changed, by one process at a time; see ``Store.writing``."""

    def __init__(
        self, store: Store, number: int, similarity: str, with_tokens: bool = False
    ) -> None:
        self._writable: WritableTable | None = None
        self._is_changing = False
        super().__init__(store, number, similarity, with_tokens)

    @property
    def table(self) -> PassageTable:
        """LanceDB's table: at the commit that is read, or as a change has left it until now."""
        return self._writer if self._is_changing else super().table

    @property
    def _writer(self) -> WritableTable:
        if self._writable is None:
            self._writable = WritableTable(self.store, self.number, self.manifest.revision)
        return self._writable

    @contextmanager
    def change(self) -> Iterator[None]:
        """Commit what the block does, if it ends without an error.

        Raises:
            OutputError: the disk is full, say. The version is then as it was.
        """
        self.refresh()
        table, self._is_changing = self._writer, True
        try:
            with self.store.flushed(self.number):
                table.begin(self.manifest.revision)
                yield
            manifest = replace(self.manifest, revision=table.revision())
            manifest.write(self.store, self.number)
            self._become(manifest)
        except BaseException:
            self.refresh()
            raise
        finally:
            self._is_changing = False

    def _become(self, manifest: Manifest) -> None:
        """Go on from a manifest that is not committed yet."""
        known = self.snapshot
        self.snapshot = Snapshot(self.store, self.number, manifest, self.similarity, known)

    # ── inside a change ───────────────────────────────────────────────────────────────────────

    def optimize(self, *, clean_up: timedelta | None = None) -> None:
        """Join LanceDB's small files, and remove what only older commits need.

        Commits that are older than ``clean_up`` are removed, in a change after the last: until
        the manifest names a commit, it is not safe from that.
        """
        self._writer.optimize(clean_up)

    def upsert(
        self,
        rows: pa.Table,
        pieces: Pieces,
        words: Sequence[Sequence[str]],
        vectors: NDArray[np.float32],
        tokens: Sequence[Tokens],
    ) -> None:
        """Write rows with their pieces, replacing those with their ids.

        ``words`` are the stemmed words of the pieces, (n, d) ``vectors`` theirs, ``tokens`` those
        of their tokens, in an index that has them.
        """
        first = self.manifest.next_number
        replaced = self._writer.upsert(numbered(rows, first))
        self._remove(replaced)
        numbers = np.arange(first, first + len(rows), dtype=np.int64)
        manifest, codec = self.manifest, self.snapshot.codec
        packed = [packed_with(codec, each) for each in tokens]
        arrays = segment_of(numbers, list(shown(rows)), pieces, vectors, Postings.of(words), packed)
        self._become(
            replace(
                manifest,
                segments=(*manifest.segments, self._new_file("rows", arrays)),
                next_number=first + len(rows),
                next_file=manifest.next_file + 1,
                passages=manifest.passages + len(rows),
            )
        )

    def learn_codec(self, tokens: Sequence[WholeTokens]) -> None:
        """Learn how tokens are packed from now on, from these and those that the index has.

        What it has is packed anew. A codec that was learnt before stays.
        """
        if self.snapshot.codec is not None:
            return
        codec = TokenCodec.learn([*self._whole_tokens(), *tokens])
        manifest = self.manifest
        number = count(manifest.next_file)
        name = self._new_file("codec", codec.arrays(), next(number))
        segments, kept = list(self.snapshot.segments.values()), self._kept()
        left: tuple[str, ...] = ()
        if any(each.any() for each in kept):
            arrays = joined_segments(
                segments, kept, lambda packed: codec.pack(WholeTokens.read(packed))
            )
            left = (self._new_file("rows", arrays, next(number)),)
        changed = replace(manifest, segments=left, gone=None, codec=name)
        self._become(replace(changed, next_file=next(number)))

    def _whole_tokens(self) -> Iterator[WholeTokens]:
        present = self.snapshot.present
        every = range(self.snapshot.width)
        places = every if present is None else np.flatnonzero(present).tolist()
        yield from map(WholeTokens.read, self.snapshot.tokens(places))

    def delete(self, where: str) -> int:
        """Remove what a filter lets through; the number of rows. Raises ArgumentError."""
        numbers = self._writer.delete(where)
        self._remove(numbers)
        return len(numbers)

    def delete_ids(self, source: str, ids: Iterable[str]) -> int:
        """Remove passages of a source; the number of those that were there."""
        return sum(self.delete(f"{of_source(source)} AND {each}") for each in among("id", ids))

    def _remove(self, numbers: NDArray[np.int64]) -> None:
        if not len(numbers):
            return
        manifest = self.manifest
        gone = np.sort(np.concatenate([self.snapshot.gone, numbers]))
        self._become(
            replace(
                manifest,
                gone=self._new_file("gone", {"gone": [gone]}),
                next_file=manifest.next_file + 1,
                passages=manifest.passages - len(numbers),
            )
        )

    @property
    def is_joined(self) -> bool:
        """Whether ``join_segments`` would change nothing."""
        return all(len(group) == 1 and not anew for group, anew in self._groups())

    def join_segments(self, *, into_one: bool = False) -> None:
        """Join small segments, or all, and leave out what is gone."""
        groups = self._groups()
        if into_one and len(groups) > 1:
            groups = [([place for group, _ in groups for place in group], True)]
        if all(len(group) == 1 and not anew for group, anew in groups):
            return
        names, kept = list(self.manifest.segments), self._kept()
        segments = list(self.snapshot.segments.values())
        number = count(self.manifest.next_file)
        written: list[str] = []
        left = [np.empty(0, np.int64)]
        for group, anew in groups:
            if not anew:
                written.append(names[group[0]])
                left.append(np.unique(segments[group[0]].numbers[~kept[group[0]]]))
            elif any(kept[place].any() for place in group):
                arrays = joined_segments([segments[p] for p in group], [kept[p] for p in group])
                written.append(self._new_file("rows", arrays, next(number)))
        gone = np.concatenate(left)
        name = self._new_file("gone", {"gone": [gone]}, next(number)) if len(gone) else None
        manifest = replace(self.manifest, segments=tuple(written), gone=name)
        self._become(replace(manifest, next_file=next(number)))

    def _kept(self) -> list[NDArray[np.bool_]]:
        """For each segment, which pieces are there."""
        sizes = list(map(len, self.snapshot.segments.values()))
        present = self.snapshot.present
        every = np.ones(sum(sizes), np.bool_) if present is None else present
        return np.split(every, np.cumsum(sizes)[:-1]) if sizes else []

    def _groups(self) -> list[tuple[list[int], bool]]:
        return _groups([(len(each), int(each.sum())) for each in self._kept()])

    def sweep(self) -> None:
        """Remove the files that the current manifest does not name; as the only writer.

        It is read again: another writer may have committed files since the last change here.
        """
        self.refresh()
        self.store.remove_files(self.number, f"*{_SUFFIX}", but=self.manifest.files)

    def _new_file(self, kind: str, arrays: Mapping[str, Parts], number: int | None = None) -> str:
        number = self.manifest.next_file if number is None else number
        # No name twice: one that was written in vain may be in a cache, or be written by a writer
        # whose lease has run out.
        name = f"{kind}-{number}-{secrets.token_hex(4)}{_SUFFIX}"
        with self.store.new_file(self.number, name) as stream:
            write_arrays(stream, arrays)
        return name


def _groups(sizes: Sequence[tuple[int, int]]) -> list[tuple[list[int], bool]]:
    """Neighbouring segments to join, from passages with and without those that are gone.

    Whether each group is to be written anew comes with it.
    """
    groups: list[list[int]] = []
    later = 0
    for place in reversed(range(len(sizes))):
        size = sizes[place][1]
        if groups and size < 2 * later:
            groups[-1].insert(0, place)
        else:
            groups.append([place])
        later += size
    groups.reverse()
    return [(group, len(group) > 1 or _is_thin(*sizes[group[0]])) for group in groups]


def _is_thin(size: int, left: int) -> bool:
    """Whether so many passages of a segment are gone that it is written anew."""
    return left * _GONE_SHARE < size * (_GONE_SHARE - 1)
