"""Judgements (qrels) beside questions and passages: folders in BEIR's layout, and single files.

::

    folder/queries.jsonl        {"_id": …, "text": …}
    folder/corpus.jsonl         {"_id": …, "title": …, "text": …}
    folder/qrels/test.tsv       query-id  corpus-id  score

A file of judgements alone is read with the queries and the corpus beside it, or in the folder
above. As in BEIR (Thakur et al. 2021, arXiv:2104.08663), a passage is its title, a space and its
text, and it is relevant if its score is above 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sentune.data.files.dataset_folders import LIKE, chosen_split
from sentune.data.files.lines import check_suffix, unreadable
from sentune.data.files.own_folders import refuse_not_data
from sentune.data.files.reading import ROW_SUFFIXES, records_of
from sentune.data.files.records import Record, kind_of, number_of, quoted
from sentune.data.pair_files.assembly import pairs_of_ids
from sentune.data.pair_files.layouts import require_known
from sentune.data.pairs import Pairs
from sentune.data.roles import names
from sentune.data.roles.cells import titled
from sentune.data.roles.ids import id_of
from sentune.data.roles.options import ReadOptions
from sentune.data.roles.text_columns import query_columns, text_columns
from sentune.data.rows import Rows
from sentune.errors import DataError
from sentune.wording import counted

__all__ = [
    "corpus_among",
    "corpus_of_folder",
    "is_beir",
    "is_judgements",
    "pairs_of_folder",
    "pairs_of_judgements",
]

_CORPUS, _QUERIES, _QRELS = "corpus", "queries", "qrels"
_BEFORE_LABEL = frozenset({"q0", "0"})


def corpus_of_folder(folder: Path) -> Path | None:
    """Return the file of passages of a folder in BEIR's layout; ``None`` for another folder."""
    names = [path.name for path in _row_files(folder)]
    found = corpus_among(names, judged=(folder / _QRELS).is_dir())
    return None if found is None else folder / found


def corpus_among(names: Iterable[str], *, judged: bool) -> str | None:
    """The same from the names of a folder's files; ``judged`` says whether it has ``qrels/``."""
    files = _sorted_rows(map(Path, names))
    found = {path.stem.lower(): path.name for path in reversed(files)}
    return found.get(_CORPUS) if judged or _QUERIES in found else None


def is_beir(folder: Path) -> bool:
    """Whether a folder has one of the parts of BEIR's layout: questions, passages or judgements."""
    parts = (_file(folder, _QUERIES), _file(folder, _CORPUS))
    return any(part is not None for part in parts) or (folder / _QRELS).is_dir()


def pairs_of_folder(folder: Path, options: ReadOptions) -> Pairs:
    """Read a folder with ``queries``, ``corpus`` and ``qrels``.

    Raises DataError if a part is missing or can't be read, or several judgements could be meant.
    """
    qrels = _judgements(folder, options.split, options.part)
    return pairs_of_judgements(qrels, records_of(qrels), options)


def _judgements(folder: Path, split: str | None, part: str | None) -> Path:
    found = _row_files(folder / _QRELS) if (folder / _QRELS).is_dir() else []
    if not found:
        found = [path for path in _row_files(folder) if path.stem.lower() == _QRELS]
    if not found or _file(folder, _CORPUS) is None or _file(folder, _QUERIES) is None:
        refuse_not_data(folder)
        if not any(folder.iterdir()):
            raise DataError(
                f"{folder} is an empty folder",
                expected="files with data",
                fix="check the path, or put files into the folder",
            )
        raise DataError(
            f"{folder} is a folder without the files of BEIR's layout, and not one of datasets",
            expected="a file of pairs, a folder with corpus.jsonl, queries.jsonl and qrels/, or "
            "one that save_to_disk wrote",
            fix="name a file of pairs; documents and texts are for sentune tune, index and search",
        )
    names = chosen_split((path.stem for path in found), split, part)
    chosen = [path for path in found if path.stem in names]
    if len(chosen) != 1:
        raise _not_one(folder, found, chosen, split, part)
    return chosen[0]


def _not_one(
    folder: Path, found: Sequence[Path], chosen: Sequence[Path], split: str | None, part: str | None
) -> DataError:
    """The error for several files of judgements that could be meant, or none."""
    wanted = split or part
    missing = "" if split is None or chosen else f", and none called {split}"
    first, *others = chosen or found
    # --split names a file of a folder, so it helps only where every file has another name.
    alone = split is not None and all(path.stem != first.stem for path in others)
    without = "" if split is None else f", without --split {split}"
    return DataError(
        f"{folder} has {counted(len(found), 'file')} of judgements "
        f"({quoted(path.name for path in found)}){missing}",
        expected="one to use" + (f", or {LIKE[wanted][0]}.tsv" if wanted in LIKE else ""),
        fix="name the one that you mean: "
        + (f"--split {first.stem}" if alone else f"{first}{without}"),
    )


def is_judgements(record: Record, path: Path) -> bool:
    """Whether a file whose first record this is names passages by ids, as qrels do."""
    row = record.value if isinstance(record.value, dict) else {}
    if _qrels_columns(tuple(row)) is not None:
        return True
    return record.is_table and _is_trec(tuple(row)) and _beside(path) is not None


