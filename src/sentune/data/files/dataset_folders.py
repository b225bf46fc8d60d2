"""Folders of the library ``datasets``: what ``save_to_disk`` writes, and Parquet as on the hub.

::

    folder/state.json, data-00000-of-00001.arrow            Dataset.save_to_disk
    folder/dataset_dict.json, train/state.json, test/…      DatasetDict.save_to_disk
    folder/data/train-00000-of-00001.parquet                what load_dataset("folder") reads

They are read with pyarrow alone. Of several splits, one is taken: that which the reader wants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.data.files.lines import unreadable
from sentune.data.files.parquet import arrow_module, parquet_rows, rows_of_batches
from sentune.data.files.records import Record, quoted
from sentune.errors import DataError

__all__ = [
    "LIKE",
    "DatasetFolder",
    "chosen_split",
    "dataset_folder",
    "is_saved_dataset",
    "refuse_split",
]

LIKE = {
    "train": ("train",),
    "valid": ("dev", "valid", "validation", "val"),
    "test": ("test",),
}
"""The names that a split of each use may have."""

_STATE, _SPLITS = "state.json", "dataset_dict.json"
_OTHER_TEXTS = (
    *(".txt", ".jsonl", ".ndjson", ".json", ".csv", ".tsv"),
    *(".pdf", ".docx", ".pptx", ".xlsx", ".epub"),
)
_ABOUT = frozenset(["readme", "license", "dataset_info", "dataset_infos", "dataset_dict"])
_PARQUET = re.compile(r"([A-Za-z0-9_]+?)(?:-\d+-of-\d+)?\.parquet")


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """One split of a folder.

    Attributes:
        path: the folder.
        split: the name that the split has in the folder.
        files: the files of the split, in order.
        others: the splits that are not read.
    """

    path: Path
    split: str
    files: tuple[Path, ...]
    others: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        """Yield the rows. Raises DataError if a file cannot be read, MissingExtraError."""
        for file in self.files:
            rows = _arrow_rows(file) if file.suffix == ".arrow" else parquet_rows(file)
            for number, row in enumerate(rows, start=1):
                yield Record(f"{file}, row {number}", row, str(file))

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on the splits that are not read, if there are any."""
        if not self.others:
            return ()
        return (f"{self.path} also has {quoted(self.others)}, which are not read",)


def dataset_folder(
    folder: Path, split: str | None = None, part: str | None = None
) -> DatasetFolder | None:
    """Find the files of a split; ``None`` if it is no folder of ``datasets``.

    Args:
        folder: an existing folder.
        split: the one to take, by its name; ``train``, ``valid`` and ``test`` also mean one of
            several names of that kind (:data:`LIKE`).
        part: ``train``, ``valid`` or ``test``: which of several is wanted if none is named.

    Raises:
        DataError: a part is missing or damaged, several splits could be meant, or there is no
            such split.
    """
    found = _splits(folder)
    if not found:
        return None
    chosen = chosen_split(found, split, part)
    if len(chosen) != 1:
        wanted = split or part
        missing = "" if split is None else f", and none called {split}"
        raise DataError(
            f"{folder} has the splits {quoted(found)}{missing}",
            expected="one to use" + (f", or {LIKE[wanted][0]}" if wanted in LIKE else ""),
            fix=f"name the one that you mean: --split {next(iter(found))}",
        )
    others = tuple(name for name in found if name != chosen[0])
    return DatasetFolder(folder, chosen[0], found[chosen[0]], others)


def refuse_split(path: str | Path, split: str | None) -> None:
    """Check that no split is named for a file, which has none. Raises DataError."""
    if split is not None:
        raise DataError(
            f"--split {split} with {path}",
            expected="a folder of datasets, or for pairs one in BEIR's layout",
            fix="leave it out, or name the folder",
        )


def chosen_split(names: Iterable[str], split: str | None, part: str | None) -> list[str]:
    """The splits that are meant: those of a name or a kind, or the only one if none is named."""
    found = list(names)
    if split is not None and split in found:
        return [split]
    wanted = [name for name in found if name.lower() in LIKE.get(split or part or "", ())]
    return found if split is None and len(found) == 1 else wanted


def is_saved_dataset(names: Collection[str]) -> bool:
    """Whether the files of a folder, by their names, are those of ``save_to_disk``."""
    if _SPLITS in names:
        return True
    return _STATE in names and any(name.endswith(".arrow") for name in names)


def _splits(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    if (folder / _SPLITS).is_file():
        names = _read(folder / _SPLITS).get("splits")
        if not isinstance(names, list) or not names or not all(map(_is_plain, names)):
            raise _damaged(folder / _SPLITS, "it does not list splits")
        return {name: _of_state(folder / name) for name in names}
    if (folder / _STATE).is_file():
        return {"train": _of_state(folder)}
    if any(map(_is_more, folder.iterdir())):
        return {}
    return _of_parquet(folder / "data") or _of_parquet(folder)


def _is_more(file: Path) -> bool:
    """Whether a file has texts of its own: then the folder is one of files, not of one data set."""
    return file.suffix.lower() in _OTHER_TEXTS and file.stem.lower() not in _ABOUT


def _is_plain(name: object) -> bool:
    """Whether a name is that of an entry, so that no path leads out of the folder."""
    return isinstance(name, str) and name == Path(name).name and name not in ("", ".", "..")


def _of_state(folder: Path) -> tuple[Path, ...]:
    state = _read(folder / _STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise _damaged(folder / _STATE, "it selects rows of its files by indices, as old versions")
    listed = state.get("_data_files")
    names = [each.get("filename") for each in listed or () if isinstance(each, dict)]
    if not isinstance(listed, list) or len(names) != len(listed) or not all(map(_is_plain, names)):
        raise _damaged(folder / _STATE, "it does not list files")
    return tuple(folder / str(name) for name in names)


def _of_parquet(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Files whose names begin with a split; none if one of the files has another name."""
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    known = {name for names in LIKE.values() for name in names}
    found: dict[str, list[Path]] = {}
    for file in files:
        match = _PARQUET.fullmatch(file.name)
        if match is None or match[1].lower() not in known:
            return {}
        found.setdefault(match[1], []).append(file)
    return {name: tuple(paths) for name, paths in found.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    return found if isinstance(found, dict) else {}


def _arrow_rows(path: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of a stream of Arrow, one batch in memory at a time."""
    arrow, ipc = arrow_module("pyarrow"), arrow_module("pyarrow.ipc")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with stream:
        try:
            reader = ipc.open_stream(stream)
            yield from rows_of_batches(arrow, reader.schema, reader, path)
        except (arrow.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
            raise _damaged(path, "it is not a whole stream of Arrow") from error


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} can't be read: {reason}",
        expected="a folder as Dataset.save_to_disk writes it",
        fix="save the dataset again, or write it with to_parquet",
    )
