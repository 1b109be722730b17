"""The units for systemd in contrib/: they are what systemd understands, and leave a service little to do harm with."""

import re
import subprocess
from pathlib import Path

import pytest

from procpulse.cli import parser
from tests.conftest import FIXTURES, program

UNITS = FIXTURES.parent / "contrib/systemd"
EXPOSURE = 2.5
"""Of 10, by `systemd-analyze security`; what is left is that it reads the network's counters and those of the kernel."""


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a command that is installed here."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/local/bin/procpulse", "/bin/true"))
    return tmp_path


def test_systemd_understands_them(units: Path) -> None:
    command = [program("systemd-analyze"), "verify", *map(str, sorted(units.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["procpulse.service", "procpulse-record.service"])
def test_they_leave_little_to_do_harm_with(units: Path, name: str) -> None:
    command = [program("systemd-analyze"), "security", "--offline=true", str(units / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE, done.stdout


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.stem)
def test_the_command_lines_make_sense(unit: Path) -> None:
    [line] = re.findall(r"^ExecStart=/usr/local/bin/procpulse (.*)$", unit.read_text(), re.MULTILINE)
    options = parser().parse_args(line.replace("%d", "/run/credentials/procpulse.service").split())
    assert options.verb in unit.read_text()
