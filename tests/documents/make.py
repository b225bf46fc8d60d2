"""Documents for the tests, made when they run: none is committed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

LINE = 14  # points from line to line


class Line(NamedTuple):
    """A line of a PDF: its place in points from the lower left corner, size, and weight."""

    text: str
    x: float
    y: float
    size: float = 10
    bold: bool = False


def lines(texts: Iterable[str], *, top: float = 720, x: float = 72) -> list[Line]:
    """Lines of body text below each other."""
    return [Line(text, x, top - LINE * number) for number, text in enumerate(texts)]


def wrapped(text: str, width: int = 80) -> list[str]:
    """A text in lines, cut at spaces."""
    import textwrap

    return textwrap.wrap(text, width, break_on_hyphens=False)


def pdf(path: Path, pages: Sequence[Sequence[Line]], *, typed: str = "") -> Path:
    """Write a PDF with the standard fonts Helvetica and Helvetica-Bold.

    What was typed is in a field on every page, of a form.
    """
    field = 5 + 2 * len(pages)
    form = f"/AcroForm << /Fields [{field} 0 R] >> " if typed else ""
    widgets = f"/Annots [{field} 0 R] " if typed else ""
    fonts = "/Font << /F1 3 0 R /F2 4 0 R >>"
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {form}>>".encode(),
        3: _font("Helvetica"),
        4: _font("Helvetica-Bold"),
    }
    kids = []
    for number, page in enumerate(pages):
        at = 5 + 2 * number
        kids.append(f"{at} 0 R")
        objects[at] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {at + 1} 0 R "
            f"{widgets}/Resources << {fonts} >> >>"
        ).encode()
        content = zlib.compress(b"\n".join(map(_shown, page)))
        head = f"<< /Length {len(content)} /Filter /FlateDecode >>\nstream\n".encode()
        objects[at + 1] = head + content + b"\nendstream"
    objects[2] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    if typed:
        objects[field] = _field(typed)
    path.write_bytes(_file(objects))
    return path


def _field(typed: str) -> bytes:
    return (
        f"<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /TU (Name:) /V ({typed}) "
        "/Rect [72 72 300 90] >>"
    ).encode()


def _font(name: str) -> bytes:
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
    )


def _shown(line: Line) -> bytes:
    escaped = line.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    font = "F2" if line.bold else "F1"
    place = f"BT /{font} {line.size} Tf {line.x} {line.y} Td ("
    return place.encode() + escaped.encode("cp1252") + b") Tj ET"


def _file(objects: dict[int, bytes], trailer: str = "") -> bytes:
    made, places = b"%PDF-1.4\n", {}
    for number in sorted(objects):
        places[number] = len(made)
        made += f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n"
    start = len(made)
    size = max(objects) + 1
    made += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        made += f"{places[number]:010} 00000 n \n".encode()
    made += (
        f"trailer\n<< /Size {size} /Root 1 0 R {trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return made


_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def encrypted_pdf(path: Path, password: bytes = b"secret") -> Path:
    """Write a PDF that opens only with a password (40-bit RC4, PDF 32000-1, 7.6.3)."""
    key_of = (password + _PADDING)[:32]
    owner = _rc4(hashlib.md5(key_of).digest()[:5], key_of)
    permissions = -4
    identity = b"0123456789abcdef"
    seed = key_of + owner + permissions.to_bytes(4, "little", signed=True) + identity
    user = _rc4(hashlib.md5(seed).digest()[:5], _PADDING)
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        4: (
            f"<< /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> "
            f"/P {permissions} >>"
        ).encode(),
    }
    path.write_bytes(_file(objects, f"/Encrypt 4 0 R /ID [<{identity.hex()}> <{identity.hex()}>] "))
    return path


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    other = 0
    for at in range(256):
        other = (other + state[at] + key[at % len(key)]) % 256
        state[at], state[other] = state[other], state[at]
    at = other = 0
    made = bytearray()
    for byte in content:
        at = (at + 1) % 256
        other = (other + state[at]) % 256
        state[at], state[other] = state[other], state[at]
        made.append(byte ^ state[(state[at] + state[other]) % 256])
    return bytes(made)
