from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sentune.report.card.text import cell, fenced, inline, shortened, table

MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")
HOSTILE = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=()), max_size=8),
        st.sampled_from(
            [
                "```",
                "|",
                "\\|",
                "\n\n",
                "\r\n",
                "---",
                "<b>",
                "</td>",
                "&amp;",
                "&#124;",
                "[a](b)",
                "[a]: b",
                "![a][b]",
                "*x*",
                "_x_",
                "~~x~~",
                "`x`",
                "# x",
                "<!--",
                "$x$",
                "\u2028",
            ]
        ),
    ),
    max_size=6,
).map("".join)


def _shown(text: str) -> str:
    """What a reader sees of a text: lines without outer blanks, no control characters."""
    lines = [line.replace("\t", " ").strip(" \xa0") for line in text.splitlines()]
    return re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", "\n".join(lines)
    )


def _cells(markdown: str) -> list[list[str]]:
    """Texts of the rows of the one table, by an independent Markdown parser."""
    rows: list[list[str]] = []
    for token in MARKDOWN.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            parts = []
            for child in token.children or []:
                assert child.type in ("text", "html_inline", "text_special"), child
                assert child.type != "html_inline" or child.content == "<br>"
                parts.append("\n" if child.type == "html_inline" else child.content)
            rows[-1].append("".join(parts))
    return rows


@given(HOSTILE)
def test_a_cell_shows_its_text_and_nothing_else(text: str) -> None:
    rendered = table(["one", "two"], [["first", cell(text)], ["last", "end"]])
    rendered.encode()
    rows = _cells(rendered)
    assert [row[0] for row in rows] == ["one", "first", "last"]
    found = "\n".join(line.strip(" \xa0") for line in rows[1][1].split("\n"))
    assert found.strip() == _shown(text).strip()


@given(HOSTILE)
def test_running_text_stays_one_paragraph(text: str) -> None:
    tokens = MARKDOWN.parse(f"**Start {inline(text)} end**")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    types = {child.type for child in tokens[1].children or []}
    assert types <= {"text", "strong_open", "strong_close"}


@given(HOSTILE)
def test_a_fence_holds_whatever_is_inside(content: str) -> None:
    # A parser replaces NUL and normalises line ends, which is not the fence's doing.
    content = content.replace("\x00", "").replace("\r", "\n")
    tokens = MARKDOWN.parse(fenced(content, "text"))
    assert [(token.type, token.content) for token in tokens] == [("fence", content + "\n")]


def test_words_with_underscores_and_lists_stay_readable() -> None:
    assert inline("held_out.json\n [] [1, 2]") == "held_out.json [] [1, 2]"
    assert inline("_x_ [a](b) a*b") == "&#95;x&#95; [a&#93;(b) a&#42;b"
    assert cell("a\tb\r\nc|d\n\ne<f>") == "a b<br>c&#124;d<br><br>e&lt;f&gt;"
    assert cell("") == ""


def test_only_long_texts_are_cut() -> None:
    assert shortened("12345", 5) == "12345"
    assert shortened("1234 6", 5) == "1234…"
