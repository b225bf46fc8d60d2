"""A real PDF of 64 pages, where the checkout has it beside it; nothing of it is kept here."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pypdfium2
import pytest

from sentune.documents import DocumentPassage, FileReport, read
from sentune.tokens.tokenizer import Tokenizer

NIST = Path(__file__).parents[3] / "shared" / "data" / "governance" / "NIST.AI.600-1.pdf"
WORD = re.compile(r"\w+")

pytestmark = pytest.mark.skipif(not NIST.is_file(), reason="the document is not beside this folder")


@pytest.fixture(scope="module")
def found(tokenizer: Tokenizer) -> tuple[list[DocumentPassage], FileReport]:
    reports: list[FileReport] = []
    return list(read(NIST, tokenizer, 256, report=reports.append)), reports[0]


def _words(text: str) -> Counter[str]:
    return Counter(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def test_passages_fit_and_have_their_headings(
    found: tuple[list[DocumentPassage], FileReport], tokenizer: Tokenizer
) -> None:
    passages, report = found
    assert (report.parts, report.skipped) == (64, None)
    whole = tokenizer.whole([f"{passage.title} {passage.text}".strip() for passage in passages])
    assert max(map(len, whole)) <= 256
    risks = "2. Overview of Risks Unique to or Exacerbated by GAI"
    under = [each for each in passages if each.headings[-1:] == ("2.7. Human-AI Configuration",)]
    assert [each.part for each in under] == [13, 13]
    assert {each.headings for each in under} == {(risks, "2.7. Human-AI Configuration")}


def test_tables_are_in_the_order_of_reading(
    found: tuple[list[DocumentPassage], FileReport],
) -> None:
    text = " ".join(" ".join(each.text.split()) for each in found[0])
    assert "in a manner that does not increase risks or decrease the organization" in text
    rows = re.findall(r"GV-2\.1-00\d", text)
    assert rows == [f"GV-2.1-00{number}" for number in range(1, 6)]


def test_hardly_a_word_is_lost(found: tuple[list[DocumentPassage], FileReport]) -> None:
    document = pypdfium2.PdfDocument(NIST)
    plain = _words("\n".join(page.get_textpage().get_text_range() for page in document))
    document.close()
    made = Counter[str]()
    for passage in found[0]:
        made += _words(passage.text)
    for headings in {passage.headings for passage in found[0]}:
        made += _words(" ".join(headings))
    assert (plain - made).total() < 0.01 * plain.total()
