"""Documents → the files that a run trains on and is measured on, kept in its folder.

::

    DIR/data/documents.json   which documents, how they were read, and what became of each
    DIR/data/passages.jsonl   as ``sentune read`` writes them
    DIR/data/pairs.jsonl      as ``sentune ask`` makes them of the passages, without a server
    DIR/data/valid.jsonl      made questions on passages of sections that are held out
    DIR/data/corpus.jsonl     passages of the other sections, without a question
    DIR/data/train.jsonl      pairs of the other sections

Every file appears whole, in this order. A stage whose file is there is not done again, so a run
that was stopped goes on where it was, also after a person has changed a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentune.documents import FileReport, find, read
from sentune.documents.model_limit import model_limit
from sentune.documents.output import in_short, write_passages
from sentune.errors import DataError, OutputError, SentuneError
from sentune.files import make_folder, new_file, remove_folder, write_json
from sentune.questions.made import kind_counts, write_pairs
from sentune.questions.round_trip import without_lost
from sentune.questions.rules import without_doubtful
from sentune.questions.source import read_source
from sentune.questions.structure import pairs_from_structure
from sentune.tuning.folder import RECORD, RunFolder
from sentune.tuning.sections import part_by_section
from sentune.wording import counted

__all__ = ["DocumentFiles", "DocumentRun", "prepare_documents"]

_FIRST = 10  # passages, among which words have to find that of a short question

Counting = AbstractContextManager[Callable[[int], None]]


def _uncounted(_: int) -> Counting:
    return nullcontext(lambda _: None)


@dataclass(frozen=True, slots=True)
class DocumentRun:
    """What decides about the files that are made of documents.

    Attributes:
        documents: files and folders.
        base: the model whose tokenizer and length limit cut the passages.
        seed: of the choice of sections and sentences.
        headings: whether the headings above a passage stand before its text.
        hold_out: whether sections are held out to measure on; without, all are trained on.
    """

    documents: tuple[str, ...]
    base: str
    seed: int
    headings: bool = True
    hold_out: bool = True

    def to_json(self) -> dict[str, Any]:
        """The same with absolute paths, as a run may go on from another folder."""
        return asdict(self) | {"documents": [str(Path(each).absolute()) for each in self.documents]}


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """Where the files are.

    Attributes:
        folder: of all of them.
    """

    folder: Path

    @property
    def record(self) -> Path:
        """Which documents were read, and how."""
        return self.folder / RECORD

    @property
    def passages(self) -> Path:
        """All passages."""
        return self.folder / "passages.jsonl"

    @property
    def pairs(self) -> Path:
        """All made pairs."""
        return self.folder / "pairs.jsonl"

    @property
    def train(self) -> Path:
        """The pairs to train on."""
        return self.folder / "train.jsonl"

    @property
    def valid(self) -> Path:
        """The made questions to measure on."""
        return self.folder / "valid.jsonl"

    @property
    def corpus(self) -> Path:
        """The passages of the sections that are trained on."""
        return self.folder / "corpus.jsonl"

    def documents(self) -> list[str]:
        """The paths that were read; none if the record cannot be read."""
        try:
            found = json.loads(self.record.read_text("utf-8"))["of"]["documents"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [str(path) for path in found]


def prepare_documents(
    run: DocumentRun,
    folder: RunFolder,
    say: Callable[[str], None] = lambda _: None,
    counting: Callable[[int], Counting] = _uncounted,
) -> DocumentFiles:
    """Do what is not done yet: read, make pairs, hold sections out.

    Args:
        run: the documents and the choices.
        folder: of the run; it has begun.
        say: called with a line for what was done: three at most for the reading.
        counting: makes, of the number of files, a context that yields a function to count them.

    Raises:
        DataError: no document has text, or too little of it.
        OutputError: the folder has files of other documents or settings, or cannot be written.
        MissingExtraError: a package of the extra ``documents`` is not installed.
    """
    files = DocumentFiles(folder.data)
    _require_same(run, files)
    new = not files.record.exists()
    try:
        _do_the_rest(run, files, say, counting)
    except SentuneError:
        if new and files.folder.is_dir():
            remove_folder(files.folder)  # these documents cannot be used
        raise
    return files


def _do_the_rest(
    run: DocumentRun,
    files: DocumentFiles,
    say: Callable[[str], None],
    counting: Callable[[int], Counting],
) -> None:
    if files.passages.exists():
        say(f"{files.passages} is there, so documents are not read again")
    else:
        _read(run, files, say, counting)
    if not files.pairs.exists():
        _ask(run, files, say)
    if not files.train.exists():
        _split(run, files, say)
        say(_where_they_are(run, files))


def _where_they_are(run: DocumentRun, files: DocumentFiles) -> str:
    valid = f" --valid {files.valid}" if run.hold_out else ""
    return (
        f"look at the made pairs in {files.train}; to train on edited ones: sentune tune "
        f"{files.train}{valid} --corpus {files.corpus} --recipe documents --out NEW"
    )


def _require_same(run: DocumentRun, files: DocumentFiles) -> None:
    if not files.record.exists():
        return
    try:
        known = json.loads(files.record.read_text("utf-8"))["of"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _other(files, "does not say what was read", "remove the folder") from error
    asked = run.to_json()
    if known != asked:
        names = sorted(name for name in asked if known.get(name) != asked[name])
        fix = "give the same documents and settings as before, or name another folder"
        raise _other(files, f"is of a run with other {', '.join(names)}", fix)


def _other(files: DocumentFiles, what: str, fix: str) -> OutputError:
    return OutputError(
        f"{files.record} {what}", expected="the files of the run to continue", fix=fix
    )


def _read(
    run: DocumentRun,
    files: DocumentFiles,
    say: Callable[[str], None],
    counting: Callable[[int], Counting],
) -> None:
    found = find(run.documents)
    tokenizer, limit = model_limit(run.base)
    make_folder(files.folder)
    write_json(files.record, {"of": run.to_json()})
    reports: list[FileReport] = []
    try:
        with counting(len(found)) as advance:

            def report(made: FileReport) -> None:
                reports.append(made)
                advance(1)

            passages = read(run.documents, tokenizer, limit, headings=run.headings, report=report)
            write_passages(files.passages, passages, reports)
    except BaseException:
        files.record.unlink(missing_ok=True)  # nothing was read that a run could go on from
        raise
    write_json(files.record, {"of": run.to_json(), "files": [asdict(made) for made in reports]})
    for line in in_short(reports):
        say(line)


def _ask(run: DocumentRun, files: DocumentFiles, say: Callable[[str], None]) -> None:
    passages = read_source(files.passages)
    made = without_doubtful(pairs_from_structure(passages, run.seed))
    made = without_lost(made, passages, _FIRST)
    if not made:
        alike = len(passages) > 1 and len({each.body for each in passages}) == 1
        cause = (
            f"all {len(passages):,} passages have the same text"
            if alike
            else "no heading and no sentence that could be a question"
        )
        raise DataError(
            f"{', '.join(run.documents)}: {cause}",
            expected="documents of whole sentences, which are not all the same",
            fix="add documents, or write pairs: sentune tune PAIRS --corpus PASSAGES",
        )
    write_pairs(files.pairs, made)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in kind_counts(made).items())
    say(f"made {counted(len(made), 'question')} ({kinds}): {files.pairs}")


def _split(run: DocumentRun, files: DocumentFiles, say: Callable[[str], None]) -> None:
    passages = read_source(files.passages)
    pairs = _rows(files.pairs)
    held = part_by_section(passages, run.seed) if run.hold_out else None
    valid = [] if held is None else held.rows()
    apart = frozenset() if held is None else held.ids
    if held is not None:
        _write_rows(files.valid, valid)
        say(f"held out {counted(len(valid), 'question')} by {held.unit}: {files.valid}")
    texts = [{"id": each.id, "text": each.text} for each in passages if each.id not in apart]
    _write_rows(files.corpus, texts)
    _write_rows(files.train, _to_train([row for row in pairs if row.get("id") not in apart]))


def _to_train(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pairs without those of sentences, if enough are left: training draws sentences itself."""
    others = [row for row in rows if row.get("kind") != "sentence"]
    return others if len({row["id"] for row in others}) > 1 else rows


def _rows(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with new_file(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
