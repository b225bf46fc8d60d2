"""Chromium without a window, driven over a pipe in the words of its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "Tab", "browser"]

_SECONDS = 60
# The browser reads commands from file 3 and writes answers to file 4.
_START = 'in=$1 out=$2; shift 2; exec "$@" 3<&"$in" 4>&"$out"'


class Browser:
    """One process."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what happens meanwhile goes to ``events``."""
        self._number += 1
        sent: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if session is not None:
            sent["sessionId"] = session
        os.write(self._commands, json.dumps(sent).encode() + b"\0")
        while True:
            told = self._message()
            if told.get("id") != self._number:
                self.events.append(told)
            elif "error" in told:
                raise AssertionError(f"{method}: {told['error']}")
            else:
                result: dict[str, Any] = told["result"]
                return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        told: dict[str, Any] = json.loads(message)
        return told

    def tab(self, width: int = 1280, height: int = 900, *, dark: bool = False) -> Tab:
        """A new tab with its own storage."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, session["sessionId"])
        for name in ("Page", "Runtime", "Log", "Network"):
            tab.ask(f"{name}.enable")
        tab.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.ask("Emulation.setEmulatedMedia", features=[scheme])
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        return self._browser.ask(method, self._session, **given)

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def open(self, address: str) -> None:
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression, awaited. Raises AssertionError for what it throws."""
        found = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _SECONDS
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"not within {_SECONDS} seconds: {condition}"
            time.sleep(0.03)

    def text(self, selector: str) -> str:
        """What is written in the first element of a selector."""
        found: str = self.run(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def write(self, text: str) -> None:
        """Into the field that has the focus."""
        self.ask("Input.insertText", text=text)

    def press(self, *keys: str) -> None:
        """Keys by their names, such as Enter."""
        codes = {"Enter": 13, "Escape": 27, "/": 191}
        arrows = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = (codes | arrows).get(key, ord(key[0]))
            given = {"key": key, "windowsVirtualKeyCode": code}
            down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
            self.ask("Input.dispatchKeyEvent", **given, **down)
            self.ask("Input.dispatchKeyEvent", **given, type="keyUp")

    def mouse(self, kind: str, x: float, y: float, **given: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **given)

    def click(self, selector: str) -> None:
        """Click in the middle of the first element of a selector."""
        x, y = self.run(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            "one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def picture(self, file: Path) -> None:
        content = self.ask("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(content))

    def complaints(self) -> list[str]:
        """Policy violations, errors and failed scripts of this tab."""
        self.run("1")
        return [
            json.dumps(event["params"])
            for event in self._events()
            if event["method"] == "Runtime.exceptionThrown"
            # That canvases are read is a matter of the tests.
            or (
                event["method"] == "Log.entryAdded"
                and event["params"]["entry"]["source"] != "rendering"
            )
            or (
                event["method"] == "Runtime.consoleAPICalled"
                and event["params"]["type"] in ("error", "warning")
            )
        ]

    def requested(self) -> list[str]:
        """The addresses of all requests of this tab."""
        return [
            event["params"]["request"]["url"]
            for event in self._events()
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _events(self) -> list[dict[str, Any]]:
        return [each for each in self._browser.events if each.get("sessionId") == self._session]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium, with its profile in a folder, and end it."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "make test-long needs Chromium: apt-get install chromium"
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    shell = ("bash", "-c", _START, "bash", str(theirs_in), str(theirs_out), program)
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
    quiet = ("--no-first-run", "--disable-background-networking", f"--user-data-dir={folder}")
    process = subprocess.Popen(
        [*shell, *options, *quiet],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    found = Browser(commands, answers)
    try:
        yield found
    finally:
        try:
            found.ask("Browser.close")
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            os.close(commands)
            os.close(answers)
