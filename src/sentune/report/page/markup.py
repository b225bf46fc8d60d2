"""HTML and SVG from a tree of elements, in which text can only ever be text.

``h("p", "a < b", class_="note")`` is an element. Its children are elements, texts, or lists of
them; ``None`` is left out. Names of elements and attributes come from this package alone. The only
content that is not escaped is that of a ``style`` element, which no caller can write from data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Element", "Value", "h", "render"]

# Nothing in these has a meaning in HTML, and a parser may drop or replace them.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Characters that make a line read otherwise than it is stored.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9:-]*")
_VOID = frozenset({"meta", "br", "hr", "col"})
_SVG_EMPTY = frozenset({"circle", "line", "rect", "path", "polyline", "polygon", "use"})

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its name, its attributes, and what is in it."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Element | str, ...]


Child: TypeAlias = "Element | str | int | Iterable[Child] | None"


def h(name: str, /, *children: Child, **attributes: Value) -> Element:
    """An element; ``class_`` is the attribute class, ``stroke_width`` is stroke-width.

    An attribute of None or False is left out, True is written without a value.
    """
    given = tuple(
        (key.rstrip("_").replace("_", "-"), "" if value is True else _number(value))
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    for each in (name, *(key for key, _ in given)):
        if not _NAME.fullmatch(each):
            raise ValueError(f"{each!r} is no name")  # a mistake in this package, never in data
    return Element(name, given, tuple(_flat(children)))


def _number(value: Value) -> str:
    """Coordinates with two digits at most: they are a third of a page."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _flat(children: Iterable[Child]) -> Iterator[Element | str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element | str):
            yield child
        elif isinstance(child, int):
            yield f"{child:,}"
        else:
            yield from _flat(child)


def render(element: Element) -> str:
    """The element as text, valid both as HTML and, for SVG, as XML."""
    return "".join(_pieces(element))


def _pieces(element: Element) -> Iterator[str]:
    yield f"<{element.name}"
    for key, value in element.attributes:
        yield f' {key}="{_escaped(value)}"'
    if element.name in _VOID:
        yield ">"
        return
    if element.name in _SVG_EMPTY and not element.children:
        yield "/>"
        return
    yield ">"
    for child in element.children:
        if isinstance(child, Element):
            yield from _pieces(child)
        else:
            yield child if element.name == "style" else _escaped(child)
    yield f"</{element.name}>"


def _escaped(text: str) -> str:
    printable = _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return escape(_TURNING.sub("\ufffd", printable), quote=True)
