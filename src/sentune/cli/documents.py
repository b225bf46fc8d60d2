"""Documents given to a verb that works on passages: read with a bar, and told in three lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.cli.output import interactive, say
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.data import Passage, ReadOptions
    from sentune.documents import DocumentPassage, FileReport
    from sentune.documents.found import Found
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.index.sources import Sources
    from sentune.ranking.late_interaction import LateChoice
    from sentune.ranking.pieces import LongText
    from sentune.search import Hit, PassageSearch

__all__ = [
    "DocumentSearch",
    "ReadDocuments",
    "read_documents",
    "require_headings_of_documents",
    "require_no_columns",
    "require_not_beside_documents",
]


@dataclass(frozen=True, slots=True)
class ReadDocuments:
    """What was read.

    Attributes:
        passages: those of all documents, in order.
        reports: what became of each file.
        files: the name of a file in passages → where it is.
    """

    passages: list[DocumentPassage]
    reports: list[FileReport]
    files: Mapping[str, Path]

    @property
    def skipped(self) -> int:
        """How many files were not read."""
        return sum(report.skipped is not None for report in self.reports)

    def by_source(self) -> dict[str, list[Passage]]:
        """The absolute path of each file that was read → its passages.

        Their ids have the name of the file alone, so that they do not depend on where it was
        named from.
        """
        read = [report.source for report in self.reports if report.skipped is None]
        found: dict[str, list[Passage]] = {str(self.files[source]): [] for source in read}
        for passage in self.passages:
            path = self.files[passage.source]
            number = passage.id.removeprefix(passage.source)
            made = replace(passage.to_passage(), id=f"{path.name}{number}")
            found[str(path)].append(made)
        return found

    def sources(self, folder: Path | None) -> Sources:
        """The files as sources for an index, which keeps what it has of a skipped file.

        ``folder`` is the folder that was given, if it was one folder.
        """
        from sentune.index.sources import Source, Sources

        def source(name: str, passages: list[Passage]) -> Source:
            return Source(name, lambda: passages, whole=True)

        skipped = {each.source for each in self.reports if each.skipped is not None}
        return Sources(
            tuple(source(name, passages) for name, passages in self.by_source().items()),
            folder,
            self.skipped,
            frozenset(str(self.files[name]) for name in skipped),
        )


def read_documents(
    paths: Sequence[str | Path] | Sequence[Found], model: str, *, headings: bool
) -> ReadDocuments:
    """Read documents for a model, and say what was read, skipped and doubted.

    ``paths`` are files and folders, or what :func:`sentune.documents.find` gave for them.

    Raises:
        DataError: a path does not exist, or no document has text.
        MissingExtraError: a package of the extra ``documents`` is not installed.
    """
    from sentune.documents import find, read
    from sentune.documents.found import Found
    from sentune.documents.model_limit import model_limit
    from sentune.documents.output import in_short, require_passages
    from sentune.progress import progress

    found = [each for each in paths if isinstance(each, Found)]
    files = found or find(each for each in paths if not isinstance(each, Found))
    tokenizer, limit = model_limit(model)
    reports: list[FileReport] = []
    with progress("reading", len(files), unit="files", show=interactive()) as advance:

        def report(made: FileReport) -> None:
            reports.append(made)
            advance(1)

        passages = list(read(files, tokenizer, limit, headings=headings, report=report))
    require_passages(reports)
    for line in in_short(reports):
        say(line)
    return ReadDocuments(passages, reports, {file.source: file.path for file in files})


def require_headings_of_documents(*, no_headings: bool, documents: bool) -> None:
    """Raise ArgumentError if ``--no-headings`` is given for something without headings."""
    if no_headings and not documents:
        raise ArgumentError(
            "--no-headings without documents",
            expected="documents (PDF, DOCX, Markdown, …), whose headings it leaves out",
            fix="leave it out, or remove the column title from the file",
        )


def require_no_columns(
    reading: ReadOptions, *, documents: bool, fix: str, passage: str = "text"
) -> None:
    """Check that no column and no split is named for documents. Raises ArgumentError.

    ``passage`` is what the verb calls the column of passages.
    """
    if not documents:
        return
    columns = replace(reading, split=None).settings()
    if columns:
        (name, *_) = columns
        option = name.replace("passage_", f"{passage}_").replace("_", "-")
        raise ArgumentError(
            f"--{option} with documents",
            expected="names of columns only for files of rows",
            fix=fix,
        )
    if reading.split is not None:
        raise ArgumentError(
            f"--split {reading.split} with documents",
            expected="it only with a folder of datasets",
            fix="leave it out",
        )


def require_not_beside_documents(data: Sequence[object]) -> None:
    """Refuse several paths that cannot be read together as documents. Raises ArgumentError."""
    if len(data) > 1:
        raise ArgumentError(
            f"{', '.join(map(str, data))}: standard input, or a folder of BEIR or datasets, among "
            "several",
            expected="it alone, or documents and files of texts together",
            fix="give it alone",
        )


@dataclass(frozen=True, slots=True)
class DocumentSearch:
    """A search in memory whose hits know their file. A :class:`~sentune.search.Searcher`."""

    inner: PassageSearch
    places: Mapping[str, tuple[str, Passage]]

    @classmethod
    def of(
        cls,
        model: str,
        by_source: Mapping[str, Sequence[Passage]],
        mode: str | None,
        *,
        long_text: LongText = "pieces",
        show_progress_bar: bool,
    ) -> DocumentSearch:
        """Encode passages, which ``by_source`` has by their files. Raises ModelError."""
        from sentune.encoding.sentence_transformer import SentenceTransformer
        from sentune.search import PassageSearch

        every = by_source.items()
        placed = [(source, passage) for source, passages in every for passage in passages]
        # Files in two folders may have one name, so ids need not differ.
        places = {str(number): place for number, place in enumerate(placed)}
        texts = {key: passage.text for key, (_, passage) in places.items()}
        search = PassageSearch(
            SentenceTransformer(model),
            texts,
            mode=mode,
            long_text=long_text,
            show_progress_bar=show_progress_bar,
        )
        return cls(search, places)

    @property
    def model(self) -> SentenceTransformer:
        """The model that encodes the questions."""
        return self.inner.model

    @property
    def mode(self) -> str:
        """What ranks."""
        return self.inner.mode

    @property
    def fusion_weight(self) -> float:
        """The model's share in the fusion."""
        return self.inner.fusion_weight

    @property
    def late(self) -> LateChoice:
        """Weight and depth of the late stage."""
        return self.inner.late

    def search(self, query: str, top: int = 10) -> list[Hit]:
        """The passages that answer a question, with their file and their place in it."""
        return [self._placed(hit) for hit in self.inner.search(query, top)]

    def _placed(self, hit: Hit) -> Hit:
        source, passage = self.places[hit.id]
        return replace(hit, id=passage.id, source=source, fields=passage.fields)
