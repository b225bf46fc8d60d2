"""Files of real data that every machine can have: the pairs of ``python_docs``."""

from __future__ import annotations

from pathlib import Path

from sentune.data.files.writing import write_rows
from sentune.data.pairs import Pairs
from sentune.data.samples.python_docs import python_docs
from sentune.files import new_folder

__all__ = ["write_sample"]


def write_sample(folder: Path) -> dict[str, int]:
    """Write pairs of the standard library's docstrings into a new folder.

    ``train.jsonl``, ``valid.jsonl`` and ``test.jsonl`` have pairs of different modules with the
    columns ``question`` and ``passage``. ``passages.jsonl`` has all passages, with ``id``, ``text``
    and ``module``; ``questions.txt`` has all questions, one a line.

    Returns:
        The name of each file, and its number of rows.

    Raises:
        OutputError: the folder exists and is not empty, or cannot be written.
        DataError: this Python has no sources.
    """
    docs = python_docs()
    parts = dict(zip(("train", "valid", "test"), docs.split_by_module(), strict=True))
    passages = [
        {"id": name, "text": text, "module": docs.module_of[name]}
        for name, text in docs.pairs.passages.items()
    ]
    questions = list(docs.pairs.questions.values())
    with new_folder(folder) as into:
        written = {
            f"{name}.jsonl": write_rows(into / f"{name}.jsonl", _rows(pairs))
            for name, pairs in parts.items()
        }
        written["passages.jsonl"] = write_rows(into / "passages.jsonl", passages)
        (into / "questions.txt").write_text("\n".join(questions) + "\n", encoding="utf-8")
    return {**written, "questions.txt": len(questions)}


def _rows(pairs: Pairs) -> list[dict[str, str]]:
    return [{"question": row[0], "passage": row[1]} for row in pairs.rows()]
