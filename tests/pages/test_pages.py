"""The check of the pages: what it runs, and what it calls different."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.pages.__main__ import _PAGES, _ROOT, Reader, main, problem
from tests.pages.comparing import difference
from tests.pages.parsing import Step, steps_of

PAGE = """# A page

    sentune verb FILE [--json]

It does something.

    $ cat words.txt
    one
    $ cat > more.txt <<END
    $ two
    END
    $ printf '1 a\\n\\n2 b\\n' \\
        | cat
    1 a

    2 b

Prose, and a block of Python:

```python
x = 1
print(x)
```

    1

```
make demo
```

<!-- run: libraries -->

```python
import bertopic
```

<!-- run: slow -->

    $ sleep 100
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_the_steps_of_a_page(page: Path) -> None:
    steps = [(step.line, step.kind, step.code, step.output, step.note) for step in steps_of(page)]
    assert steps == [
        (7, "shell", "cat words.txt", ["one"], ""),
        (9, "shell", "cat > more.txt <<END\n$ two\nEND", [], ""),
        (12, "shell", "printf '1 a\\n\\n2 b\\n' \\\n    | cat", ["1 a", "", "2 b"], ""),
        (21, "python", "x = 1\nprint(x)\n", ["1"], ""),
        (34, "python", "import bertopic\n", None, "libraries"),
        (39, "shell", "sleep 100", [], "slow"),
    ]


ALIKE = [
    ("0.867  0.851 to 0.882", "0.871   0.846 to 0.88"),
    ("took 0.6 s, 3 a second, 3.95 MB", "took 12 s, 150 a second, 4 MB"),
    ("1,805 passages", "1,800 passages"),
    ("12 passages", "12 passages"),
    ("differ by at most 3e-07", "differ by at most 2e-07"),
    ("a text that goes …", "a text that goes on and on"),
    ("", ""),
    ("p = 0.0032, +0.048", "p = 0.0110, +0.041"),
    ("(2, 384)", "(2, 384)"),
    ("v1.2-final of x86_64", "v1.2-final of x86_64"),
]
DIFFERENT = [
    ("12 passages", "13 passages"),
    ("0.867", "0.95"),
    ("0.867", "none"),
    ("cat 0.5", "dog 0.5"),
    ("120 texts", "100 texts"),
    ("v1.2-final", "v1.3-final"),
    ("kept", "kept, and more"),
]


@pytest.mark.parametrize(("shown", "printed"), ALIKE)
def test_figures_may_differ_within_their_width(shown: str, printed: str) -> None:
    assert difference([shown], [printed]) is None


@pytest.mark.parametrize(("shown", "printed"), DIFFERENT)
def test_words_and_counts_may_not(shown: str, printed: str) -> None:
    assert difference([shown], [printed]) is not None


def test_lines_may_be_left_out_where_the_page_says_so() -> None:
    printed = ["a", "b", "c", "d"]
    for shown in (
        printed,
        ["a", "…", "d"],
        ["a", "…"],
        ["…", "c", "d"],
        ["a", "…", "b", "c", "d", ""],
    ):
        assert difference(shown, printed) is None
    for shown in (["a", "b"], [*printed, "e"], ["a", "…", "x"], ["b", "…"]):
        assert difference(shown, printed) is not None


def test_a_page_that_says_what_is_so(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    reader = Reader(folder)
    for step in steps_of(page):
        if step.note not in ("slow", "libraries"):
            assert problem(step, *reader.do(step), compare=True) is None, step
    reader.start_page()
    forgotten = Step("page.md", 1, "print(x)", "python", ["1"])
    assert "NameError" in str(problem(forgotten, *reader.do(forgotten), compare=True))
    reader.start_page()


@pytest.mark.parametrize(
    ("code", "output", "wrong"),
    [
        ("echo yes", ["yes"], None),
        ("echo yes", ["no"], "the page shows 'no'"),
        ("echo yes; exit 2", ["yes"], "ended with 2"),
        ("echo 'sentune: no'; exit 2", ["sentune: no"], None),
        ("echo 'sentune: no'", ["sentune: no"], "ended with 0"),
    ],
)
def test_what_is_wrong_with_a_step(
    code: str, output: list[str], wrong: str | None, tmp_path: Path
) -> None:
    step = Step("page.md", 1, code, "shell", output)
    found = problem(step, *Reader(tmp_path).do(step), compare=True)
    assert (wrong is None) == (found is None)
    assert wrong is None or wrong in str(found)
    if code == "echo yes":
        assert problem(step, *Reader(tmp_path).do(step), compare=False) is None


def test_every_page_is_known_and_can_be_read() -> None:
    there = {path.name for path in (_ROOT / "docs").glob("*.md")} | {"README.md"}
    assert set(_PAGES) <= there
    run = [page for page in there - set(_PAGES) if steps_of(_ROOT / "docs" / page)]
    assert run == []


def test_an_unknown_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pages", "nothing.md"])
    with pytest.raises(SystemExit):
        main()
    assert "invalid choice: 'nothing.md'" in capsys.readouterr().err
