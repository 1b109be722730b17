"""How the tests of this folder make a condition: programs in namespaces of their own, and what they print as JSON."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def child(
    code: str,
    *,
    unshare: Sequence[str] = (),
    setup: str = "",
    prefix: Sequence[str] = (),
    timeout: float = 120,
    arguments: Sequence[str] = (),
) -> Any:
    """Run Python code in a process of its own; return what it prints last, which must be JSON.

    Args:
        code: The program. It can import from `tests`.
        unshare: Namespaces that it gets, as options of unshare(1).
        setup: Shell commands to run there before it.
        prefix: What runs the interpreter, such as strace and its options.
        timeout: Seconds that it may take; that it ends at all is part of most tests.
        arguments: For `sys.argv`.
    """
    command = [*prefix, sys.executable, "-c", textwrap.dedent(code), *arguments]
    if setup:
        command = ["sh", "-ec", f'{setup}\nexec "$@"', "sh", *command]
    if unshare:
        command = ["unshare", *unshare, *command]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT, env=environment
    )
    assert result.returncode == 0, f"exit {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return json.loads(result.stdout.strip().splitlines()[-1])


def compiled(source: str, folder: Path, *flags: str) -> str:
    """A C program, built in a folder; the test is skipped where there is no compiler, never in CI."""
    compiler = shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("cc is not installed; .ci/run installs it")
        pytest.skip("no C compiler")
    (folder / "program.c").write_text(source)
    subprocess.run([compiler, "-O1", "-o", folder / "program", folder / "program.c", *flags], check=True)
    return str(folder / "program")


def needs_fuse() -> None:
    """Skip where there is no /dev/fuse to open."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        pytest.skip(f"no /dev/fuse: {error}")


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them is."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
