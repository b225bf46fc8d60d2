"""The page in a real browser; without one to be asked for, what it would get is looked at.

Chromium is started behind ``LONG``. Every check has its own tab.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.long import LONG
from tests.report.page.test_page import hostile
from tests.serving.page.browser import Browser, Tab, browser
from tests.serving.running import Running, running

from sentune import SentenceTransformer
from sentune.index import Index
from sentune.serving.plan import Plan

_FORMS = 200 if LONG else 20
_EVIL_FILE = "<img src=x onerror=window.hit=1>\"'&amp;.jsonl"
# What the page has of its own; anything else would be markup of the data.
_FOREIGN = (
    "img,iframe,math,object,embed,base,svg,style,a:not(#report),script:not([src='/page/main.js']),"
    "form:not(#search-form):not(#key-form),meta[http-equiv],[onload],[onerror],[onmouseover]"
)
_ASK = "how do I copy a file"


@pytest.fixture(scope="module")
def evil(
    served_folder: Path, served_model: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server of passages whose texts, titles, ids, fields and file are markup."""
    folder = tmp_path_factory.mktemp("evil")
    lines = [
        {
            "id": f"{markup(n)} {n}",
            "text": f"{markup(n + 3)} copy a file {n}",
            "title": f"{markup(n + 5)} title {n}",
            "headings": json.dumps([markup(n + 7)]),
            "page": n,
        }
        for n in range(_FORMS)
    ]
    data = folder / _EVIL_FILE
    data.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    Index.build(folder / "index", served_model, data)
    with running(Plan(str(served_folder), str(folder / "index"))) as found:
        yield found


def markup(number: int) -> str:
    return hostile(number).replace("\0", "")  # no index takes that one


def ask(tab: Tab, question: str) -> None:
    tab.run("document.querySelector('#query').value = ''; document.querySelector('#query').focus()")
    tab.write(question)
    tab.press("Enter")
    tab.until("!/Searching/.test(document.querySelector('#status').textContent)")


def opened(browser: Browser, server: Running, width: int = 1280, *, dark: bool = False) -> Tab:
    tab = browser.tab(width, dark=dark)
    tab.open(f"{server.address}/")
    tab.until("!/Loading/.test(document.querySelector('#status').textContent)")
    return tab


def clean(tab: Tab, server: Running) -> None:
    """No policy was violated, no script failed, nothing else was asked than this server."""
    assert tab.complaints() == []
    assert all(each.startswith((f"{server.address}/", "data:,")) for each in tab.requested())


# ── checks, each in a tab of its own ──────────────────────────────────────────────────────────────


