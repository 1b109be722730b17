"""A real browser on a real server: what the tests of the page do with them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tools import dashboard

SHOTS = dashboard.ROOT / "build/dashboard"
"""Where screenshots are kept."""


def until(holds: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Tab:
    """A page that was opened, and everything that it complained about."""

    def __init__(self, browser: Any, url: str, **options: Any):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective}`))"
        )
        self.page.goto(url)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def text(self, selector: str) -> str:
        """Its text."""
        found: str = self.page.locator(selector).first.text_content()
        return found

    def data(self, name: str) -> str | None:
        """What the page says about itself on its outermost element."""
        found: str | None = self.page.evaluate(f"document.documentElement.dataset.{name}")
        return found

    def live(self, after: int = -1) -> None:
        """Wait until it shows a tick later than this."""
        until(lambda: self.text("#state") == "Live", f"live, not {self.text('#state')}")
        until(lambda: int(self.data("seq") or -1) > after, "a sample")

    def picture(self, panel: str) -> str:
        """What is drawn on the canvas of a panel."""
        found: str = self.page.evaluate(f"document.querySelector('#{panel} canvas').toDataURL()")
        return found

    def screenshot(self, name: str) -> None:
        """Keep how it looks."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@contextmanager
def opened(browser: Any, url: str, may_complain: str = "(?!)", **options: Any) -> Iterator[Tab]:
    """A page; in the end it must not have complained, but about what is expected."""
    tab = Tab(browser, url, **options)
    try:
        yield tab
        bad = [text for text in tab.complaints if not re.search(may_complain, text)]
        assert not bad
    finally:
        tab.context.close()


class Server:
    """`procpulse serve` on a port that it keeps when it is started again."""

    def __init__(self, *options: str, **environment: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._command = [sys.executable, "-m", "procpulse", "serve", "--port", str(self.port), *options]
        self._environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers."""
        self.process = subprocess.Popen(self._command, env=self._environment, stderr=subprocess.DEVNULL)
        until(self._answers, "the server answers")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}healthz", timeout=5).status_code in (200, 401)
        except httpx.HTTPError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Return when it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(10)
            self.process = None


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[Server]:
    server = Server(*options, **environment)
    try:
        server.start()
        yield server
    finally:
        server.end()
