"""HTML, Markdown, EPUB, plain text and JSONL: what is text, and in which order."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents.conftest import Parts

from sentune.documents.limits import SkippedError
from sentune.documents.parts import Part

Shown = Callable[[list[Part]], list[str]]
PAGE = """<html><head><title>Site</title><style>p {color: red}</style></head><body>
<nav>Home</nav><header>Logo</header><main><header><h1>The <em>pu</em>mp</h1></header>
<p>One&nbsp;<b>wo</b>rd,<br>two.</p><script>var x</script><!-- c --><p hidden>no</p>
<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol start="3"><li>third</li></ol>
<table><tr><th>Part<th>Price<tr><td>Gasket<td>3<tr><td>Valve<td>9</table>
<table><tr><td><p>A layout table.</p></table><pre>x
  y</pre><div style="display: none">no</div><h2>Sub<a class="headerlink" href="#sub">¶</a></h2>
<a href="#sub">tail</a></main>
<footer>imprint</footer></body>"""
SHOWN = [
    "# The pump",
    "One word,\ntwo.",
    "- a",
    "- b",
    "- c",
    "3. third",
    "|| Part | Price",
    "| Gasket | 3",
    "| Valve | 9",
    "A layout table.",
    "x\n  y",
    "## Sub",
    "tail",
]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_without_what_is_around_it(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    assert shown(parts(_write(tmp_path / "a.html", PAGE))) == SHOWN


def test_a_page_without_a_heading_has_its_title(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    page = _write(tmp_path / "a.html", "<title>Pumps</title><p>Text.")
    assert shown(parts(page)) == ["# Pumps", "Text."]


def test_formulas_are_read_and_the_numbers_of_notes_are_not(
    tmp_path: Path, parts: Parts, shown: Shown
) -> None:
    page = (
        '<p>The sill.<a href="#n1" role="doc-noteref"><sup>1</sup></a> Here <math><semantics><mrow>'
        "<mi>p</mi><mo>=</mo><mi>ρ</mi></mrow><annotation>p = \\rho</annotation></semantics>"
        '</math> holds.</p><p>Kept since 1871.<a href="#r1" role="doc-backlink">↩</a></p>'
    )
    made = shown(parts(_write(tmp_path / "a.html", page)))
    assert made == ["The sill. Here p=ρ holds.", "Kept since 1871."]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_a_page_in_the_encoding_that_it_names(
    tmp_path: Path, parts: Parts, shown: Shown, encoding: str
) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(f'<meta charset="{encoding}"><p>Größe'.encode(encoding))
    assert shown(parts(path)) == ["Größe"]


def test_markdown(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    text = (
        "---\ntitle: Manual\n---\n# Pump\n\nText *em* `a_b` [link](u)\nmore.  \nLast<br>line.\n\n"
        "1. one\n2. two\n   - sub\n\nSetext\n------\n\n|a|b|\n|-|-|\n|1|2|\n\n```\nx = 1\n```\n"
        "<div><p>html</p></div>\n\n> quoted\n"
    )
    notes: list[str] = []
    assert shown(parts(_write(tmp_path / "a.md", text), notes=notes)) == [
        "# Pump",
        "Text em a_b link more.\nLast\nline.",
        "1. one",
        "2. two",
        "- sub",
        "## Setext",
        "|| a | b",
        "| 1 | 2",
        "x = 1",
        "html",
        "quoted",
    ]
    assert notes == ["the settings at its start (front matter) were left out"]


def epub(path: Path, chapters: dict[str, str], spine: list[str]) -> Path:
    """Write a book whose manifest has another order than its spine."""
    items = "".join(
        f'<item id="i{name}" href="text/{name}" media-type="application/xhtml+xml"/>'
        for name in sorted(chapters, reverse=True)
    )
    order = "".join(f'<itemref idref="i{name}"/>' for name in spine)
    nav = '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OPS/a.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "OPS/a.opf",
            f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{nav}{items}</manifest>'
            f'<spine><itemref idref="n"/>{order}</spine></package>',
        )
        archive.writestr("OPS/nav.xhtml", "<html><body><nav>contents</nav></body></html>")
        for name, text in chapters.items():
            archive.writestr(f"OPS/text/{name}", text)
    return path


def test_a_book_in_the_order_of_its_spine(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    head = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
    chapters = {
        "a.xhtml": f"{head}<body><h1>Second</h1><p>Later.<a id='x'/></p></body></html>",
        "b.xhtml": f"{head}<body><h1>First</h1><p>Earlier.</p></body></html>",
    }
    found = parts(epub(tmp_path / "a.epub", chapters, ["b.xhtml", "a.xhtml"]))
    assert [(part.kind, part.label) for part in found] == [
        ("chapter", "First"),
        ("chapter", "Second"),
    ]
    assert shown(found) == ["# First", "Earlier.", "# Second", "Later."]


def test_plain_text(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    text = (
        "\ufeffOne ﬁle of infor-\nmation, \nnext line.\r\n \r\nTwo\x0bthree\u00ad.\fFour \u200b😀"
    )
    found = parts(_write(tmp_path / "a.txt", text))
    assert shown(found) == ["One file of information,\nnext line.", "Two\nthree.", "Four 😀"]


def test_rows_of_jsonl(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    rows = (
        '{"id": "x", "title": "Pump", "text": "Closed.", "year": 2026}\n'
        '{"id": "y", "title": "Valve", "text": "Open.", "year": 2025}\n'
    )
    notes: list[str] = []
    found = parts(_write(tmp_path / "a.jsonl", rows), notes=notes)
    assert [(part.kind, part.label) for part in found] == [("row", "x"), ("row", "y")]
    assert shown(found) == ["# Pump", "Closed.", "# Valve", "Open."]
    assert notes == ["columns left out: year"]


def test_rows_with_pages_are_pages(tmp_path: Path, parts: Parts) -> None:
    rows = "".join(
        f'{{"page": {page}, "text": "Text of {number}."}}\n'
        for number, page in enumerate((1, 2, 1, 2))
    )
    found = parts(_write(tmp_path / "a.jsonl", rows))
    labels = [(part.kind, part.label) for part in found]
    pages = [("page", 1), ("page", 2)]
    assert labels == [*pages, ("text", None), *pages]  # the second document is one of its own


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"caf\xe9 au lait", "is not UTF-8"),
        (b"a\0b", "holds NUL bytes"),
        (b" \n\t\n", "has no text"),
    ],
)
def test_text_that_is_none_is_skipped(
    tmp_path: Path, parts: Parts, content: bytes, reason: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(SkippedError, match=reason):
        parts(path)
