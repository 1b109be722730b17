"""Builds the wheel twice, from two copies in two places at two times, and fails when they differ by a byte.

    python tools/reproducible.py

What anyone builds of one commit is then what was published. Prints the hash.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "CHANGELOG.md", "src")
EPOCH = "1767225600"  # any moment will do, as long as it is the same one


def build(folder: Path, mask: int) -> tuple[str, bytes]:
    """Build the wheel from a copy of the sources; its name and content."""
    copy = folder / "sources"
    copy.mkdir(parents=True)
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copyfile(source, copy / name)
    environment = os.environ | {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH)}
    before = os.umask(mask)
    try:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")],
            cwd=copy,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        os.umask(before)
    [wheel] = (folder / "dist").iterdir()
    return wheel.name, wheel.read_bytes()


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        first = build(Path(place) / "one", 0o022)
        second = build(Path(place) / "the other one", 0o027)
    if first != second:
        print(f"{first[0]} and {second[0]} differ: the wheel is not reproducible", file=sys.stderr)
        return 1
    print(f"{first[0]} {hashlib.sha256(first[1]).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
