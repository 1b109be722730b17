"""The page of `procpulse serve`: its modules, what the build makes of them, and that wheels have it."""

import gzip
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tools import dashboard

LARGEST = 60_000
"""Bytes of the whole page, compressed."""


def test_its_modules(tools: dashboard.Node) -> None:
    result = subprocess.run(
        [*tools.node, "--test", "--test-reporter=tap", "tests/"],
        cwd=dashboard.SOURCES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(re.search(r"^# pass ([0-9]+)$", result.stdout, re.M)[1]) > 50  # type: ignore[index]


def test_it_is_small(built: Path) -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in built.iterdir()}
    assert sizes.keys() == {"index.html", "app.js", "app.css", "icon.svg"}
    assert sum(sizes.values()) < LARGEST, sizes


def test_nothing_in_it_is_inline_or_comes_from_elsewhere(built: Path) -> None:
    html = (built / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert re.findall(r"<script([^>]*)>([^<]*)</script>", html) == [(' type="module" src="app.js"', "")]
    for path in built.iterdir():
        found = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", path.read_text()))
        assert found <= {"http://www.w3.org", "//www.w3.org", "https://github.com"}, path.name
    assert not re.search(r"url\((?!data:)", (built / "app.css").read_text())


def test_text_is_never_markup() -> None:
    sink = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser")
    for path in [*(dashboard.SOURCES / "lib").iterdir(), *(dashboard.SOURCES / "view").iterdir()]:
        assert not sink.search(path.read_text()), path.name


def test_versions_are_pinned_and_name_no_registry() -> None:
    package = json.loads((dashboard.SOURCES / "package.json").read_text())
    lock = json.loads((dashboard.SOURCES / "package-lock.json").read_text())
    assert all(re.fullmatch(r"[0-9.]+", version) for version in package["devDependencies"].values())
    installed = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in installed.values())
    assert not re.search(r"https?://|resolved", json.dumps(installed))


def test_without_npm_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dashboard, "find", lambda: None)
    monkeypatch.setattr(dashboard, "is_built", lambda: False)
    assert dashboard.main(["--if-possible"]) == 0
    assert "needs npm" in capsys.readouterr().err
    assert dashboard.main([]) == 1


@pytest.mark.slow
def test_wheel_and_archive_have_the_page(built: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)], cwd=dashboard.ROOT, check=True)
    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    files = {name.removeprefix("procpulse/web/static/") for name in wheel.namelist() if "/static/" in name}
    assert files == {path.name for path in built.iterdir()}
    assert wheel.read("procpulse/web/static/index.html") == (built / "index.html").read_bytes()
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"src/procpulse/web/static/app.js", "src/dashboard/view/main.js", "src/dashboard/package-lock.json"} <= names
    assert not any("node_modules" in name for name in names)