def pairs_of_judgements(path: Path, records: Iterable[Record], options: ReadOptions) -> Pairs:
    """Build pairs from judgements and the questions and passages beside them. Raises DataError."""
    judged = dict(_by_question(records))
    beside = _beside(path)
    if beside is None:
        raise DataError(
            f"{path} names questions and passages by ids, and their texts are not beside it",
            expected="queries.jsonl and corpus.jsonl in its folder or in the folder above",
            fix="put them there (.json, .csv, .tsv and .parquet are read as well)",
        )
    queries, corpus = beside
    notes: list[str] = []
    asked = _texts(queries, "question", options, notes)
    questions = {key: text for key, text in asked if key in judged}
    passages = dict(_texts(corpus, "passage", options, notes))
    require_known(judged, questions, str(path), f"ids of {queries.name}")
    relevant = {
        key: [name for name, score in scores.items() if score > 0] for key, scores in judged.items()
    }
    named = dict.fromkeys(name for found in relevant.values() for name in found)
    require_known(named, passages, str(path), f"ids of {corpus.name}")
    pairs = pairs_of_ids(questions, passages, relevant, source=str(path))
    wrong = sum(score <= 0 for scores in judged.values() for score in scores.values())
    return replace(pairs, notes=(*notes, *_wrong_note(wrong), *pairs.notes))


def _wrong_note(number: int) -> list[str]:
    if not number:
        return []
    return [
        f"{counted(number, 'judgement')} of 0: a search must not find these passages, and training "
        "does not use them as hard negatives"
    ]


def _beside(path: Path) -> tuple[Path, Path] | None:
    """The questions and the passages in the folder of a file, or in the folder above."""
    for folder in (path.parent, path.parent.parent):
        queries, corpus = _file(folder, _QUERIES), _file(folder, _CORPUS)
        if queries is not None and corpus is not None:
            return queries, corpus
    return None


def _file(folder: Path, stem: str) -> Path | None:
    found = [path for path in _row_files(folder) if path.stem.lower() == stem]
    return found[0] if found else None


def _row_files(folder: Path) -> list[Path]:
    try:
        return _sorted_rows(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error


def _sorted_rows(paths: Iterable[Path]) -> list[Path]:
    found = [path for path in paths if path.suffix.lower() in ROW_SUFFIXES]
    # In the order of the suffixes: queries.jsonl comes before queries.tsv.
    return sorted(found, key=lambda path: (ROW_SUFFIXES.index(path.suffix.lower()), path.name))


def _texts(
    path: Path, role: str, options: ReadOptions, notes: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield the ids and the texts of a file of questions or passages; then add to the notes."""
    check_suffix(path, ROW_SUFFIXES)
    find = query_columns if role == "question" else text_columns
    seen: set[str] = set()
    options = ReadOptions(skip_blank=options.skip_blank)
    rows = Rows(records_of(path), find, '{"_id": "…", "text": "…"}', options)
    ids: dict[str, None] = {}
    for record, row, columns in rows:
        found = id_of(record)
        if found is None:
            raise DataError(
                f"{record.location} has no id",
                expected="a column _id or id in every row",
                fix="add the ids that the judgements name",
            )
        if found.text in seen:
            raise DataError(
                f"{record.location} has the id {quoted([found.text])} of another {role}",
                expected="a different id for every text",
                fix="correct the ids",
            )
        seen.add(found.text)
        ids[found.column] = None
        yield found.text, titled(row, columns.text, columns.title, record.location)
    notes += [f"{path.name}: {note}" for note in rows.left_out.notes(ids)]


def _by_question(records: Iterable[Record]) -> Iterator[tuple[str, dict[str, float]]]:
    judged: dict[str, dict[str, float]] = {}
    for record in records:
        for question, passage, score in _judged(record):
            judged.setdefault(question, {})[passage] = score
    yield from judged.items()


def _judged(record: Record) -> Iterator[tuple[str, str, float]]:
    row = record.value
    if not isinstance(row, dict):
        raise DataError(
            f"{record.location} holds {kind_of(row)}",
            expected="a question's id, a passage's id and a score",
            fix="write every row as in BEIR's qrels",
        )
    columns = _qrels_columns(tuple(row))
    if columns is not None:
        yield _checked([row[name] for name in columns], record)
    elif _is_trec(tuple(row)):
        # The file has no header: the names of the columns are its first row.
        if record.location.endswith("line 2"):
            yield _checked(_three(list(row)), record)
        yield _checked(_three(list(row.values())), record)
    else:
        raise DataError(
            f"{record.location} has the columns {quoted(row)}",
            expected="query-id, corpus-id and score, as in the first row",
            fix="correct the row",
        )


def _checked(values: Sequence[object], record: Record) -> tuple[str, str, float]:
    question, passage = (
        str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for value in values[:2]
    )
    score = number_of(values[2])
    if not isinstance(question, str) or not isinstance(passage, str) or score is None:
        raise DataError(
            f"{record.location} holds {quoted(values)}",
            expected="a question's id, a passage's id and a number",
            fix="write every row as in BEIR's qrels",
        )
    return question.strip(), passage.strip(), score


def _qrels_columns(columns: Sequence[str]) -> list[str] | None:
    known = (names.QRELS_QUESTION, names.QRELS_PASSAGE, names.QRELS_SCORE)
    found = [names.named(columns, those) for those in known]
    return [each[0] for each in found] if all(len(each) == 1 for each in found) else None


def _is_trec(columns: Sequence[str]) -> bool:
    """Whether a first row is ``question 0 passage score`` or ``question passage score``."""
    cells = [column.strip() for column in columns]
    if len(cells) == 4 and cells[1].casefold() in _BEFORE_LABEL:
        return number_of(cells[3]) is not None
    return (
        len(cells) == 3
        and number_of(cells[2]) is not None
        and not any(" " in cell for cell in cells[:2])
    )


def _three(cells: Sequence[object]) -> list[object]:
    return [cells[0], *cells[-2:]]
