"""Documents → passages: files are read in processes of their own, and cut here."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.data.passages import Passage
from sentune.data.roles.fields import FieldValue
from sentune.documents.cutting import Cut, Cutter
from sentune.documents.found import Found, find, unreadable_document
from sentune.documents.limits import Limits
from sentune.documents.process import ReaderProcess, ReadFile
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["DocumentPassage", "FileReport", "read"]

_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """One passage of a document.

    Attributes:
        id: the source and a number: ``manual.pdf#12``.
        text: of the passage.
        source: the file, below the folder that was named.
        kind: ``page``, ``slide``, ``sheet``, ``chapter``, ``row``, or ``text`` without any.
        part: the number of the page or slide (from 1), the name of the sheet or chapter, or the id
            of the row where the passage starts; None without.
        last_part: the page where it ends.
        headings: those above it, the highest first.
        title: the headings in one line, to put before the text; shortened if they take more than
            half of the limit, and empty if titles are left out.
        start: the character of the text of its part where it starts.
        end: the character of the text of ``last_part`` behind its end.
    """

    id: str
    text: str
    source: str
    kind: str
    part: int | str | None
    last_part: int | str | None
    headings: tuple[str, ...]
    title: str
    start: int
    end: int

    def to_json(self) -> dict[str, Any]:
        """The row of a file of passages."""
        row: dict[str, Any] = {"id": self.id}
        if self.title:
            row["title"] = self.title
        row |= {"text": self.text, "source": self.source}
        if self.part is not None:
            row[self.kind] = self.part
        if self.last_part != self.part:
            row[f"last_{self.kind}"] = self.last_part
        return row | {"headings": list(self.headings), "start": self.start, "end": self.end}

    def to_passage(self) -> Passage:
        """The passage as a search takes it: the title before the text, its place in fields."""
        fields: dict[str, FieldValue] = {}
        if self.part is not None:
            fields[self.kind] = self.part
        if self.last_part != self.part:
            fields[f"last_{self.kind}"] = self.last_part
        if self.headings:
            fields["headings"] = " > ".join(self.headings)
        text = f"{self.title} {self.text}" if self.title else self.text
        return Passage(self.id, text, fields)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        source: its name in passages.
        kind: of its parts.
        parts: their number.
        passages: their number.
        notes: what was doubtful or left out.
        skipped: why it was not read; None if it was.
    """

    source: str
    kind: str = "text"
    parts: int = 0
    passages: int = 0
    notes: tuple[str, ...] = ()
    skipped: str | None = None


def read(
    paths: Iterable[str | Path | Found] | str | Path,
    tokenizer: Tokenizer,
    limit: int,
    *,
    headings: bool = True,
    limits: Limits | None = None,
    report: Callable[[FileReport], None] = lambda _: None,
) -> Iterator[DocumentPassage]:
    """Read documents and cut them into passages that fit a model.

    Passages are groups of paragraphs under one heading, filled to the limit. A sentence is cut
    only if it alone is too long. Tables are groups of rows with the header repeated. The same
    files give the same passages in the same order.

    Args:
        paths: files and folders; see :func:`sentune.documents.find` for what is left out. What
            ``find`` gave may stand in their place.
        tokenizer: of the model that will encode the passages; it counts.
        limit: the most tokens of a passage with its title and the special tokens: the model's
            ``max_seq_length``, without the tokens of its prompt for documents.
        headings: whether passages get a title to put before their text.
        limits: what one file may cost.
        report: called once for every file, after its last passage.

    Yields:
        Passages; none of a file that was skipped.

    Raises:
        DataError: a path does not exist, there is no file, or a file that was named itself cannot
            be read.
        ArgumentError: the limit leaves no room for a text.
        MissingExtraError: a package of the extra ``documents`` is not installed.
        PoolError: no process can be started.

    Cost: up to two processes read, this one counts tokens. Memory: the text of up to three files.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [each for each in several if isinstance(each, Found)]
    files += find(each for each in several if not isinstance(each, Found)) if not files else []
    cutter = Cutter(tokenizer, limit, headings=headings)
    return _passages(files, cutter, limits or Limits(), report)


def _passages(
    files: list[Found], cutter: Cutter, limits: Limits, report: Callable[[FileReport], None]
) -> Iterator[DocumentPassage]:
    with closing(_read_all(files, limits)) as found:
        for file, made in found:
            if made.skipped is not None and file.named:
                raise unreadable_document(file.source, made.skipped)
            count = 0
            for count, cut in enumerate(cutter(made.parts), start=1):
                yield _passage(file.source, count, cut)
            kind = made.parts[0].kind if made.parts else "text"
            report(FileReport(file.source, kind, len(made.parts), count, made.notes, made.skipped))


def _passage(source: str, number: int, cut: Cut) -> DocumentPassage:
    return DocumentPassage(
        id=f"{source}#{number}",
        text=cut.text,
        source=source,
        kind=cut.first.kind,
        part=cut.first.label,
        last_part=cut.last.label,
        headings=cut.headings,
        title=cut.title,
        start=cut.start,
        end=cut.end,
    )


def _read_all(files: list[Found], limits: Limits) -> Generator[tuple[Found, ReadFile]]:
    """Yield every file with what was read of it, in order; a few are read ahead."""
    workers = max(1, min(_PROCESSES, os.cpu_count() or 1, len(files)))
    own = threading.local()
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        opened: list[ReaderProcess] = []
        stack.callback(lambda: [process.close() for process in opened])

        def one(file: Found) -> ReadFile:
            if file.skipped is not None:
                return ReadFile(skipped=file.skipped)
            if not hasattr(own, "process"):
                own.process = ReaderProcess(limits)
                opened.append(own.process)
            found: ReadFile = own.process.read(file.path)
            return found

        waiting: deque[tuple[Found, Future[ReadFile]]] = deque()
        stack.callback(lambda: [future.cancel() for _, future in waiting])
        rest = iter(files)
        for file in rest:
            waiting.append((file, pool.submit(one, file)))
            if len(waiting) > workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
