"""The public class: build, open, add, delete and rebuild; its reader searches."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sentune.checks import require_choice, require_text
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.encoding.fingerprint import fingerprint
from sentune.errors import ArgumentError, IndexFolderError, OutputError
from sentune.index.changes import Changes
from sentune.index.index_model import IndexModel
from sentune.index.read_before import refuse_documents, refuse_other_splits
from sentune.index.reader import IndexReader
from sentune.index.rows.arrow_rows import among, of_source
from sentune.index.rows.table import require_extra, require_lancedb
from sentune.index.rows.table_writing import WritableTable
from sentune.index.sources import (
    Data,
    Sources,
    name_of_source,
    sources_of,
    telling_of_columns,
)
from sentune.index.storage import store_at
from sentune.index.store import BASE_FOLDER, Store
from sentune.index.version_writing import WritableVersion
from sentune.index.writer import Writer
from sentune.ranking.pieces import LongText, require_long_text

if TYPE_CHECKING:
    from sentune.encoding.runners.runner import Runner
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["Index"]

SIMILARITIES = ("cosine", "dot", "euclidean")  # not manhattan: bits say nothing of it


class Index(IndexReader):
    """Passages and their vectors in a folder, with the model that they belong to.

    Made by :meth:`build` and :meth:`open`. What ``add`` and ``delete`` have written is kept when
    the process is killed. Several processes may search and write at once: writers wait for each
    other, and a search sees what was committed when it began. A :class:`~sentune.search.Searcher`.

    >>> from tempfile import TemporaryDirectory
    >>> from sentune import SentenceTransformer
    >>> from sentune.index import Index
    >>> folder = TemporaryDirectory()
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> passages = [
    ...     {"id": "a", "text": "Copy a file with shutil.copy.", "page": 3},
    ...     {"id": "b", "text": "A thread ends when it returns.", "page": 7},
    ... ]
    >>> index = Index.build(f"{folder.name}/index", model, passages)
    >>> [(hit.id, hit.fields) for hit in index.search("copying files", where="page < 5")]
    [('a', {'page': 3})]
    >>> index.delete(["b"]), len(index)
    (1, 1)
    >>> folder.cleanup()

    Attributes:
        location: the folder, or ``s3://bucket/name``.
        path: the folder, where it is one.
    """

    _version_class = WritableVersion
    _version: WritableVersion

    def _use(self, number: int, built_with: IndexModel) -> None:
        super()._use(number, built_with)
        self._writer = Writer(self._version, lambda: self.model, built_with.long_text)

    # ── making and opening ────────────────────────────────────────────────────────────────────

    @classmethod
    def build(
        cls,
        path: str | Path,
        model: SentenceTransformer,
        data: Data,
        *,
        long_text: LongText = "pieces",
        late: bool = False,
        compare: SentenceTransformer | None = None,
        pool: Runner | None = None,
        show_progress_bar: bool = False,
        reading: ReadOptions = AS_NAMED,
    ) -> Self:
        """Encode passages into a new index.

        A build that was stopped continues where it was when it is run again with the same model;
        until then the index cannot be opened. After Ctrl-C, all encoded texts are kept but the last
        512, or those that a pool has not given back. After a kill, or Ctrl-C while passages are
        written, the chunks of 4,096 passages that were written before are kept.

        Cost: the model reads every token of the passages once, and the special tokens of each
        piece.

        Args:
            path: a folder that does not exist yet, or an unfinished index; or ``s3://bucket/name``.
            model: encodes passages and questions, with its prompts.
            data: see :data:`sentune.index.sources.Data`.
            long_text: passages over the model's length limit are found by their best piece
                (``pieces``), or lose their end (``truncate``). ``add`` does the same.
            late: store the vectors of the passages' tokens too, so that a search in mode ``late``
                encodes nothing but the question. ``add`` does the same. They come from the same
                computation; docs/index.md has the bytes.
            compare: a base model, whose vectors are stored too; see :meth:`compared_with`.
            pool: where to encode, if not in this process; not together with ``late`` and
                ``compare``.
            show_progress_bar: a bar on standard error.
            reading: what the columns of files are. ``add`` takes them, too, unless it is told
                others.

        Raises:
            OutputError: ``path`` holds something else, or cannot be written.
            DataError: the data cannot be read.
            ArgumentError: the model compares by manhattan distance, or another ``long_text``.
            MissingExtraError: without the extra ``index``.
        """
        require_extra()
        require_lancedb()
        for each in (model, *(() if compare is None else (compare,))):
            _require_metric(each)
        if pool is not None:
            _require_plain(late=late, compare=compare)
        built_with = IndexModel.of(
            model, require_long_text(long_text), tokens=late, reading=reading
        )
        store = store_at(path)
        store.require_free()
        sources = sources_of(data, reading)
        try:
            with store.filling():
                store.require_free()  # reading the data can take long
                return cls._built(
                    store, built_with, model, sources, compare, pool, show_progress_bar
                )
        finally:
            store.remove_if_empty()

    @classmethod
    def _built(
        cls,
        store: Store,
        built_with: IndexModel,
        model: SentenceTransformer,
        sources: Sources,
        compare: SentenceTransformer | None,
        pool: Runner | None,
        show_progress_bar: bool,
    ) -> Self:
        index = cls._begin(store, store.unfinished() or 1, built_with, model)
        try:
            index._writer.apply(sources, alone=True, show_progress_bar=show_progress_bar, pool=pool)
        except BaseException:
            if not index._version.count():
                store.discard(index._version.number)
            raise
        if compare is not None:
            index._store_base(compare, show_progress_bar=show_progress_bar)
        store.publish(index._version.number)
        return index

    @property
    def _base_location(self) -> str:
        return f"{self.location}/{BASE_FOLDER}"

    def _store_base(self, base: SentenceTransformer, *, show_progress_bar: bool) -> None:
        """Make the passages of the base's index those of this one."""
        store = store_at(self._base_location)
        built_with = IndexModel.of(base, self._built_with.long_text, tokens=False)
        with store.filling():
            current = store.current() if store.is_published() else 0
            known = current and built_with.has_begun(store, current)
            number = current if known else store.unfinished() or current + 1
            fresh = self._begin(store, number, built_with, base)
            fresh._writer.copy(self._version, show_progress_bar=show_progress_bar)
            if not known:
                store.publish(number)

    def _update_base(self, *, changed: bool = True) -> None:
        if changed and store_at(self._base_location).is_published():
            base = type(self).open(self._base_location).model
            self._store_base(base, show_progress_bar=False)

    def compared_with(self, base: str) -> Self:
        """The index of a base model's vectors of the same passages, for searches beside this one.

        ``build`` stores them with ``compare``, and ``add``, ``delete`` and ``rebuild`` keep them up
        to date.

        Raises:
            IndexFolderError: they are not there, of another model, or of other passages.
            ModelError: there is no such model.
        """
        from sentune.encoding.sentence_transformer import SentenceTransformer

        again = f"sentune index build {self._built_with.name} DATA --out NEW-INDEX --compare {base}"
        store = store_at(self._base_location)
        if not store.is_published():
            raise IndexFolderError(
                f"{self.location} has no vectors of {base}",
                expected="an index that was built with --compare",
                fix=f"build it so: {again}",
            )
        known, model = IndexModel.read(store, store.current()), SentenceTransformer(base)
        if known.fingerprint.differences(fingerprint(model)):
            raise IndexFolderError(
                f"{self.location} has the vectors of {known.name}, and {base} is another model",
                expected="the model that it was compared with",
                fix=f"name that one, or build the index anew: {again}",
            )
        found = type(self).open(self._base_location, model)
        self._follow()
        if found._version.table.digests() != self._version.table.digests():
            raise IndexFolderError(
                f"{self.location} has vectors of {base} for other passages (an interrupted change)",
                expected="both models' vectors of the same passages",
                fix=f"add something to the index again, or build it anew: {again}",
            )
        return found

    def of_base(self) -> Self:
        """As ``compared_with``, without the base model: for its vectors alone.

        Raises:
            IndexFolderError: there are none.
        """
        return type(self).open(self._base_location)

    @classmethod
    def open(cls, path: str | Path, model: SentenceTransformer | None = None) -> Self:
        """Open an index.

        ``model`` is the one that the index was built with. When None, it is loaded from where it
        was then, once a text has to be encoded.

        Raises:
            IndexFolderError: there is no index, it is unfinished or damaged, or ``model`` is not
                the one it was built with.
            MissingExtraError: without the extra ``index``.
        """
        require_extra()
        store = store_at(path)
        version = store.current()
        built_with = IndexModel.read(store, version)
        if model is not None:
            built_with.require(fingerprint(model), store.location, model.base.name)
        return cls(store, version, built_with, model)

    @classmethod
    def _begin(
        cls, store: Store, version: int, built_with: IndexModel, model: SentenceTransformer
    ) -> Self:
        """A version to fill: new, or left unfinished by the same model."""
        begun = built_with.has_begun(store, version)
        if not begun:
            store.discard(version)
        try:
            built_with.write(store, version)
            WritableTable.create(store, version)
        except BaseException:
            if not begun:
                with suppress(OutputError):  # the first error says more
                    store.discard(version)
            raise
        return cls(store, version, built_with, model)

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def add(
        self, data: Data, *, show_progress_bar: bool = False, reading: ReadOptions | None = None
    ) -> Changes:
        """Add passages, or bring those of a file or a folder up to date.

        Passages that a file no longer has are removed, and so are all those of files that were
        removed from a folder. Passages from Python replace those with their ids. Only texts that
        the index does not have yet are encoded. All the data is read once before the first write.
        Then chunks of 4,096 passages are written, and each that was written is kept. ``reading``
        says what the columns of files are; when None, they are as for ``build``.

        Raises:
            DataError: the data cannot be read, has a file that the index has as a document, or is a
                folder of ``datasets`` whose splits are others now; nothing is changed.
            OutputError: the folder cannot be written, or the disk is full.
            IndexFolderError: the index was rebuilt with another model in the meantime.
            ModelError: the model is no longer where it was.
        """
        self._follow()
        with telling_of_columns(remembered=reading is None):
            sources = sources_of(data, self.reading if reading is None else reading)
            if isinstance(data, str | Path | Sources):
                ids = self._version.table.ids_of_sources()
                refuse_other_splits(sources, ids)
                if not isinstance(data, Sources):
                    refuse_documents(sources, ids)
            changes = self._writer.apply(sources, show_progress_bar=show_progress_bar)
        self._update_base()
        return changes

    @property
    def reading(self) -> ReadOptions:
        """What ``build`` was told of the columns of files."""
        return self._built_with.reading

    def ids_of_sources(self) -> dict[str, str]:
        """Source → one of the ids of its passages. Cost: all ids are read."""
        self._follow()
        return self._version.table.ids_of_sources()

    def delete(
        self,
        ids: Iterable[str] = (),
        *,
        where: str | None = None,
        source: str | Path | None = None,
    ) -> int:
        """Remove passages by id, by filter, or those of a file; the number of those removed.

        Raises:
            ArgumentError: not exactly one of the three, or a filter that cannot be used.
            OutputError: the folder cannot be written.
        """
        listed = [require_text("an id", each) for each in ([ids] if isinstance(ids, str) else ids)]
        choices = {"ids": listed or None, "where": where, "source": source}
        given = [name for name, value in choices.items() if value is not None]
        if len(given) != 1:
            raise ArgumentError(
                f"{' and '.join(given) or 'nothing'} to delete by",
                expected="either ids, or where, or source",
                fix="give one of them",
            )
        self._follow()
        if source is not None:
            where = of_source(name_of_source(str(source)))
        count = self._writer.delete([where] if where is not None else among("id", listed))
        self._update_base(changed=count > 0)
        return count

    def rebuild(
        self,
        model: SentenceTransformer,
        *,
        long_text: LongText | None = None,
        late: bool | None = None,
        show_progress_bar: bool = False,
    ) -> None:
        """Encode all passages anew with another model, and switch to it when that is done.

        Until then, searches use the old version. What is added in the meantime is copied too.
        Run again after a kill, it continues where it was.

        Args:
            model: the new one.
            long_text, late: as for ``build``; as it is now when None.
            show_progress_bar: a bar on standard error.

        Raises:
            OutputError: the folder cannot be written, or another process is rebuilding.
            ArgumentError: the model compares by manhattan distance, or another ``long_text``.
        """
        _require_metric(model)
        if long_text is not None:
            require_long_text(long_text)
        with self._store.filling():
            self._follow()
            number = self._store.unfinished() or self._version.number + 1
            tokens = self._built_with.tokens if late is None else late
            longer = long_text or self._built_with.long_text
            built_with = IndexModel.of(
                model, longer, tokens=tokens, reading=self._built_with.reading
            )
            fresh = self._begin(self._store, number, built_with, model)
            while not self._replaced_by(fresh, show_progress_bar=show_progress_bar):
                pass
        self._given, self._model = True, model
        self._use(number, fresh._built_with)
        self._update_base()

    def _replaced_by(self, fresh: Index, *, show_progress_bar: bool) -> bool:
        """Copy all passages and publish ``fresh``; False if some were added in the meantime."""
        self._version.refresh()
        manifest = self._version.manifest
        fresh._writer.copy(self._version, show_progress_bar=show_progress_bar)
        with self._writer.writing():
            if self._version.manifest != manifest:
                return False
            self._store.publish(fresh._version.number)
        return True


def _require_metric(model: SentenceTransformer) -> None:
    name = model.similarity_fn_name
    fix = "load the model with another similarity_fn_name"
    require_choice("the model's similarity_fn_name", name, SIMILARITIES, fix=fix)


def _require_plain(*, late: bool, compare: object) -> None:
    """Refuse what a pool does not compute. Raises ArgumentError."""
    for name, given in (("late", late), ("compare", compare is not None)):
        if given:
            raise ArgumentError(
                f"{name} and a pool",
                expected="one of the two: vectors of tokens and of a base are computed here",
                fix=f"leave {name} out, or build without a pool",
            )
