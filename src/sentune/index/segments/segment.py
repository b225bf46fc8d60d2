"""A segment: passages that were written together, in one file that never changes.

It has all that a search needs: vectors in float32 and in one bit a component, words, and what is
shown of a passage. A passage has a number that no other passage of its version ever gets; the
numbers of a segment ascend, and those of a later segment are higher.

Vectors and words are those of pieces (:mod:`sentune.ranking.pieces`), one or more of each passage,
next to each other. All pieces of a passage are in one segment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.arrays import Pieces as Parts
from sentune.index.segments.arrays import map_arrays
from sentune.index.segments.codes import Codes, bits_of
from sentune.ranking.pieces import Pieces
from sentune.ranking.postings import Postings

__all__ = ["Segment", "best_pieces", "joined_segments", "segment_of"]

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]
Row = Mapping[str, Any]
Packed = NDArray[np.uint8]


@dataclass(frozen=True)
class Segment:
    """n pieces of passages; see the module.

    Attributes:
        numbers: (n,) of the passage, ascending.
        pieces: (n,) the place among the pieces of the passage, from 0.
        spans: (n, 2) start and end in the passage, in characters.
        vectors: (n, d) as the model made them.
        norms: (n,) their lengths.
        centre: (d,) their mean, when the segment was written.
        codes: (⌈d / 64⌉, n) :func:`sentune.index.segments.codes.bits_of` them.
        rows: (bytes,) id, text, source and fields of each passage, as JSON.
        row_ends: (n + 1,) where each ends; the first value is 0. Only the first piece of a passage
            has bytes.
        postings: their words.
        tokens: (bytes,) the vectors of their tokens, as
            :mod:`sentune.index.segments.token_codec` packs them; none in an index without them.
        token_ends: (n + 1,) where those of each piece end; the first value is 0.
    """

    numbers: NDArray[np.int64]
    pieces: NDArray[np.int32]
    spans: NDArray[np.int32]
    vectors: Vectors
    norms: Vectors
    centre: Vectors
    codes: Codes
    rows: NDArray[np.uint8]
    row_ends: NDArray[np.int64]
    postings: Postings
    tokens: Packed
    token_ends: NDArray[np.int64]

    @classmethod
    def mapped(cls, path: Path) -> Self:
        """Map a file. Raises OSError, and ValueError for damage."""
        found = map_arrays(path)
        try:
            segment = cls(
                **{name: found[name] for name in _PARTS}, postings=Postings.from_arrays(found)
            )
        except KeyError as error:
            raise ValueError(f"{path.name} has no {error}") from error
        each = (segment.numbers, segment.pieces, segment.spans, segment.vectors)
        lengths = {len(segment.token_ends) - 1, *(len(array) for array in each)}
        if lengths != {len(segment.row_ends) - 1} or segment.token_ends[-1] != len(segment.tokens):
            raise ValueError(f"{path.name} has arrays of different lengths")
        return segment

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def is_unit(self) -> bool:
        """Whether all vectors have length 1, as a model that normalizes makes them."""
        return bool(len(self) and np.abs(self.norms - 1).max() < 1e-3)

    @cached_property
    def is_whole(self) -> bool:
        """Whether every passage has one piece."""
        return not self.pieces.any()

    def packed_tokens(self, place: int) -> Packed:
        """The packed token vectors of a piece."""
        return self.tokens[self.token_ends[place] : self.token_ends[place + 1]]

    def row(self, place: int) -> dict[str, Any]:
        """What is shown of a piece: ``id``, ``text``, ``source``, ``fields`` of its passage.

        And ``piece``, its text; ``piece_number``, from 1; ``pieces``, how many the passage has.
        """
        number, last = 0, place + 1
        if not self.is_whole:
            number = int(self.pieces[place])
            last = int(np.searchsorted(self.numbers, self.numbers[place], side="right"))
        first = place - number
        content = self.rows[self.row_ends[first] : self.row_ends[first + 1]].tobytes()
        row = dict(json.loads(content.decode()))
        start, end = self.spans[place].tolist()
        return row | {
            "piece": row["text"][start:end],
            "piece_number": number + 1,
            "pieces": last - first,
        }


def best_pieces(passages: Places, scores: NDArray[Any]) -> Places:
    """The positions of the best piece of each passage; of equal ones the first.

    ``passages`` (n,) says which passage each piece belongs to; those of one are neighbours.
    """
    if not len(passages):
        return np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], passages[1:] != passages[:-1]]))
    most = np.maximum.reduceat(scores, starts)
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(passages)]))
    best = np.flatnonzero(scores == most[group])
    of_best = group[best]
    first: Places = best[np.concatenate([[True], of_best[1:] != of_best[:-1]])]
    return first


_PARTS = (
    *("numbers", "pieces", "spans", "vectors", "norms", "centre", "codes", "rows", "row_ends"),
    *("tokens", "token_ends"),
)


def segment_of(
    numbers: NDArray[np.int64],
    rows: Sequence[Row],
    pieces: Pieces,
    vectors: Vectors,
    postings: Postings,
    tokens: Sequence[Packed],
) -> dict[str, Parts]:
    """The arrays of a new segment.

    Args:
        numbers: (P,) of the passages.
        rows: what is shown of them, P mappings.
        pieces: of the passages.
        vectors, postings, tokens: of the n pieces; of tokens 0 bytes in an index without them.
    """
    packed = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    counts, firsts = pieces.counts, pieces.starts[:-1]
    lengths = np.zeros(len(pieces.texts), dtype=np.int64)
    lengths[firsts] = [len(each) for each in packed]
    places = np.arange(len(pieces.texts)) - np.repeat(firsts, counts)
    blob = np.frombuffer(b"".join(packed), np.uint8)
    own = _Own(np.repeat(numbers, counts), places, pieces.spans, lengths)
    return _arrays(own, [vectors], [blob], postings) | _token_arrays(tokens)


def joined_segments(
    segments: Sequence[Segment],
    kept: Sequence[NDArray[np.bool_]],
    repacked: Callable[[Packed], Packed] | None = None,
) -> dict[str, Parts]:
    """The arrays of one segment made of several, of which ``kept`` names the pieces to keep.

    All pieces of a passage are kept, or none. ``repacked`` packs token vectors in another way.
    """
    vectors, rows = [], []
    for segment, keep in zip(segments, kept, strict=True):
        every = bool(keep.all())
        vectors.append(segment.vectors if every else segment.vectors[keep])
        bytes_kept = slice(None) if every else np.repeat(keep, np.diff(segment.row_ends))
        rows.append(segment.rows[bytes_kept])
    each = list(zip(segments, kept, strict=True))
    own = _Own(
        numbers=np.concatenate([segment.numbers[keep] for segment, keep in each]),
        places=np.concatenate([segment.pieces[keep] for segment, keep in each]),
        spans=np.concatenate([segment.spans[keep] for segment, keep in each]),
        lengths=np.concatenate([np.diff(segment.row_ends)[keep] for segment, keep in each]),
    )
    postings = Postings.joined([segment.postings for segment in segments], kept)
    return _arrays(own, vectors, rows, postings) | _joined_tokens(each, repacked)


def _joined_tokens(
    each: Sequence[tuple[Segment, NDArray[np.bool_]]],
    repacked: Callable[[Packed], Packed] | None,
) -> dict[str, Parts]:
    if repacked is not None:
        places = ((segment, place) for segment, keep in each for place in np.flatnonzero(keep))
        return _token_arrays([repacked(segment.packed_tokens(int(at))) for segment, at in places])
    lengths = np.concatenate([np.diff(segment.token_ends)[keep] for segment, keep in each])
    # Views, however many bytes they have.
    return _token_parts(lengths, [view for part in each for view in _kept_tokens(*part)])


def _kept_tokens(segment: Segment, keep: NDArray[np.bool_]) -> Iterator[Packed]:
    """The tokens of neighbouring pieces that are kept, together."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
    for start, end in changes.reshape(-1, 2):
        yield segment.tokens[segment.token_ends[start] : segment.token_ends[end]]


