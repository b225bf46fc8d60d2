"""Files of passages → passage id → text; and what every reader of passages needs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from sentune.data.files.reading import TEXT_SUFFIXES, TextSource, name_of, open_texts
from sentune.data.pair_files.assembly import pairs_of_rows
from sentune.data.pair_files.beir import corpus_of_folder
from sentune.data.pair_files.pair_rows import PairRows
from sentune.data.pair_files.reading import pairs_or_records
from sentune.data.pairs import Pairs
from sentune.data.roles.columns import is_pair
from sentune.data.roles.ids import PassageIds
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.texts import TextsOf, at_least_one

__all__ = ["open_passages", "read_passages"]


def read_passages(path: str | Path, options: ReadOptions = AS_NAMED) -> dict[str, str]:
    """Read the passages to search: passage id → text, in the order of a file or of ``"-"``.

    Takes every file that :func:`sentune.data.read_texts` takes. From a file of pairs, which
    :func:`sentune.data.read_pairs` takes, it returns the passages; from a folder in BEIR's layout
    its corpus. The id is in the column that :func:`sentune.data.read_text_rows` uses; without one,
    passages are p1, p2, … The passages of one page or document are numbered: ``12``, ``12#2``. A
    text that repeats is one passage, under its first id. Blank lines of a file of one text a line
    are skipped. ``options.tell`` is called with the columns that were not used.

    Raises:
        DataError: as ``read_pairs`` and ``read_texts``; also if two different texts have one id.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    if Path(path).is_dir():
        path = corpus_of_folder(Path(path)) or path
    name = name_of(path, TEXT_SUFFIXES, options.split)
    source = open_passages(path, name, options)
    lines = dict.fromkeys(text for _, text in source.lines)
    passages = {f"p{number}": text for number, text in enumerate(lines, start=1)}
    passages |= source.passages
    ids = PassageIds(options)
    seen: set[str] = set()
    texts = TextsOf(source.records, options, with_ids=True)
    for record, text in texts:
        passage_id = None if text in seen else ids(record, text)
        if passage_id is not None:
            seen.add(text)
            passages[passage_id] = text
    for note in texts.left_out.notes():
        options.tell(note)
    return dict(at_least_one(iter(passages.items()), name))


def open_passages(path: str | Path, name: str, options: ReadOptions = AS_NAMED) -> TextSource:
    """Open a file of texts or pairs, or ``"-"``, which messages call ``name``.

    Reads up to the first row; JSON and pairs are read whole. Its lines are the texts that are not
    blank, numbered from 1. Errors are those of :func:`read_passages`, also while iterating.
    """
    source = open_texts(path, header=options.header, split=options.split)
    records = iter(source.records)
    if Path(path).suffix.lower() == ".json":
        found = pairs_or_records(Path(path), options)
        if isinstance(found, Pairs):
            return TextSource(passages=found.passages)
        records = found
    first = next(records, None)
    if first is None:
        texts = (line.rstrip("\r\n") for _, line in source.lines if line.strip())
        return TextSource(enumerate(texts, start=1))
    records = chain([first], records)
    if isinstance(first.value, dict) and is_pair(tuple(first.value), options):
        rows = PairRows(records, name, options, judged=False)
        pairs = pairs_of_rows(rows, source=name)
        for note in rows.notes():
            options.tell(note)
        return TextSource(passages=pairs.passages)
    return TextSource(records=records)
