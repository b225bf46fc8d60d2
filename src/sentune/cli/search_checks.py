"""What ``sentune search`` refuses before it loads a model: options that do not go together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sentune.checks import require_choice, require_whole
from sentune.errors import ArgumentError, IndexFolderError

if TYPE_CHECKING:
    from sentune.data import ReadOptions

__all__ = ["require_index", "require_index_options", "require_no_index", "require_questions"]


def require_questions(
    query: str | None, queries: str | None, data: list[Path] | None, top: int
) -> None:
    """One question or a file of them, and a number of results. Raises ArgumentError."""
    require_whole("--top", top, fix="ask for more results")
    if (query is None) == (queries is None):
        raise ArgumentError(
            "no question" if query is None else "a question and --queries",
            expected="either a question or a file of questions",
            fix='ask: sentune search INDEX "what to look for"',
        )
    if query is not None and not query.strip():
        raise ArgumentError(
            f"the question is {query!r}",
            expected="a text with a word in it",
            fix="write a question",
        )
    if queries == "-" in map(str, data or ()):
        raise ArgumentError(
            "--data - and --queries -",
            expected="standard input for one of them",
            fix="save the other in a file",
        )


def require_index_options(reading: ReadOptions, long_text: str | None, queries: str | None) -> None:
    """Refuse options of passages, which an index has already. Raises ArgumentError."""
    if long_text is not None:
        raise ArgumentError(
            "--long-text with an index",
            expected="it with --data, because an index was built in one way",
            fix="leave it out, or change the index: sentune index rebuild INDEX --model MODEL "
            f"--long-text {long_text}",
        )
    named = {"--text-column": reading.passage, "--id-column": reading.id}
    given = [option for option, value in named.items() if value is not None]
    if given:
        raise ArgumentError(
            f"{given[0]} without --data",
            expected="columns of a file of passages",
            fix="leave it out, or name the file with --data",
        )
    if queries is None and reading.split is not None:
        raise ArgumentError(
            f"--split {reading.split} without --data and --queries",
            expected="it only with a folder of datasets",
            fix="leave it out",
        )


def require_index(target: str, mode: str | None, model: str | None) -> None:
    """Check that the target is an index. Raises IndexFolderError, ArgumentError."""
    from sentune.index.storage import store_at

    store = store_at(target)
    if not store.is_published() and store.unfinished() is None:
        what, fix = _no_index(target, exists=store.exists())
        raise IndexFolderError(
            f"{target} {what}",
            expected="a folder that sentune index build made, or a model and --data",
            fix=fix,
        )
    if mode == "words" and model is not None:
        raise ArgumentError(
            "--model with --mode words",
            expected="--mode words alone, because it uses no model",
            fix="leave one of them out",
        )


def _no_index(target: str, *, exists: bool) -> tuple[str, str]:
    """What stands in the place of an index, and what to do about it."""
    path = Path(target)
    if path.is_file():
        return "is a data file", f'name it behind a model: sentune search MODEL "…" --data {target}'
    if not exists:
        return (
            "does not exist",
            "check the path; with the name of a model, add --data FILE, or make an index first: "
            "sentune index build MODEL FILE --out INDEX",
        )
    if not any((path / name).is_file() for name in ("modules.json", "config.json")):
        return (
            "is neither an index nor a model",
            "if it holds documents or passages, name it behind a model: sentune search MODEL "
            f'"…" --data {target}',
        )
    return (
        "is a model and no index",
        f"add --data FILE, or keep its vectors: sentune index build {target} FILE --out INDEX",
    )


def require_no_index(target: str, mode: str | None, options: dict[str, str | None]) -> None:
    """Refuse an index or its options with ``--data``, and unknown modes. Raises ArgumentError."""
    from sentune.index.storage import store_at
    from sentune.search.searcher import MODES

    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError(
            f"{given[0]} with --data",
            expected=f"{given[0]} with an index only",
            fix=f"leave it out, or build an index: sentune index build {target} FILE --out INDEX",
        )
    if store_at(target).is_published():
        raise ArgumentError(
            f"the index {target} with --data",
            expected="a model with --data, or an index without",
            fix=f"leave --data out, or add to the index: sentune index add {target} FILE",
        )
    if mode is not None:
        require_choice("mode", mode, MODES)