def _token_arrays(tokens: Sequence[Packed]) -> dict[str, Parts]:
    return _token_parts(np.array([len(each) for each in tokens], dtype=np.int64), tokens)


def _token_parts(lengths: NDArray[np.int64], parts: Sequence[Packed]) -> dict[str, Parts]:
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return {"tokens": [np.empty(0, np.uint8), *parts], "token_ends": [ends]}


class _Own(NamedTuple):
    """What each piece has: its passage's number, its place there, its span, its bytes of rows."""

    numbers: NDArray[np.int64]
    places: NDArray[np.integer[Any]]
    spans: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]


def _arrays(
    own: _Own,
    vectors: Sequence[Vectors],
    rows: Sequence[NDArray[np.uint8]],
    postings: Postings,
) -> dict[str, Parts]:
    total = sum(each.sum(axis=0, dtype=np.float64) for each in vectors)
    centre = (total / max(1, len(own.numbers))).astype(np.float32)
    return {
        "numbers": [own.numbers],
        "pieces": [own.places.astype(np.int32)],
        "spans": [own.spans.astype(np.int32)],
        "vectors": vectors,
        "norms": [np.linalg.norm(each, axis=1) for each in vectors],
        "centre": [centre],
        "codes": [np.concatenate([bits_of(each, centre) for each in vectors], axis=1)],
        "rows": rows,
        "row_ends": [np.concatenate([np.zeros(1, np.int64), np.cumsum(own.lengths)])],
        **{name: [array] for name, array in postings.arrays().items()},
    }
