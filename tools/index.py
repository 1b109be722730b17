"""Writes the index of sources for type checkers, from the modules that there are.

python tools/index.py           # write
python tools/index.py --check   # fail if it is out of date
"""

import ast
import sys
import typing
from pathlib import Path

from procpulse import catalog
from procpulse.process import Part

SOURCES = Path(__file__).parent.parent / "src/procpulse/sources"
HEAD = "# Written by `make index` from the modules of this folder; do not edit.\n\n"


def index() -> str:
    """The stub of `procpulse.sources`."""
    lines = [f"from {module} import {name.upper()} as {name.upper()}" for name, module in catalog.modules().items()]
    lines += [f"from {module} import {name} as {name}" for name, module in catalog.modules().items() if makes(module)]
    return HEAD + "\n".join(sorted(lines)) + "\n"


def makes(module: str) -> bool:
    """Whether a module has a function of its own name, which makes sources to order."""
    path = SOURCES.joinpath(*module.split(".")[2:]).with_suffix(".py")
    name = path.stem
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.parse(path.read_text()).body)


def parts() -> str:
    """The stub of the attributes that parts add to a process."""
    found: dict[str, Part[typing.Any]] = {name: catalog.part(name) for name in catalog.part_modules() if name != "stat"}
    imports = sorted(f"from {part.type.__module__} import {part.type.__name__}" for part in found.values())
    fields = [f"    {name}: {part.type.__name__} | None" for name, part in found.items()]
    head = ["import msgspec", "", *imports, "", "class Parts(msgspec.Struct, frozen=True, gc=False, kw_only=True):"]
    return HEAD + "\n".join([*head, *fields]) + "\n"


def main() -> int:
    stale = []
    for path, text in ((SOURCES / "__init__.pyi", index()), (SOURCES / "_parts.pyi", parts())):
        if path.exists() and path.read_text() == text:
            continue
        if "--check" in sys.argv:
            stale.append(path)
        else:
            path.write_text(text)
    for path in stale:
        print(f"{path}: out of date: run `make index`")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
