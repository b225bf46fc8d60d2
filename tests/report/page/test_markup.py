from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.report.page.markup import h, render


class Read(HTMLParser):
    """What a browser's parser sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    found.close()
    return found


PIECES = st.lists(
    st.sampled_from(
        ["<script>", "</p>", "<!--", "-->", "]]>", "&lt;", '"', "'", "><", "<svg ", "</"]
    )
    | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8),
    max_size=8,
).map("".join)


@given(PIECES)
@settings(max_examples=50, deadline=None)
def test_any_text_stays_this_text(text: str) -> None:
    for turning in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff":
        text = text.replace(turning, "")
    text = "".join(c for c in text if not "\ufdd0" <= c <= "\ufdef")
    found = read(render(h("p", text, h("b", "x"), title=text)))
    assert [tag for tag, _ in found.seen] == ["p", "b"]
    assert found.text == text + "x"
    assert found.seen[0][1] == {"title": text}


@given(PIECES)
@settings(max_examples=50, deadline=None)
def test_what_is_drawn_is_also_xml(text: str) -> None:
    drawn = ElementTree.fromstring(render(h("svg", h("title", text), h("circle", r=2.0))))
    assert [child.tag for child in drawn] == ["title", "circle"]


def test_what_no_page_may_hold_is_replaced() -> None:
    text = render(h("p", "a\x00b\ud800c\u202ed\x9ee\r\nf"))
    assert text == "<p>a\ufffdb\ufffdc\ufffdd\ufffde\nf</p>"
    text.encode("utf-8")


def test_attributes_and_children_by_kind() -> None:
    made = h("details", None, ["a", ["b"]], 1234, open=True, id=None, x1=2.0, y1=0.126, class_="k")
    assert render(made) == '<details open="" x1="2" y1="0.13" class="k">ab1,234</details>'


@pytest.mark.parametrize("name", ["p onclick", "p>", "", "1p"])
def test_a_name_is_never_text(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        h(name)
