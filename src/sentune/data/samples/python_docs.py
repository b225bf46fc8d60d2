"""Pairs from the docstrings of Python's standard library, which every machine has.

The summary line of a docstring is the question, and the rest is its answer. That gives a few
thousand pairs of real prose without a download. The task is hard for word matching, because the
passage does not contain the summary. Sources are parsed and never imported, so nothing runs, and
modules of other platforms are read too. The pairs depend on the Python version, so compare results
of one version only.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import NamedTuple

from sentune.data.pairs import Pairs
from sentune.data.split import hold_out_groups
from sentune.errors import ArgumentError, DataError

__all__ = ["PythonDocs", "python_docs"]

# Tests and demos document nothing; pydoc_data and encodings are large tables; later versions do not
# have distutils and lib2to3; the others are not part of the library.
_SKIPPED = frozenset(
    {
        *("test", "tests", "idlelib", "turtledemo", "pydoc_data", "encodings", "distutils"),
        *("lib2to3", "ensurepip", "site-packages", "dist-packages", "__pycache__"),
    }
)
_FEWEST_WORDS, _MOST_WORDS = 4, 40
_SHORTEST_PASSAGE = 80
_WORD = re.compile(r"[A-Za-z][a-z]*(?:['’-][a-z]+)*[.,;:!?]?")
_Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class _Entry(NamedTuple):
    name: str
    summary: str
    rest: str


@dataclass(frozen=True, slots=True)
class PythonDocs:
    """Pairs from the standard library's docstrings, and the module of each.

    Attributes:
        pairs: every pair; the dotted name of what is documented is the id of both texts.
        module_of: question id → top-level module (``email`` for ``email.message.Message``).
    """

    pairs: Pairs
    module_of: Mapping[str, str]

    def split_by_module(self, fraction: float = 0.12, seed: int = 0) -> tuple[Pairs, Pairs, Pairs]:
        """Split into (training, validation, test) with every module on one side only.

        Args:
            fraction: share of the questions in validation, and again in test; below one half.
            seed: decides which modules.

        Raises:
            ArgumentError: ``fraction`` is out of range.
            DataError: there are too few modules to split.
        """
        if not 0 < fraction < 0.5:
            raise ArgumentError(
                f"fraction is {fraction}",
                expected="a number between 0 and 0.5",
                fix="use 0.12, say",
            )
        rest, test = hold_out_groups(self.pairs, self.module_of, fraction, seed)
        training, validation = hold_out_groups(
            rest, self.module_of, fraction / (1 - fraction), seed
        )
        return training, validation, test


def python_docs(folder: Path | None = None) -> PythonDocs:
    """Collect the pairs from the sources in a folder, by default those of the running Python.

    A summary is used if it reads as a sentence of 4 to 40 words, and the rest if it has at least
    80 characters and does not repeat the summary. Summaries and rests that occur more than once
    are left out, because no ranking of them would be right or wrong.

    Cost: about 2 seconds, most of it parsing 8 MB of source.

    Raises:
        DataError: the folder has no documented sources; some Pythons come without them.
    """
    folder = folder or Path(sysconfig.get_paths()["stdlib"])
    entries = _unrepeated([entry for path in _sources(folder) for entry in _entries(path, folder)])
    if not entries:
        raise DataError(
            f"{folder} holds no Python sources with docstrings",
            expected="the standard library's sources",
            fix="use a Python that was installed with its sources",
        )
    version = platform.python_version()
    pairs = Pairs(
        questions={entry.name: entry.summary for entry in entries},
        passages={entry.name: entry.rest for entry in entries},
        relevant={entry.name: (entry.name,) for entry in entries},
        source=f"the standard library of Python {version}",
    )
    return PythonDocs(pairs, {entry.name: entry.name.partition(".")[0] for entry in entries})


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # os.walk visits the folders of this list, in its order.
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(parent, name) for name in sorted(files) if name.endswith(".py"))


def _entries(path: Path, folder: Path) -> Iterator[_Entry]:
    parts = path.relative_to(folder).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)
    try:
        with warnings.catch_warnings():
            # The compiler warns about escapes in old sources, which we cannot correct.
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for name, scope in _scopes(tree, module):
        docstring = ast.get_docstring(scope)
        entry = _entry(name, docstring) if docstring else None
        if entry:
            yield entry


def _scopes(node: _Scope | ast.If | ast.Try, name: str) -> Iterator[tuple[str, _Scope]]:
    """Yield what can have a docstring, with its dotted name; also definitions in ``if``."""
    if not isinstance(node, ast.If | ast.Try):
        yield name, node
    # Statements only: ast.iter_child_nodes would also visit every decorator and default.
    for child in node.body if isinstance(node, _Scope) else node.body + node.orelse:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _scopes(child, f"{name}.{child.name}")
        elif isinstance(child, ast.If | ast.Try):
            yield from _scopes(child, name)


def _entry(name: str, docstring: str) -> _Entry | None:
    head, _, tail = docstring.partition("\n\n")
    summary = " ".join(head.split())
    # cleandoc removes the first line's indentation; the added first line prevents that.
    rest = cleandoc("\n" + tail).strip()
    if not _is_sentence(summary) or len(rest) < _SHORTEST_PASSAGE:
        return None
    repeated = summary.casefold().rstrip(".:;,") in " ".join(rest.casefold().split())
    return None if repeated else _Entry(name, summary, rest)


def _is_sentence(text: str) -> bool:
    """Whether the text reads as prose: enough words, most of them plain, and no signature."""
    words = text.split()
    if not _FEWEST_WORDS <= len(words) <= _MOST_WORDS or "->" in text or "(" in words[0]:
        return False
    plain = sum(_WORD.fullmatch(word) is not None for word in words)
    return plain >= _FEWEST_WORDS and 2 * plain > len(words)


def _unrepeated(entries: list[_Entry]) -> list[_Entry]:
    names = Counter(entry.name for entry in entries)
    summaries = Counter(entry.summary.casefold() for entry in entries)
    rests = Counter(entry.rest for entry in entries)
    return [
        entry
        for entry in entries
        if names[entry.name] == summaries[entry.summary.casefold()] == rests[entry.rest] == 1
    ]
