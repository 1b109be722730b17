"""Process groups in `/metrics` of the running command, with real processes that rename themselves, work and end."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.running.command import Serving, serving, wait_for

BOMB = """
import ctypes, time
libc = ctypes.CDLL(None)
end = time.monotonic() + float({seconds})
count = 0
while time.monotonic() < end:
    libc.prctl(15, b"bomb%d-%d" % ({place}, count), 0, 0, 0)
    count += 1
    time.sleep(0.05)
"""
WORK = """
import ctypes, time
ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)
time.sleep({sleep})
while time.process_time() < {seconds}:
    sum(range(1000))
"""
LINE = re.compile(r'procpulse_process_group_(\w+)\{name="([^"]*)"\} (\S+)')


def scraped(server: Serving) -> dict[str, dict[str, float]]:
    text = urllib.request.urlopen(f"{server.url}/metrics", timeout=20).read().decode()
    found: dict[str, dict[str, float]] = {}
    for what, name, value in LINE.findall(text):
        found.setdefault(what, {})[name] = float(value)
    return found


def program(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-S", "-c", code])


@pytest.mark.server
def test_work_between_two_scrapes_is_there_also_under_a_rename_bomb(tmp_path: Path) -> None:
    with serving(tmp_path, "--interval", "100ms") as server:
        first = scraped(server)
        assert "kworker" in first["processes"] or not Path("/proc/2/comm").exists()
        assert not [name for name in first["processes"] if name.startswith(("kworker/", "ksoftirqd/", "migration/"))]
        bombs = [program(BOMB.format(seconds=6, place=place)) for place in range(8)]
        try:
            second = scraped(server)
            for bomb in bombs:
                bomb.wait(60)
            third = scraped(server)
            for before, after in ((first, second), (second, third)):
                for what in after:
                    if what.endswith("_total"):
                        for name, value in after[what].items():
                            assert value >= before[what].get(name, 0.0), f"{what} of {name} fell"
            assert len(third["processes"]) <= 201
            hog = program(WORK.format(name=b"quite-a-hog", sleep=0, seconds=1.5))
            bombs.append(hog)
            wait_for(lambda: "quite-a-hog" in scraped(server)["processes"], 60)
            hog.wait(60)
            wait_for(lambda: scraped(server)["processes"].get("quite-a-hog") == 0, 60)
            found = scraped(server)
            assert found["cpu_seconds_total"]["quite-a-hog"] > 0.7, "the rest may have been counted as others'"
        finally:
            for bomb in bombs:
                bomb.kill()
                bomb.wait()


@pytest.mark.server
def test_programs_that_end_between_two_ticks_count(tmp_path: Path) -> None:
    loop = "i=0; while [ $i -lt 12 ]; do {python} -S -c '{code}'; i=$((i+1)); done; sleep 60"
    code = WORK.format(name=b"brief", sleep=0, seconds=0.1).replace("'", '"').strip()
    with serving(tmp_path, "--interval", "1s") as server:
        before = scraped(server)["cpu_seconds_total"]
        shell = subprocess.Popen(["sh", "-c", loop.format(python=sys.executable, code=code)])
        try:
            wait_for(lambda: waited(shell.pid) > 1.2, 120)
            spent = waited(shell.pid)

            def grown() -> float:
                return sum(scraped(server)["cpu_seconds_total"].values()) - sum(before.values())

            wait_for(lambda: grown() > 0.95 * spent, 60)
        finally:
            shell.kill()
            shell.wait()


def waited(pid: int) -> float:
    """Seconds of CPU of the children that a process waited for."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[13]) + int(words[14])) / 100
