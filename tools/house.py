"""The rules of the house that a program can see. Prints what breaks them; exit 1 if anything does."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src/procpulse"

# Imports point up this list only: a room may use those above it.
ROOMS = [
    "fields",
    "text",
    "private_files",
    "redact",
    "source",
    "tree",
    "process",
    "catalog",
    "sources",
    "snapshot",
    "reader",
    "growth",
    "delta",
    "usage_cgroups",
    "usage_processes",
    "usage_totals",
    "usage",
    "comparer",
    "schedule",
    "sampler",
    "_membership",
    "_limits",
    "encode",
    "capture",
    "recording",
    "web",
    "cli",
]
# The two that know of each other: the catalogue imports sources by name when they are asked for.
KNOWN = {("sources", "catalog"), ("catalog", "sources")}
# Sources understand bytes; they do not open, wait or look around.
IMPURE = {"os", "io", "asyncio", "anyio", "pathlib", "aiofiles", "threading", "subprocess", "socket", "time", "sys"}
FOREIGN = re.compile(r"\.\./shared|/work/|\bpyenv\b|/root/|deb\.debian\.org|pypi\.org/simple|files\.pythonhosted")
MOST_LINES = 900


def imports(tree: ast.Module) -> Iterator[str]:
    """What a module imports when it is imported; not what its functions do later, nor type checkers alone."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """The room that a dotted name is in; empty for what is not ours."""
    parts = name.split(".")
    return parts[1] if parts[0] == "procpulse" and len(parts) > 1 and parts[1] in ROOMS else ""


def broken() -> Iterator[str]:
    """Each rule that is broken, as a line."""
    for path in sorted(SRC.rglob("*.py")):
        where = path.relative_to(ROOT)
        text = path.read_text()
        tree = ast.parse(text)
        inside = path.relative_to(SRC).with_suffix("").parts[0]
        if text.count("\n") > MOST_LINES:
            yield f"{where}: {text.count(chr(10))} lines: is it one thing?"
        if not ast.get_docstring(tree):
            yield f"{where}: no docstring"
        for name in imports(tree):
            there = room(name)
            if inside in ROOMS and there and ROOMS.index(there) > ROOMS.index(inside) and (inside, there) not in KNOWN:
                yield f"{where}: imports {name}: imports point up only"
        if inside == "sources":
            found = {name.split(".")[0] for node in ast.walk(tree) for name in _any_import(node)}
            yield from (f"{where}: imports {name}: sources are pure" for name in sorted(found & IMPURE))
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and not path.is_symlink() and not _ignored(path) and path != Path(__file__).resolve():
            for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
                if FOREIGN.search(line):
                    yield f"{path.relative_to(ROOT)}:{number}: names a place that is not ours"
    for name in ["README.md", "DESIGN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", ".ci/run"]:
        if not (ROOT / name).exists():
            yield f"{name}: missing"


def _any_import(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def _ignored(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(
        p in (".git", ".venv", ".hypothesis", "node_modules", "dist", "build", "out")
        or p.endswith(("_cache", "__pycache__"))
        for p in parts
    )


def main() -> int:
    lines = list(broken())
    print("\n".join(lines) if lines else "the house is in order")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
