from __future__ import annotations

from pathlib import Path

import pytest

from sentune.data.samples.python_docs import PythonDocs, python_docs
from sentune.errors import ArgumentError, DataError

REST = "The rest says at length what the summary leaves out, in more than eighty characters."


def test_the_standard_library_gives_clean_pairs(library: PythonDocs) -> None:
    pairs = library.pairs
    assert 1000 < len(pairs) < 4000
    assert len({text.casefold() for text in pairs.questions.values()}) == len(pairs)
    assert len(set(pairs.passages.values())) == len(pairs)
    for key, ids in pairs.relevant.items():
        assert ids == (key,)
        summary, rest = pairs.questions[key], pairs.passages[key]
        assert 4 <= len(summary.split()) <= 40
        assert len(rest) >= 80
        assert rest == rest.strip()
        assert summary.casefold() not in " ".join(rest.casefold().split())
        assert library.module_of[key] == key.split(".")[0]
    assert not {"test", "idlelib", "lib2to3", "turtledemo"} & set(library.module_of.values())
    assert "standard library of Python 3" in pairs.source


def test_whole_modules_are_held_out(library: PythonDocs) -> None:
    splits = [library.split_by_module(seed=seed) for seed in (0, 0, 1)]
    sides = [[set(side.relevant) for side in split] for split in splits]
    assert sides[0] == sides[1] != sides[2]
    for train, valid, test in sides:
        assert len(train) + len(valid) + len(test) == len(library.pairs)
        assert train | valid | test == library.pairs.relevant.keys()
        modules = [{library.module_of[key] for key in side} for side in (train, valid, test)]
        assert not (modules[0] & modules[1] | modules[0] & modules[2] | modules[1] & modules[2])
        for side in (valid, test):
            assert 0.08 < len(side) / len(library.pairs) < 0.16
            assert len({library.module_of[key] for key in side}) > 3


@pytest.mark.parametrize("fraction", [0.0, 0.5, -1, 2])
def test_a_fraction_out_of_range_is_refused(library: PythonDocs, fraction: float) -> None:
    with pytest.raises(ArgumentError, match=r"between 0 and 0\.5"):
        library.split_by_module(fraction)


def _module(folder: Path, name: str, source: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source if isinstance(source, bytes) else source.encode())


def test_what_is_taken_from_a_source_and_what_is_not(tmp_path: Path) -> None:
    _module(
        tmp_path,
        "pack/__init__.py",
        f'''"""Say what the
        whole package does.

            First line indented.
        {REST}
        """
import os

class Thing:
    r"""Hold one \\d thing at a time.

    {REST} 1
    """
    async def run(self):
        """Run the thing until done.

        {REST} 2
        """
        raise SystemExit

if os.name:
    def fallback():
        """Stand in where nothing else works.

        {REST} 3
        """
else:
    def other():
        """Do the other thing here instead.

        {REST} 4
        """
''',
    )
    docs = python_docs(tmp_path)
    assert dict(docs.pairs.questions) == {
        "pack": "Say what the whole package does.",
        "pack.Thing": "Hold one \\d thing at a time.",
        "pack.Thing.run": "Run the thing until done.",
        "pack.fallback": "Stand in where nothing else works.",
        "pack.other": "Do the other thing here instead.",
    }
    assert docs.pairs.passages["pack.Thing.run"] == f"{REST} 2"
    assert set(docs.module_of.values()) == {"pack"}


@pytest.mark.parametrize(
    "docstring",
    [
        f"Too short summary.\n\n{REST}",
        f"{'word ' * 41}\n\n{REST}",
        f"spam(a, b) calls this and that\n\n{REST}",
        f"Take this and that -> integer\n\n{REST}",
        f"_x = (y) z_1 = [w] / (v) | u\n\n{REST}",
        "A sentence of enough words.\n\nToo short a rest.",
        f"A sentence of enough words.\n\nA sentence\n  of Enough words, {REST}",
        f"A sentence of enough words. {REST}",
        "",
    ],
)
def test_what_is_no_summary_with_a_rest_is_left_out(tmp_path: Path, docstring: str) -> None:
    _module(tmp_path, "good.py", f'"""Say what the module does.\n\n{REST} good"""')
    _module(tmp_path, "odd.py", f'"""{docstring}"""')
    assert list(python_docs(tmp_path).pairs.relevant) == ["good"]


def test_repeated_texts_and_foreign_folders_are_left_out(tmp_path: Path) -> None:
    good = f'"""Say what the module does.\n\n{REST}"""'
    _module(tmp_path, "good.py", good)
    _module(tmp_path, "a.py", f'"""This one stands here twice.\n\n{REST} a"""')
    _module(tmp_path, "b.py", f'"""This ONE stands here twice.\n\n{REST} b"""')
    _module(tmp_path, "c.py", f'"""The first of the two.\n\n{REST} same"""')
    _module(tmp_path, "d.py", f'"""The second of the two.\n\n{REST} same"""')
    for folder in ("test", "x/tests", "idlelib", "site-packages/y", "lib2to3", "turtledemo"):
        _module(
            tmp_path,
            f"{folder}/z.py",
            f'"""The folder {len(folder)} is foreign here.\n\n{REST} {folder}"""',
        )
    _module(tmp_path, "broken.py", good + "\ndef (")
    _module(tmp_path, "nul.py", good + "\0")
    _module(tmp_path, "latin.py", good.encode() + b"\n'\xff'")
    _module(tmp_path, "escape.py", f'"""Old sources \\d hold such escapes.\n\n{REST} old"""')
    docs = python_docs(tmp_path)
    assert list(docs.pairs.relevant) == ["escape", "good"]


def test_sources_are_parsed_and_never_run(tmp_path: Path) -> None:
    _module(
        tmp_path, "bomb.py", f'"""Must not be run by anybody.\n\n{REST}"""\nraise SystemExit(3)'
    )
    assert list(python_docs(tmp_path).pairs.relevant) == ["bomb"]


def test_a_python_without_sources_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no Python sources with docstrings") as caught:
        python_docs(tmp_path)
    assert str(tmp_path) in str(caught.value)
