"""The page without a browser: its files, its headers, who gets them, and the report."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from tests.serving.running import Answer, Running

from sentune.serving.page import OPEN

STATIC = Path(str(files("sentune.serving.page"))) / "static"
_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|\bFunction\(|DOMParser|srcdoc"
    r"|createContextualFragment|setHTML|set(?:Timeout|Interval)\(\s*['\"`]|https?:|\.on[a-z]+ ?="
)


class _Page(HTMLParser):
    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._in = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in ("script", "style"):
            self.inline += data


def policy(answer: Answer) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


def scripts() -> Iterator[Path]:
    return STATIC.glob("*.js")


def test_the_page_and_all_that_it_loads(server: Running) -> None:
    answer = server.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = _Page(answer.body)
    assert not page.inline.strip()
    assert not [
        each for _, each in page.tags if any(n.startswith("on") or n == "style" for n in each)
    ]
    linked = {each[n] for t, each in page.tags for n in ("src", "href") if n in each and t != "a"}
    assert linked == {"/page/main.js", "/page/style.css", "data:,"}
    for script in scripts():
        imported = re.findall(r'from "\./([\w.]+)"', script.read_text(encoding="utf-8"))
        assert all(f"/page/{name}" in OPEN for name in imported)
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
    for file in STATIC.iterdir():
        address = "/" if file.name == "index.html" else f"/page/{file.name}"
        found = server.get(address)
        assert found.body == file.read_text(encoding="utf-8")
        assert found.headers["content-type"] == kinds.get(file.suffix, "text/html; charset=utf-8")
        assert found.headers["x-content-type-options"] == "nosniff"
        assert policy(found) == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": "'self'",
            "img-src": "'self' data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }


def test_every_file_is_in_the_package() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["sentune"]
    for file in STATIC.iterdir():
        name = f"serving/page/static/{file.name}"
        assert any(fnmatch(name, pattern) for pattern in patterns), name


def test_no_script_makes_markup_or_asks_another_host() -> None:
    for file in scripts():
        assert not _MARKUP.findall(file.read_text(encoding="utf-8")), file.name


def test_scripts_name_elements_that_the_page_has() -> None:
    page = _Page((STATIC / "index.html").read_text(encoding="utf-8"))
    known = {each["id"] for _, each in page.tags if "id" in each}
    for file in scripts():
        used = re.findall(r'(?:byId|submitted)\("([^"]+)"', file.read_text(encoding="utf-8"))
        assert set(used) <= known, file.name
    for _, each in page.tags:
        named = (each.get(n) for n in ("for", "aria-labelledby", "aria-describedby"))
        assert {name for name in named if name} <= known


def test_the_page_is_there_without_the_key_and_nothing_else_is(plain_server: Running) -> None:
    for address in OPEN:
        assert plain_server.get(address).status == 200
    for address in ("/info", "/map", "/report.html", "/page/nothing.js", "/page/../info"):
        assert plain_server.get(address).status == 401
    for address in ("/", "/page/main.js", "/map", "/passage", "/search"):
        assert plain_server.post(address, {"inputs": "copy"}).status == 401
    page = plain_server.post("/", {"inputs": "copy"}, authorization="Bearer secret")
    assert page.status == 200


def test_figures_name_the_files(server: Running) -> None:
    server.get("/page/main.js")
    assert 'route="/page/main.js",status="200"' in server.get("/metrics").body


def test_the_report(server: Running, served_folder: Path) -> None:
    assert server.get("/info").body["report"] is False
    missing = server.get("/report.html")
    assert (missing.status, "sentune tune" in missing.body["error"]) == (404, True)
    file = served_folder / "report.html"
    file.write_text("<p>The tuned model is better.</p>", encoding="utf-8")
    try:
        found = server.get("/report.html")
        assert server.get("/info").body["report"] is True
    finally:
        file.unlink()
    assert found.body == "<p>The tuned model is better.</p>"
    assert policy(found)["default-src"] == "'none'"
    assert "sandbox" in policy(found)
    assert "script-src" not in policy(found)


@pytest.mark.parametrize("path", ["/map", "/passage"])
def test_without_an_index(plain_server: Running, path: str) -> None:
    body = {"source": "", "id": "a"} if path == "/passage" else {"query": "a"}
    refused = plain_server.post(path, body, authorization="Bearer secret")
    assert (refused.status, "--index INDEX" in refused.body["error"]) == (404, True)
