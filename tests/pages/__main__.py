"""Run every command of the pages in order, and compare what it prints with what they show.

python -m tests.pages            all pages
python -m tests.pages --quick    what takes long is left out
python -m tests.pages search.md  one page, after those whose files it uses
python -m tests.pages --libraries PAGE  also what needs libraries that .venv does not have
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.pages.comparing import difference
from tests.pages.parsing import Step, steps_of

_ROOT = Path(__file__).parents[2]
# In the order in which a reader needs them: a page may use the files of one before it.
_PAGES = (
    *("README.md", "demo.md", "data.md", "check.md", "tune.md", "evaluate.md", "mine-negatives.md"),
    *("index.md", "search.md", "serve.md", "rerank.md", "scale.md", "encode.md", "similarity.md"),
    *("classify.md", "models.md"),
    *("cluster.md", "paraphrases.md", "duplicates.md", "export.md", "training.md"),
    *("from-sentence-transformers.md", "doctor.md", "read.md", "ask.md", "split.md", "report.md"),
    *("convert.md", "push.md", "documents.md", "distill.md"),
)
_USES = {
    "tune.md": ["demo.md"],
    "evaluate.md": ["demo.md"],
    "search.md": ["index.md"],
    "report.md": ["demo.md"],
    "duplicates.md": ["paraphrases.md"],
}
_WRITTEN_WITH = (3, 11)  # the docstrings of Python, on which many figures rest, change
_SHOWS_A_FILE = re.compile(r"(?:cat|head -\d+) ([\w.-]+)")
_LONGEST = 900  # seconds of one step
_DRIVER = """
import json, sys, traceback, types
sys.modules["__main__"] = page = types.ModuleType("__main__")
names = vars(page)
for line in sys.stdin:
    ended = 0
    try:
        exec(compile(json.loads(line), "page", "exec"), names)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        ended = 1
    print(f"\\n=== {ended}", flush=True)
"""


class Reader:
    """Does what a page says, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        self._environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "110"}
        self._python: subprocess.Popen[str] | None = None

    def start_page(self) -> None:
        """Forget the names that the Python of another page defined."""
        if self._python is not None:
            self._python.communicate()
        self._python = None

    def do(self, step: Step) -> tuple[list[str], int]:
        """What was printed, and how it ended."""
        if step.kind == "python":
            return self._run_python(step.code)
        shown = _SHOWS_A_FILE.fullmatch(step.code)
        if shown and not (self._folder / shown[1]).exists():
            # The page shows a file that the reader writes.
            (self._folder / shown[1]).write_text("\n".join(step.output or ()) + "\n", "utf-8")
        ended = subprocess.run(
            ["bash", "-c", step.code],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return ended.stdout.splitlines(), ended.returncode

    def _run_python(self, code: str) -> tuple[list[str], int]:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _DRIVER],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(code) + "\n")
        self._python.stdin.flush()
        printed: list[str] = []
        for line in self._python.stdout:
            if line.startswith("=== "):
                return printed, int(line[4:])
            printed.append(line.rstrip("\n"))
        return printed, self._python.wait() or 1


def problem(step: Step, printed: Sequence[str], ended: int, *, compare: bool) -> str | None:
    """What is wrong with a step; None if it did what its page says."""
    refuses = any(line.startswith("sentune: ") for line in step.output or ())
    if (ended != 0) != refuses:
        return f"it ended with {ended}: {' / '.join(printed[-3:])}"
    if step.output is None or not compare or step.note == "not compared":
        return None
    return difference(step.output, printed)


def _closure(pages: Iterable[str]) -> list[str]:
    wanted: set[str] = set()
    left = list(pages)
    while left:
        page = left.pop()
        wanted.add(page)
        left += (other for other in _USES.get(page, ()) if other not in wanted)
    return [page for page in _PAGES if page in wanted]


def _path(page: str) -> Path:
    return _ROOT / page if page == "README.md" else _ROOT / "docs" / page


def _check(page: str, reader: Reader, *, quick: bool, compare: bool, libraries: bool) -> list[str]:
    reader.start_page()
    found = []
    left_out = {"not here"} if libraries else {"not here", "libraries"}
    for step in steps_of(_path(page)):
        if step.note in left_out:
            continue
        if quick and step.note == "slow":
            break
        printed, ended = reader.do(step)
        wrong = problem(step, printed, ended, compare=compare)
        if wrong:
            found.append(f"{page}, line {step.line}: {step.code.splitlines()[0]}\n    {wrong}")
    return found


def _as_written() -> bool:
    """Whether this machine gives the figures of the pages."""
    from sentune.machine.hardware import choose_compute

    return sys.version_info[:2] == _WRITTEN_WITH and choose_compute().dtype_name == "bfloat16"


def main() -> int:
    """Check the pages; 1 if one of them says what is not so."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages", description=__doc__)
    parser.add_argument("pages", nargs="*", choices=[[], *_PAGES], metavar="PAGE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--libraries", action="store_true")
    given = parser.parse_args()
    compare = _as_written()
    if not compare:
        print("The pages were written with Python 3.11 in bfloat16: here, nothing is compared.")
    failed = False
    with tempfile.TemporaryDirectory(prefix="sentune-pages-") as folder:
        reader = Reader(Path(folder))
        for page in _closure(given.pages or _PAGES):
            start = time.monotonic()
            found = _check(
                page, reader, quick=given.quick, compare=compare, libraries=given.libraries
            )
            failed = failed or bool(found)
            said = "as shown" if not found else f"{len(found)} not as shown"
            print(
                f"{page}: {said} ({time.monotonic() - start:.0f} s)", *found, sep="\n  ", flush=True
            )
        reader.start_page()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
