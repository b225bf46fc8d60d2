"""Which names of sentence-transformers does code use that sentune lacks?

    .venv/bin/python -m bench.names FOLDER [--all]

Reads every .py file and notebook below FOLDER by its syntax tree; nothing is run. Each folder
directly in FOLDER counts as one repository. Counted are:

- names imported from the library, and attributes of its modules (``util.cos_sim``);
- keyword arguments of calls of its classes and functions (``SentenceTransformer(backend=…)``);
- methods and their keyword arguments on variables that hold a model of one of its classes, as far
  as assignments in the same file tell.

Printed is each missing name with the number of repositories, then the repositories that use
nothing missing. A name that exists only to be refused, such as ``push_to_hub``, is not missing.
With ``--all``, the names that are there are printed too.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentune.errors import SentuneError

_LIBRARY, _OURS = "sentence_transformers", "sentune"
# Modules of older versions that hold the class of their name, or other classes.
_MOVED = ("SentenceTransformer", "sentence_transformer")


def main() -> None:
    """Print what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="print names that are there as well")
    given = parser.parse_args()
    logging.disable()
    used: dict[str, set[str]] = defaultdict(set)
    repositories: set[str] = set()
    for repository, source in _sources(given.folder):
        names = names_in(source)
        repositories |= {repository} if names else set()
        for name in names:
            used[name].add(repository)
    missing = {name: found for name, found in used.items() if not is_there(name)}
    for title, names_of in (("missing", missing), ("there", used if given.all else {})):
        for name in sorted(names_of, key=lambda name: (-len(used[name]), name)):
            if title == "missing" or name not in missing:
                print(f"{title:8}{len(used[name]):5}  {name}")
    lacking = set().union(*missing.values()) if missing else set()
    print(f"{len(repositories - lacking)} of {len(repositories)} repositories lack nothing")


def _sources(folder: Path) -> Iterator[tuple[str, str]]:
    """Repository and text of each file."""
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.ipynb")]):
        within = path.relative_to(folder)
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".ipynb":
            text = _code_of(text)
        if _LIBRARY in text:
            yield (within.parts[0] if len(within.parts) > 1 else within.stem), text


def _code_of(notebook: str) -> str:
    try:
        cells = json.loads(notebook).get("cells", [])
    except (json.JSONDecodeError, AttributeError):
        return ""
    code = ("".join(cell.get("source", "")) for cell in cells if cell.get("cell_type") == "code")
    lines = "\n".join(code).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!", "?")))


# ── what code uses ────────────────────────────────────────────────────────────────────────────


def names_in(source: str) -> set[str]:
    """Dotted names below the library, ``util.cos_sim``; ``f(x=)`` for a keyword argument."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    reader = _Reader()
    reader.visit(tree)
    return reader.used


class _Reader(ast.NodeVisitor):
    """Follows imports, and assignments of what calls return."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self._known: dict[str, str] = {}  # name in the file → dotted name in the library
        self._models: dict[str, str] = {}  # variable → the class it holds

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            head, _, rest = alias.name.partition(".")
            if head == _LIBRARY:
                self._known[alias.asname or head] = rest if alias.asname else ""
                self.used |= {rest} if rest else set()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        head, _, rest = (node.module or "").partition(".")
        if head != _LIBRARY or node.level:
            return
        for alias in node.names:
            if alias.name != "*":
                name = f"{rest}.{alias.name}".strip(".")
                self._known[alias.asname or alias.name] = name
                self.used.add(name)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        self._remember(node.targets, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if node.value is not None:
            self._remember([node.target], node.value)

    def _remember(self, targets: list[ast.expr], value: ast.expr) -> None:
        called = self._name_of(value.func) if isinstance(value, ast.Call) else None
        for target in targets:
            if isinstance(target, ast.Name | ast.Attribute):
                written = ast.unparse(target)
                self._models.pop(written, None)
                if called is not None and called.rpartition(".")[2][:1].isupper():
                    self._models[written] = called

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        if (name := self._name_of(node)) is not None:
            self.used.add(name)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if (name := self._name_of(node.func)) is not None:
            self.used |= {f"{name}({key.arg}=)" for key in node.keywords if key.arg}

    def _name_of(self, node: ast.expr) -> str | None:
        """The dotted name in the library; None for anything else."""
        if isinstance(node, ast.Name) and node.id in self._known:
            return self._known[node.id]
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in self._models:
            return self._models[ast.unparse(node)]
        if isinstance(node, ast.Attribute):
            inner = self._name_of(node.value)
            return None if inner is None else f"{inner}.{node.attr}".strip(".")
        return None


# ── what sentune has ──────────────────────────────────────────────────────────────────────────


def is_there(name: str) -> bool:
    """Whether sentune has a name, or takes a keyword argument ``f(x=)``."""
    dotted, _, keyword = name.partition("(")
    try:
        found = _find(dotted)
        return not keyword or _takes(found, keyword.removesuffix("=)"))
    except SentuneError:  # a name that is refused, with the reason
        return True
    except (AttributeError, ImportError):
        return False


def _find(dotted: str) -> Any:
    head, _, rest = dotted.partition(".")
    if head in _MOVED and rest[:1].isupper():  # a class, not a method of the class of that name
        dotted = rest
    parts = dotted.split(".")
    found: Any = importlib.import_module(_OURS)
    for number, part in enumerate(parts):
        try:
            found = getattr(found, part)
        except AttributeError:
            if inspect.isclass(found) and part in _attributes(found):
                return None
            if not inspect.ismodule(found):
                raise
            found = importlib.import_module(".".join([_OURS, *parts[: number + 1]]))
    return found


def _attributes(kind: type) -> set[str]:
    """Attributes that instances have: those that classes annotate, and that methods assign."""
    found: set[str] = set()
    for each in kind.__mro__[:-1]:
        found |= set(vars(each).get("__annotations__", {}))
        try:
            tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(each)))
        except (OSError, TypeError, SyntaxError):
            continue
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
        }
    return found


def _takes(function: Any, keyword: str) -> bool:
    if function is None or not callable(function):
        return True  # an attribute, of which nothing is known
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)


if __name__ == "__main__":
    main()
