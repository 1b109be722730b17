"""What the tests of the page share: the page that was built, a browser, a server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tools import dashboard

from tests.dashboard.browser import SHOTS, Server, Tab, opened, serving

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SHOTS.exists():
        terminalreporter.write_line(f"screenshots of the page: {SHOTS}")


def missing(what: str) -> NoReturn:
    """The test is skipped where something is not installed, never in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def tools() -> dashboard.Node:
    """Node and npm."""
    return dashboard.find() or missing(dashboard.MISSING)


@pytest.fixture(scope="session")
def built(tools: dashboard.Node) -> Path:
    """The folder with the page that was built."""
    if not dashboard.is_built():
        try:
            dashboard.build()
        except subprocess.CalledProcessError as error:
            missing(f"the dashboard cannot be built here: {error}")
    return dashboard.TARGET


@pytest.fixture(scope="module")
def chromium(built: Path) -> Iterator[Any]:
    """A browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("chromium is not installed; .ci/run installs it")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--cmdline") as running:
        yield running


@pytest.fixture
def tab(chromium: Any, server: Server) -> Iterator[Tab]:
    """The page of that server, alive."""
    with opened(chromium, server.url) as found:
        found.live()
        yield found
