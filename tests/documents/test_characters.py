"""Ligatures, cut words and running lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.documents.characters import Hyphens, clean
from sentune.documents.furniture import without_furniture
from sentune.documents.parts import Block
from sentune.tokens.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("oﬃce ﬁle ﬂow aﬀair ſt", "office file flow affair ſt"),
        ("a\u00adb\u200bc\ufeffd\x00e\x07f", "abcdef"),
        ("a\u00a0b\u202fc", "a b c"),
        ("a\r\nb\rc\x0bd\u2028e", "a\nb\nc\nd\ne"),
        ("\ue000x\uf0b7 item", "x• item"),
        ("\ufeb3\ufefc\ufee1", "\u0633\u0644\u0627\u0645"),  # Arabic letters in their joined forms
        ("café ① Ⅳ ½ 東京 🙂", "café ① Ⅳ ½ 東京 🙂"),
        ("half \ud83d of a pair", "half  of a pair"),
    ],
)
def test_characters(text: str, wanted: str) -> None:
    assert clean(text) == wanted


def test_ligatures_would_be_unknown_to_the_tokenizer(tokenizer: Tokenizer) -> None:
    unknown = tokenizer.added_tokens()
    (mark,) = (number for number, token in unknown.items() if token.content == "[UNK]")
    assert mark in tokenizer.whole(["oﬃce"])[0]
    assert mark not in tokenizer.whole([clean("oﬃce")])[0]


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("mark", ["\ufffe", "\x02", "-\n", "-\r\n", "\u2010\n", "\xad\n", "- "])
def test_each_mark_of_a_cut_word(mark: str) -> None:
    assert Hyphens([], spaced=True).join(f"some infor{mark}mation here") == "some information here"


@pytest.mark.parametrize(
    ("elsewhere", "cut", "wanted"),
    [
        ("", "a well-\nknown fact", "a well-known fact"),
        ("", "infor-\nmation", "information"),
        ("a red-team and red-team", "red-\nteam", "red-team"),
        ("a redteam and redteam", "red-\nteam", "redteam"),
        ("", "state-of-\nthe-art", "state-of-the-art"),
        ("", "GV-\n1.1 and Anglo-\nSaxon", "GV-1.1 and Anglo-Saxon"),
        # The document's other words at line ends are compounds, so this one may be, too.
        ("pre-trained, pre-\ntrained", "domain-\nspecific", "domain-specific"),
    ],
)
def test_the_document_decides(elsewhere: str, cut: str, wanted: str) -> None:
    assert Hyphens([elsewhere, cut]).join(cut) == wanted


def test_a_hyphen_for_a_later_word_stays() -> None:
    text = "pre- and post-deployment, Vor- und Nachteile"
    assert Hyphens([text], spaced=True).join(text) == text


def _pages(*texts: list[str]) -> list[list[Block]]:
    return [[Block("text", text) for text in page] for page in texts]


def test_what_repeats_at_the_edges_goes() -> None:
    pages = _pages(
        *[
            ["Report 2026", f"Body {'abc'[n]}", "More", f"end {'abc'[n]}", f"{n + 1}"]
            for n in range(3)
        ]
    )
    kept = [[block.text for block in page] for page in without_furniture(pages)]
    assert kept == [[f"Body {'abc'[n]}", "More", f"end {'abc'[n]}"] for n in range(3)]


def test_what_repeats_inside_stays() -> None:
    pages = _pages(*[[f"Body {'abc'[n]}", "Example", "x", f"end {'xyz'[n]}"] for n in range(3)])
    assert without_furniture(pages) == pages


def test_two_pages_prove_nothing() -> None:
    pages = _pages(["Same", "a"], ["Same", "b"])
    assert without_furniture(pages) == pages


def test_the_first_heading_of_a_chapter_stays() -> None:
    heading = Block("heading", "Chapter one", 1)
    pages = [[heading, Block("text", text)] for text in ("a b", "c d", "e f")]
    assert [len(page) for page in without_furniture(pages)] == [2, 1, 1]


def test_rows_of_tables_are_no_page_numbers() -> None:
    pages = [[Block("row", "7"), Block("text", f"text {'abc'[n]}")] for n in range(3)]
    assert [len(page) for page in without_furniture(pages)] == [2, 2, 2]
