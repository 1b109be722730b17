"""Pins what CI installs: every package at one version, with the hash of the file that pip chose here.

    python tools/lock.py            write .ci/requirements.txt
    python tools/lock.py --check    say what is missing from it; exit 1 if anything is

One hash a package: of the wheel for this Python and this machine, which is what CI runs on. Elsewhere pip refuses
the file, and CI installs what pyproject.toml allows instead, and says so.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / ".ci/requirements.txt"
HEAD = "# Written by tools/lock.py: what CI installs, by hash. For CPython 3.11 on x86-64.\n"


def report() -> list[dict[str, object]]:
    """What pip would install for development, into an empty environment."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", out, f"{ROOT}[dev]"], check=True)
        found: list[dict[str, object]] = json.loads(out.read_text())["install"]
    return found


def line(package: dict[str, object]) -> str:
    """One package, as pip wants it."""
    metadata: dict[str, str] = package["metadata"]  # type: ignore[assignment]
    source: dict[str, dict[str, dict[str, str]]] = package["download_info"]  # type: ignore[assignment]
    digest = source["archive_info"]["hashes"]["sha256"]
    return f"{_plain(metadata['name'])}=={metadata['version']} --hash=sha256:{digest}\n"


def missing() -> list[str]:
    """Packages that pyproject.toml names and the lock does not."""
    known = {_plain(row.partition("==")[0]) for row in LOCK.read_text().splitlines() if "==" in row}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(x for extra in project["optional-dependencies"].values() for x in extra)]
    names = {_plain(re.match(r"[A-Za-z0-9._-]+", requirement)[0]) for requirement in asked}  # type: ignore[index]
    return sorted(names - known - {"procpulse"})


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        gone = missing()
        print(f"not pinned: {', '.join(gone)}; run tools/lock.py" if gone else "everything is pinned")
        return bool(gone)
    packages = [package for package in report() if _plain(str(package["metadata"]["name"])) != "procpulse"]  # type: ignore[index]
    LOCK.write_text(HEAD + "".join(sorted(map(line, packages))))
    print(f"{len(packages)} packages pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
