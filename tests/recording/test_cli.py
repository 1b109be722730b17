"""record and replay, as a user runs them: output, exit codes, signals, moments, CSV."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from procpulse.cli.output import cell
from procpulse.encode import json as encode_json
from tests.test_cli import COMMAND, run

QUICK = ("--interval", "20ms", "--sources", "stat,meminfo,net_dev,diskstats,processes")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "host.ppr"
    result = run("record", str(path), "--count", "6", *QUICK)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"procpulse: 6 ticks in .*host\.ppr, [0-9.]+[KM]?B\n", result.stderr)
    assert result.stdout == ""
    return path


def test_what_was_recorded_is_replayed(recording: Path) -> None:
    snaps = [encode_json.decode(line) for line in run("replay", str(recording)).stdout.splitlines()]
    assert len(snaps) == 6
    deltas = run("replay", str(recording), "--emit", "delta").stdout.splitlines()
    assert len(deltas) == 5
    usage = json.loads(run("replay", str(recording), "--emit", "usage", "--count", "1").stdout)
    assert usage["seq"] == snaps[1].seq
    table = run("replay", str(recording), "--format", "table").stdout.splitlines()
    assert "busy" in table[1]
    assert sum(bool(re.match(r"[0-9:]{8} ", line)) for line in table) == 5
    middle = run("replay", str(recording), "--from", str(snaps[2].time), "--to", str(snaps[4].time)).stdout
    assert [encode_json.decode(line).seq for line in middle.splitlines()] == [snap.seq for snap in snaps[2:5]]
    day = time.strftime("%H:%M:%S", time.localtime(snaps[0].time))
    assert len(run("replay", str(recording), "--from", day).stdout.splitlines()) == 6
    later = run("replay", str(recording), "--from", "2100-01-01")
    assert (later.returncode, later.stdout) == (0, "")
    began = datetime.fromtimestamp(snaps[0].time).isoformat(timespec="seconds")
    assert later.stderr == f"procpulse: {recording}: no tick in that time; the first is of {began}\n"


def test_csv(recording: Path) -> None:
    host = list(csv.DictReader(io.StringIO(run("replay", str(recording), "--format", "csv").stdout)))
    assert len(host) == 5
    assert 0 <= float(host[0]["cpu.busy_ratio"]) <= 1
    assert host[0]["time"].endswith("Z")
    rows = list(
        csv.DictReader(io.StringIO(run("replay", str(recording), "--format", "csv", "--rows", "processes").stdout))
    )
    assert {row["pid"] for row in rows} >= {"1"}
    live = run("stream", "--format", "csv", "--rows", "interfaces", "--count", "1", "--interval", "50ms").stdout
    assert live.startswith("time,seq,gap,name,rx_bytes_per_second")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+a", "'+a"),
        ("-a", "'-a"),
        ("@a", "'@a"),
        ("a=", "a="),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_cells_are_no_formulas(name: object, shown: object) -> None:
    """S13."""
    assert cell(name) == shown


def test_a_damaged_recording(recording: Path, tmp_path: Path) -> None:
    data = bytearray(recording.read_bytes())
    data[-20] ^= 1
    path = tmp_path / "damaged.ppr"
    path.write_bytes(data)
    result = run("replay", str(path))
    assert result.returncode == 6
    assert len(result.stdout.splitlines()) == 5
    assert "1 damaged place was left out" in result.stderr


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    path.chmod(0o600)
    for verb in ("replay", "record"):
        result = run(verb, str(path))
        assert result.returncode == 1
        assert "no recording" in result.stderr
        assert "Traceback" not in result.stderr
    assert path.read_text() == "notes"
    assert "No such file" in run("replay", str(tmp_path / "none")).stderr
    for arguments in (["--speed", "0"], ["--from", "soon"], ["--limit", "7"]):
        assert run("replay", str(path), *arguments).returncode == 2
    assert run("record", str(path), "--rotate", "much").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "a.ppr"
    process = subprocess.Popen([*COMMAND, "record", str(path), *QUICK], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while time.monotonic() < end and not (path.exists() and os.path.getsize(path) > 10_000):
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.fullmatch(r"procpulse: [0-9]+ ticks in .*\n", errors)
    assert run("replay", str(path)).returncode == 0


def test_it_is_continued_and_turned_over(tmp_path: Path) -> None:
    path = tmp_path / "a.ppr"
    for _ in range(2):
        assert run("record", str(path), "--count", "2", *QUICK).returncode == 0
    assert len(run("replay", str(path)).stdout.splitlines()) == 4
    os.truncate(path, os.path.getsize(path) - 5)
    result = run("record", str(path), "--count", "1", "--rotate", "1K", "--keep", "3", "--duration", "20s", *QUICK)
    assert "of a torn tick were cut off" in result.stderr
    assert len(list(tmp_path.glob("a*.ppr"))) in (1, 2)