def _search_compare_filter_and_open(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    ask(tab, _ASK)
    modes = ["base", "dense", "words", "hybrid", "late"]
    body = {"query": _ASK, "modes": modes}
    found = server.post("/search", body).body["results"]
    for mode in modes:
        shown = tab.run(f"[...document.querySelectorAll('.{mode} .hit')].map((e) => e.hit.id)")
        assert shown == [hit["id"] for hit in found[mode]]
    first = [hit["id"] for hit in found["base"]]
    for number, hit in enumerate(found["words"]):
        before = first.index(hit["id"]) + 1
        head = tab.run(f"document.querySelectorAll('.words .hit .head')[{number}].innerText")
        assert ("▲" in head) == (before > hit["rank"])
        assert ("▼" in head) == (before < hit["rank"])
    assert "Copy" in tab.run("[...document.querySelectorAll('mark')].map((e) => e.innerText)")
    tab.run("document.querySelector('#where').value = 'page > 8'")
    ask(tab, _ASK)
    assert set(tab.run("[...document.querySelectorAll('.hit')].map((e) => e.hit.id)")) == {"c"}
    tab.click(".dense .hit")
    assert tab.text("#document-text") == "Read a file line by line."
    assert "page 9 · Files" in tab.text("#document-place")
    assert "Where it stands" in tab.text("#document-ranks")
    tab.press("Escape")
    assert tab.run("!document.querySelector('dialog').open && document.activeElement.hit.id") == "c"
    clean(tab, server)


def _keyboard(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    ask(tab, _ASK)
    focused = "document.activeElement"
    tab.press("ArrowDown")
    assert tab.run(f"{focused}.closest('.column').dataset.mode") == "base"
    tab.press("ArrowRight", "ArrowDown")
    assert tab.run(f"{focused}.closest('.column').dataset.mode + {focused}.hit.rank") == "dense2"
    chosen = tab.run(f"{focused}.hit.text")
    tab.press("Enter")
    assert tab.text("#document-text") == chosen
    tab.press("Escape")
    assert tab.run(f"{focused}.hit.rank") == 2
    tab.press("/")
    assert tab.run(f"{focused}.id") == "query"
    tab.write("/")  # a question may have one
    tab.press("ArrowDown", "Escape")
    assert tab.run(f"{focused}.id") == "query"
    assert tab.run(f"{focused}.value") == "/"


def _map(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    ask(tab, _ASK)
    tab.click("#show-map")
    tab.until("document.querySelectorAll('canvas').length === 2")
    tab.until("/3 passages/.test(document.querySelector('#map-status').textContent)")
    texts, places = (server.get("/map").body["points"][name] for name in ("text", "base"))
    left, top, wide, high = tab.run(
        "(() => { const c = document.querySelector('canvas'); c.scrollIntoView();"
        "const b = c.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()"
    )
    side = 0.9 * (min(wide, high) - 2)
    for text, (x, y) in zip(texts, places, strict=True):
        tab.mouse("mouseMoved", left + wide / 2 + x * side, top + high / 2 - y * side)
        tab.until(f"document.querySelector('#map-status').textContent.includes({json.dumps(text)})")
    # The question is drawn in its own colour.
    painted = (
        "(() => { const c = document.querySelector('canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length;"
        " i += 4) if (d[i] === 179 && d[i + 1] === 38 && d[i + 2] === 30) n += 1; return n; })()"
    )
    tab.until(f"{painted} > 50")
    # What was pointed at is not left behind on the kept picture.
    fresh = "document.querySelector('canvas').toDataURL()"
    tab.mouse("mouseMoved", left + 1, top + 1)
    tab.until("/Point at one/.test(document.querySelector('#map-status').textContent)")
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    kept = tab.run(fresh)
    tab.run("document.querySelector('canvas').focus()")
    tab.press("ArrowLeft", "ArrowRight")
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.run(fresh) == kept
    before = tab.run("document.querySelector('canvas').toDataURL()")
    tab.run("document.querySelector('canvas').focus()")
    tab.press("ArrowLeft")
    tab.until(f"document.querySelector('canvas').toDataURL() !== {json.dumps(before)}")
    tab.press("0")
    x, y = places[1]
    at = left + wide / 2 + x * side, top + high / 2 - y * side
    for kind in ("mousePressed", "mouseReleased"):
        tab.mouse(kind, *at, button="left", clickCount=1)
    tab.until("document.querySelector('dialog').open")
    assert tab.text("#document-text") == texts[1]
    clean(tab, server)


def _narrow(browser: Browser, server: Running) -> None:
    tab = opened(browser, server, 390)
    ask(tab, _ASK)
    columns = "[...document.querySelectorAll('.column')]"
    shown = f"{columns}.filter((e) => e.offsetParent).map((e) => e.dataset.mode)"
    assert tab.run(shown) == ["dense"]
    tab.click("#tabs [data-mode=words]")
    assert tab.run(shown) == ["words"]
    tab.run("document.querySelector('.words .hit').focus()")
    tab.press("ArrowRight")
    assert tab.run(shown) == ["hybrid"]
    assert tab.run("document.documentElement.scrollWidth") == 390
    tab.click("#show-map")
    tab.until("document.querySelectorAll('canvas').length === 2")
    tab.click(".hybrid .hit")
    assert tab.run("document.documentElement.scrollWidth") == 390
    clean(tab, server)


def _states(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    ask(tab, "   ")
    assert "Write a question" in tab.text("#status")
    tab.run("document.querySelector('#where').value = 'page > 99'")
    ask(tab, _ASK)
    assert "No passage fits" in tab.text("#status")
    tab.run("document.querySelector('#where').value = 'pag > <b>'")
    ask(tab, _ASK)
    tab.until("!document.querySelector('#trouble').hidden")
    assert "<b>" in tab.text("#trouble") or "pag" in tab.text("#trouble")
    assert tab.run("document.querySelectorAll('.hit, b').length") == 0
    tab.run("document.querySelector('#where').value = ''")
    ask(tab, _ASK)
    assert tab.run("document.querySelector('#trouble').hidden")
    assert "too long" not in tab.text("#status")
    ask(tab, "file " * 400)
    assert "too long: the model did not read its last" in tab.text("#status")
    tab.ask("Network.emulateNetworkConditions", offline=True, latency=0, **_NO_SPEED)
    ask(tab, _ASK)
    assert "does not answer" in tab.text("#trouble")


_NO_SPEED = {"downloadThroughput": -1, "uploadThroughput": -1}


def _no_index_and_a_key(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    assert tab.run("document.activeElement.id") == "key"
    tab.write("wrong")
    tab.press("Enter")
    tab.until("/does not take/.test(document.querySelector('#status').textContent)")
    tab.write("secret")
    tab.press("Enter")
    tab.until("!document.querySelector('#trouble').hidden")
    assert "sentune serve MODEL --index INDEX" in tab.text("#trouble")
    kept = (
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href])"
    )
    assert "secret" not in tab.run(kept)


def _markup(browser: Browser, server: Running) -> None:
    tab = opened(browser, server)
    tab.run("document.querySelector('#top').append(new Option('1000')); 1")
    tab.run("document.querySelector('#top').value = '1000'")
    seen: set[str] = set()
    for number in range(16):
        ask(tab, f"{markup(number)} file")
        assert tab.run(f"document.querySelectorAll({json.dumps(_FOREIGN)}).length") == 0
        seen |= set(tab.run("[...document.querySelectorAll('.hit')].map((e) => e.hit.id)"))
    assert len(seen) == _FORMS
    tab.run("document.querySelector('#show-map').click()")
    tab.until("document.querySelector('canvas')")
    texts = json.loads(
        tab.run(
            "(() => { const shown = {}; for (const hit of document.querySelectorAll('.dense .hit'))"
            " { hit.click(); shown[hit.hit.text] = document.querySelector('#document-text')"
            ".textContent + document.querySelector('dialog').textContent;"
            f"if (document.querySelector({json.dumps(_FOREIGN)})) throw new Error('markup');"
            "document.querySelector('dialog').close(); } return JSON.stringify(shown); })()"
        )
    )
    assert len(texts) == _FORMS
    for text, shown in texts.items():
        assert shown.startswith(text.replace("\u202e", "\ufffd"))
        assert _EVIL_FILE in shown
    tab.run("document.querySelector('#where').value = '<img src=x onerror=window.hit=1>'")
    ask(tab, markup(2))
    assert tab.run(f"document.querySelectorAll({json.dumps(_FOREIGN)}).length") == 0
    assert tab.run("window.hit === undefined && window.hit === parent.hit")
    assert all("security" not in each for each in tab.complaints())
    assert all(each.startswith((server.address, "data:,")) for each in tab.requested())


def _policy_holds(browser: Browser, server: Running) -> None:
    """The checks above would see a violation: here is one of each kind."""
    tab = opened(browser, server)
    refused = "(() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name; } })()"
    assert tab.run(refused) == "TypeError"
    tab.run("{ const one = new Image(); one.src = 'http://x.test/'; document.body.append(one); } 1")
    assert any("Content Security Policy" in each for each in tab.complaints())
    assert "x.test" not in "".join(tab.requested()[:1])


def _accessible(browser: Browser, server: Running) -> None:
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    for dark, width in ((False, 1280), (True, 1280), (True, 390)):
        tab = browser.tab(width, dark=dark)
        tab.ask("Page.setBypassCSP", enabled=True)  # axe makes markup of its own
        tab.open(f"{server.address}/")
        tab.until("!document.querySelector('#search-form').hidden")
        tab.run(f"{axe}; 1")
        _no_violation(tab)
        ask(tab, _ASK)
        tab.click("#show-map")
        tab.until("document.querySelector('canvas')")
        _no_violation(tab)
        tab.run("document.querySelector('.dense .hit').click()")
        _no_violation(tab)


def _no_violation(tab: Tab) -> None:
    found: Any = tab.run("axe.run().then((r) => r.violations.map((v) => v.id + v.nodes[0].html))")
    assert found == []


_CHECKS: tuple[Callable[[Browser, Running], None], ...] = (
    *(_search_compare_filter_and_open, _keyboard, _map, _narrow, _states, _policy_holds),
    _accessible,
)


@contextmanager
def _chromium(folder: Path) -> Iterator[Browser]:
    with browser(folder / "profile") as found:
        yield found


def test_in_a_browser(server: Running, plain_server: Running, tmp_path: Path) -> None:
    assert "/page/main.js" in server.get("/").body
    if LONG:
        with _chromium(tmp_path) as found:
            for check in _CHECKS:
                check(found, server)
            _no_index_and_a_key(found, plain_server)


def test_markup_is_text(evil: Running, tmp_path: Path) -> None:
    asked = {"query": markup(0), "mode": "words", "top": 1000, "marks": True}
    hits = evil.post("/search", asked).body["hits"]
    for hit in hits:
        number = hit["fields"]["page"]
        assert hit["text"].endswith(f"{markup(number + 3)} copy a file {number}")
    assert all(hit["source"].endswith(_EVIL_FILE) for hit in hits)
    if LONG:
        with _chromium(tmp_path) as found:
            _markup(found, evil)
