"""Writing to one version of an index, in chunks of passages, each a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.data.passages import Passage
from sentune.errors import IndexFolderError, OutputError
from sentune.index.changes import Changes, Digests, plan
from sentune.index.dense import prepare
from sentune.index.encoding_ahead import Encoded, EncodingAhead
from sentune.index.rows.arrow_rows import (
    FIELDS_DIGEST,
    SOURCE,
    TEXT_DIGEST,
    column_types,
    fields_of_row,
    table_of,
    text_digest,
)
from sentune.index.segments.token_codec import Tokens, WholeTokens, packed_with
from sentune.index.sources import Sources
from sentune.index.version import TextVectors, Version
from sentune.index.version_writing import WritableVersion
from sentune.progress import Advance, progress
from sentune.ranking.bm25 import stemmed_words
from sentune.ranking.pieces import (
    LongText,
    Pieces,
    cut_texts,
    encode_pieces,
    encode_pieces_with_tokens,
)
from sentune.ranking.token_vectors import TokenVectors
from sentune.vectors import require_finite

if TYPE_CHECKING:
    import pyarrow as pa

    from sentune.encoding.runners.runner import Runner
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["LEARNT_FROM", "Writer"]

LEARNT_FROM = 16384
"""Tokens of an index before its codec is learnt from them."""

_CHUNK = 4096
# Every search looks at the manifest, so no reader uses an old commit for as long as an hour.
_KEPT = timedelta(hours=1)
_AT_ONCE = timedelta(milliseconds=1)  # LanceDB warns at 0
_SHOWN = 512  # texts between two steps of the bar
Sourced = tuple[str, Passage]


class Writer:
    """Adds to and removes from a version, and keeps its indexes of words and vectors up to date.

    ``model`` gives the model; it is asked only when a text has to be encoded. ``long_text`` is
    what is done with passages over its limit. The version says whether tokens are stored.
    """

    def __init__(
        self,
        version: WritableVersion,
        model: Callable[[], SentenceTransformer],
        long_text: LongText,
    ) -> None:
        self._store = version.store
        self._version = version
        self._model = model
        self._long_text = long_text

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Commit what the block does, on top of what others have committed, and as the only writer.

        Raises:
            IndexFolderError: the index was rebuilt: writes to this version would be lost.
        """
        with self._store.writing():
            if self._store.is_published() and self._store.current() > self._version.number:
                raise IndexFolderError(
                    f"{self._store.location} was rebuilt in the meantime",
                    expected="the version that was opened",
                    fix="open the index and add again: what it has is not encoded twice",
                )
            with self._version.change():
                yield

    def apply(
        self,
        sources: Sources,
        *,
        alone: bool = False,
        show_progress_bar: bool,
        pool: Runner | None = None,
    ) -> Changes:
        """Bring sources up to date; see :meth:`sentune.index.index.Index.add`.

        With ``alone``, everything else that the index has is removed. ``pool`` is where texts are
        encoded; it computes no vectors of tokens.
        """
        known = self._known(sources, alone=alone)
        plans = [
            (source, plan(known.get(source.name, {}), source.passages())) for source in sources.each
        ]
        wanted = (
            (source.name, passage)
            for source, each in plans
            if each.wanted
            for passage in source.passages()
            if passage.id in each.wanted
        )
        total = sum(len(each.wanted) for _, each in plans)
        fields = column_types((each.kinds for _, each in plans), self._version.table.schema)
        encoded = self._write_all(
            wanted, total, fields, show_progress_bar=show_progress_bar, pool=pool
        )
        gone = {source.name: each.gone for source, each in plans if source.whole or alone}
        left = [name for name in known if name not in gone and (alone or sources.covers(name))]
        gone |= {name: frozenset(known[name]) for name in left}
        removed = self._remove(gone)
        self._update_indexes(changed=total + removed > 0)
        return Changes(
            added=sum(each.added for _, each in plans),
            changed=sum(each.changed for _, each in plans),
            removed=removed,
            unchanged=sum(each.unchanged for _, each in plans),
            encoded=encoded,
        )

    def copy(self, other: Version, *, show_progress_bar: bool) -> None:
        """Make the passages those of another table; those that are equal already stay."""
        known = self._version.table.digests()
        gone = {source: set(ids) for source, ids in known.items()}

        def missing() -> Iterator[Sourced]:
            for batch in other.table.batches(_CHUNK):
                for row in batch.to_pylist():
                    gone.get(row[SOURCE], set()).discard(row["id"])
                    stored = known.get(row[SOURCE], {}).get(row["id"])
                    if stored != (row[TEXT_DIGEST], row[FIELDS_DIGEST]):
                        yield row[SOURCE], Passage(row["id"], row["text"], fields_of_row(row))

        fields = column_types([], other.table.schema)
        self._write_all(missing(), other.count(), fields, show_progress_bar=show_progress_bar)
        self._remove(gone)
        self._update_indexes(changed=True)

    def delete(self, filters: Sequence[str]) -> int:
        """Remove what filters let through; the number of rows. Raises ArgumentError."""
        with self.writing():
            count = sum(self._version.delete(each) for each in filters)
        # What was asked for is done. On a full disk, the next change tidies up.
        with suppress(OutputError):
            self._update_indexes(changed=count > 0)
        return count

    def _known(self, sources: Sources, *, alone: bool) -> Mapping[str, Digests]:
        # One scan for a folder of thousands of files; a filtered one for a file in a large index.
        single = len(sources.each) == 1 and sources.folder is None and not alone
        return self._version.table.digests(sources.each[0].name if single else None)

    def _write_all(
        self,
        wanted: Iterator[Sourced],
        total: int,
        fields: Mapping[str, pa.DataType],
        *,
        show_progress_bar: bool,
        pool: Runner | None = None,
    ) -> int:
        chunks = iter(lambda: list(islice(wanted, _CHUNK)), [])
        with progress("encode", total, unit="passages", show=show_progress_bar) as advance:
            if pool is None:
                return sum(self._write(chunk, fields, advance) for chunk in chunks)
            ahead = EncodingAhead(
                self._model(), pool, self._long_text, _SHOWN, self._version.vectors_of_texts
            )
            return self._write_ahead(ahead, chunks, fields, advance)

    def _write_ahead(
        self,
        ahead: EncodingAhead,
        chunks: Iterator[list[Sourced]],
        fields: Mapping[str, pa.DataType],
        advance: Advance,
    ) -> int:
        """Commit chunks as their vectors come; the number of texts that were encoded for them."""
        encoded = 0
        finished = ahead(chunks, advance)
        while True:
            try:
                each = next(finished, None)
            except KeyboardInterrupt:
                # Nothing more is waited for, but what has come is kept.
                for begun in ahead.begun:
                    self._keep(begun.passages, fields, self._known_of(begun))
                raise
            if each is None:
                return encoded
            self._commit(each.passages, fields, self._known_of(each))
            encoded += len(each.texts)

    def _known_of(self, chunk: Encoded) -> Mapping[str, TextVectors]:
        texts = list({text_digest(passage.text) for _, passage in chunk.passages})
        return {**self._version.vectors_of_texts(texts), **chunk.texts}

    def _write(
        self, chunk: Sequence[Sourced], fields: Mapping[str, pa.DataType], advance: Advance
    ) -> int:
        """Commit passages; the number of texts that were encoded for it."""
        passages = [passage for _, passage in chunk]
        texts = {text_digest(passage.text): passage.text for passage in passages}
        known = self._version.vectors_of_texts(list(texts))
        missing = {digest: text for digest, text in texts.items() if digest not in known}
        advance(len(chunk) - len(missing))
        encoded: list[TextVectors] = []
        try:
            self._encode(list(missing.values()), encoded, advance)
        except KeyboardInterrupt:
            # Nothing more is encoded, but what is encoded already is kept.
            self._keep(chunk, fields, known | dict(zip(missing, encoded, strict=False)))
            raise
        known |= dict(zip(missing, encoded, strict=True))
        self._commit(chunk, fields, known)
        return len(missing)

    def _keep(
        self,
        chunk: Sequence[Sourced],
        fields: Mapping[str, pa.DataType],
        known: Mapping[str, TextVectors],
    ) -> None:
        """Commit those passages whose vectors are known, if there are any."""
        kept = [each for each in chunk if text_digest(each[1].text) in known]
        if kept:
            self._commit(kept, fields, known)

    def _commit(
        self,
        chunk: Sequence[Sourced],
        fields: Mapping[str, pa.DataType],
        known: Mapping[str, TextVectors],
    ) -> None:
        passages = [passage for _, passage in chunk]
        rows = table_of([source for source, _ in chunk], passages, fields)
        each = [known[text_digest(passage.text)] for passage in passages]
        pieces = Pieces.of([passage.text for passage in passages], [one.spans for one in each])
        words = stemmed_words(pieces.texts)
        vectors = np.concatenate([one.vectors for one in each])
        tokens = [own for one in each for own in one.tokens]
        with self.writing():
            self._version.upsert(rows, pieces, words, vectors, tokens)

    def _encode(self, texts: Sequence[str], found: list[TextVectors], advance: Advance) -> None:
        """Add the vectors of texts to ``found``, a group of texts at a time."""
        for start in range(0, len(texts), _SHOWN):
            some = texts[start : start + _SHOWN]
            model = self._model()
            pieces = cut_texts(some, model, self._long_text)
            vectors, tokens = self._vectors(model, pieces)
            require_finite(vectors, f"the vectors of {model.base.name}")
            ends = pieces.starts[1:-1]
            split = [tokens[a:b] for a, b in pairwise(pieces.starts.tolist())]
            found += map(TextVectors, np.split(vectors, ends), np.split(pieces.spans, ends), split)
            if self._version.with_tokens:
                found[:] = self._packed(found)
            advance(len(some))

    def _vectors(
        self, model: SentenceTransformer, pieces: Pieces
    ) -> tuple[NDArray[np.float32], list[Tokens]]:
        """Vectors and token vectors of pieces; 0 bytes of these in an index without them."""
        if not self._version.with_tokens:
            none = [np.empty(0, np.uint8)] * len(pieces.texts)
            return encode_pieces(model, pieces, show_progress_bar=False), [*none]
        codec = self._version.snapshot.codec

        def keep(ids: NDArray[np.int32], vectors: TokenVectors) -> Tokens:
            whole = WholeTokens(ids, vectors)
            return whole if codec is None else codec.pack(whole)

        return encode_pieces_with_tokens(model, pieces, keep)

    def _packed(self, found: list[TextVectors]) -> list[TextVectors]:
        """The same with packed tokens, if there were enough by now to learn from."""
        version = self._version
        if version.snapshot.codec is None:
            each = (tokens for one in found for tokens in one.tokens)
            whole = [tokens for tokens in each if isinstance(tokens, WholeTokens)]
            new = sum(len(tokens.ids) for tokens in whole)
            if new + version.snapshot.whole_tokens < LEARNT_FROM:
                return found
            with self.writing():
                version.learn_codec(whole)
        codec = version.snapshot.codec
        return [
            one._replace(tokens=[packed_with(codec, own) for own in one.tokens]) for one in found
        ]

    def _remove(self, gone: Mapping[str, Iterable[str]]) -> int:
        removed = 0
        for source, ids in gone.items():
            if ids:
                with self.writing():
                    removed += self._version.delete_ids(source, ids)
        return removed

    def _update_indexes(self, *, changed: bool) -> None:
        """Join small files and segments. A search before that gives the same, but slower."""
        if not changed and self._version.is_joined:
            return
        with self.writing():
            self._version.join_segments(into_one=not self._is_published())
            self._version.optimize()
        prepare(self._version)
        kept = self._kept()
        if kept is not None:
            with self.writing():
                self._version.optimize(clean_up=kept)
        with self._store.writing():
            self._version.sweep()

    def _kept(self) -> timedelta | None:
        """How long LanceDB's old commits are kept; None for as long as there is no end."""
        if not self._is_published():
            return _AT_ONCE  # nobody reads it
        # A rebuild reads one commit for as long as it takes.
        return None if self._store.is_being_filled() else _KEPT

    def _is_published(self) -> bool:
        return self._store.is_published() and self._store.current() >= self._version.number
