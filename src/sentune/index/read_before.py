"""How an index read its files: what it would lose, or have twice, if they were read otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sentune.errors import DataError
from sentune.index.sources import Sources
from sentune.wording import counted

__all__ = ["is_of_document", "refuse_documents", "refuse_other_splits"]


def is_of_document(source: str, passage_id: str) -> bool:
    """Whether a source was cut as a document, from the id of one of its passages."""
    name = Path(source).name
    return bool(name) and re.fullmatch(re.escape(name) + r"#\d+", passage_id) is not None


def refuse_documents(sources: Sources, ids: Mapping[str, str]) -> None:
    """Check that no file that the index has as a document would be read row by row, or removed.

    Args:
        sources: what is added, row by row.
        ids: source → one of the ids of its passages.

    Raises:
        DataError: there is such a file.
    """
    named = {source.name for source in sources.each}
    lost = [
        name
        for name, each in sorted(ids.items())
        if is_of_document(name, each) and (name in named or sources.covers(name))
    ]
    if lost:
        raise DataError(
            f"the index has {lost[0]} as a document"
            + (f", and {counted(len(lost) - 1, 'other file')}" if len(lost) > 1 else ""),
            expected="files with a passage in each row, since Index.add cuts no documents",
            fix="add it with the command: sentune index add INDEX DOCS",
        )


def refuse_other_splits(sources: Sources, ids: Mapping[str, str]) -> None:
    """Check that the rows of a folder of ``datasets`` do not come a second time by another name.

    The only split of a folder has the folder's name, and one of several has its own. Raises
    DataError if the folder has gained a split since, or lost one.
    """
    for name in {source.name for source in sources.each} - ids.keys() - {""}:
        twice = [each for each in _of_same_folder(name, ids) if not sources.covers(each)]
        if twice:
            raise DataError(
                f"the index has the rows of {twice[0]}, and those of {name} would come beside "
                "them, since the folder has gained or lost a split",
                expected="a folder with the splits that it had, or an index without its rows",
                fix=f"remove the old rows first: sentune index delete INDEX --source {twice[0]}",
            )


def _of_same_folder(name: str, ids: Mapping[str, str]) -> list[str]:
    """The sources that are the folder of this split, or the splits of this folder."""
    folder = str(Path(name).parent)
    if folder in ids:
        # Another file beside the splits, such as more rows as JSONL, is none of them.
        return [folder] if not Path(name).is_file() or name.endswith(".parquet") else []
    if not Path(name).is_dir():
        return []
    return [each for each in ids if each and str(Path(each).parent) == name]
