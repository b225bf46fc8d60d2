"""The page in a real browser; without one to be asked for, its text is read by a parser."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.long import LONG
from tests.report.page.test_markup import read
from tests.report.page.test_page import hostile

from sentune.report.page import PageFacts, report_page

MakePage = Callable[..., PageFacts]
_FORMS = 200 if LONG else 20


def in_browser(page: Path, width: int) -> tuple[str, str]:
    """The document as Chromium has it after loading, and what Chromium says on the way."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "make test-long needs Chromium: apt-get install chromium"
    found = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(
                "--enable-logging=stderr",
                f"--window-size={width},800",
                "--virtual-time-budget=2000",
            ),
            f"--user-data-dir={page.parent / 'profile'}",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return found.stdout, found.stderr


def test_markup_runs_nothing_in_a_browser(make_page: MakePage, tmp_path: Path) -> None:
    questions = [f"{hostile(n)} question {n}" for n in range(_FORMS)]
    passages = [f"{hostile(n + 7)} passage {n}" for n in range(_FORMS)]
    facts = make_page(questions, passages)
    told = [hostile(n) for n in range(_FORMS)]
    page = report_page(replace(facts, title=hostile(3), notes=told))
    seen, said = page, ""
    if LONG:
        file = tmp_path / "report.html"
        file.write_text(page, encoding="utf-8")
        seen, said = in_browser(file, 390)
    assert "CONSOLE" not in said
    assert [tag for tag, _ in read(seen).seen] == [tag for tag, _ in read(page).seen]
    for tag in ("script", "img", "iframe", "form", "base", "math", "object", "link"):
        assert not re.search(f"<{tag}[ >]", seen, re.IGNORECASE)
    assert read(seen).text.count("window.hit=") == read(page).text.count("window.hit=") > _FORMS / 2
