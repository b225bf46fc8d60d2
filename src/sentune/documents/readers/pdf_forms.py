"""What was typed into the form of a PDF: pdfium keeps it apart from the text of the pages."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sentune.documents.parts import Block

__all__ = ["Field", "typed", "with_fields"]


_SHORT = 4  # characters


class Field(NamedTuple):
    """What a field is for, if the file says so, and what was typed into it."""

    label: str
    value: str


def with_fields(blocks: Sequence[Block], fields: Sequence[Field]) -> list[Block]:
    """The blocks of a page, and behind them the fields that they lack.

    pdf-inspector writes some fields itself, with the names that only programs use.
    """
    there = " ".join(block.text for block in blocks)
    lacking = [field for field in fields if not _stands(field, there)]
    lines = [f"{label}: {value}" if label else value for label, value in lacking]
    return [*blocks, Block("text", "\n".join(lines))] if lines else list(blocks)


def _stands(field: Field, there: str) -> bool:
    """Whether a page has the value already; a short one only as that of a field, behind a colon."""
    before = r":\s*" if len(field.value) < _SHORT else r"(?<!\w)"
    return re.search(rf"{before}{re.escape(field.value)}(?!\w)", there) is not None


def typed(document: Any, page: Any) -> list[Field]:
    """The fields of a page that have a text, in their order.

    Boxes to tick are left out. ``document.init_forms`` has to be called before the page is opened.
    """
    import pypdfium2.raw as pdfium

    if document.formenv is None:
        return []
    kinds = (
        pdfium.FPDF_FORMFIELD_TEXTFIELD,
        pdfium.FPDF_FORMFIELD_COMBOBOX,
        pdfium.FPDF_FORMFIELD_LISTBOX,
    )
    form = document.formenv.raw
    found = []
    for number in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        field = pdfium.FPDFPage_GetAnnot(page.raw, number)
        if pdfium.FPDFAnnot_GetFormFieldType(form, field) in kinds:
            value = _text(pdfium.FPDFAnnot_GetFormFieldValue, form, field)
            label = _text(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, field)
            if value:
                found.append(Field(label.rstrip(": "), value))
        pdfium.FPDFPage_CloseAnnot(field)
    return found


def _text(get: Any, form: Any, field: Any) -> str:
    """The text that a function of pdfium gives in UTF-16; a first call gives its length."""
    size = get(form, field, None, 0)
    buffer = ctypes.create_string_buffer(size)
    get(form, field, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw.decode("utf-16-le", "ignore").strip("\0 \r\n")
