"""`/metrics` of an application that several workers serve: whoever is asked, the counters are the same and never fall."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from procpulse.web.workers import Workers
from tests.running.command import wait_for
from tests.running.test_mounted_ends import ROOT, running
from tests.running.test_process_groups import LINE, WORK

GUNICORN = (
    "gunicorn", "{app}", "-k", "uvicorn.workers.UvicornWorker", "--bind", "127.0.0.1:{port}", "--workers", "3"
)  # fmt: skip
UVICORN = ("uvicorn", "{app}", "--port", "{port}", "--workers", "3")


def fetched(port: int, path: str) -> str:
    """An answer on a connection of its own, of whichever worker takes it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/pulse/{path}", timeout=30) as found:
        return str(found.read().decode())


def counters(port: int) -> dict[tuple[str, str], float]:
    found = LINE.findall(fetched(port, "metrics"))
    return {(what, name): float(value) for what, name, value in found if what.endswith("_total")}


def runs(port: int, tries: int) -> set[str]:
    """Which workers have answered."""
    return {json.loads(fetched(port, "v1/history"))["run"] for _ in range(tries)}


def leader(name: str) -> int:
    """The pid of whoever listens on a name of the abstract namespace."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name)
        return int(struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


def names_of(parent: int) -> list[str]:
    """The names that the workers of a server have taken."""
    found = []
    for line in Path("/proc/net/unix").read_text().splitlines():
        path = line.split()[-1]
        if path.startswith("@procpulse-") and int(line.split()[5]) == 1:
            pid = leader(path[1:])
            if int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(path[1:])
    return sorted(set(found))


@pytest.mark.server
@pytest.mark.parametrize("words", [GUNICORN, UVICORN], ids=["gunicorn", "uvicorn"])
def test_counters_do_not_fall_from_worker_to_worker(words: tuple[str, ...], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(words, "examples.starlette_app:app", ROOT, log) as (process, port):
        wait_for(lambda: len(runs(port, 10)) > 1, 60)
        hog = subprocess.Popen([sys.executable, "-S", "-c", WORK.format(name=b"worker-hog", sleep=0, seconds=30)])
        try:
            before: dict[tuple[str, str], float] = {}
            for _ in range(40):
                now = counters(port)
                assert before.keys() <= now.keys()
                fallen = {key: (value, now[key]) for key, value in before.items() if now[key] < value}
                assert not fallen
                before = now
            wait_for(lambda: counters(port).get(("cpu_seconds_total", "worker-hog"), 0.0) > 0.3, 60)
        finally:
            hog.kill()
            hog.wait()
        assert len(runs(port, 20)) > 1, "it was not one worker all the time"
        # When the one that answers ends, another does.
        [name] = names_of(process.pid)
        first = leader(name)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: answers_again(port, process.pid, first), 60)
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers_again(port: int, parent: int, gone: int) -> bool:
    try:
        return bool(counters(port)) and [leader(name) for name in names_of(parent)] != [gone]
    except (OSError, ValueError):
        return False


async def test_a_worker_that_does_not_answer_is_not_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(question: str) -> bytes:
        await asyncio.sleep(3600)
        return b""

    async def broken(question: str) -> bytes:
        raise RuntimeError("x")

    async def mine(question: str) -> bytes:
        return b"mine " + question.encode()

    monkeypatch.setattr("procpulse.web.workers.ANSWER_SECONDS", 0.2)
    for bad in (never, broken):
        first, second = Workers("a test", bad), Workers("a test", mine)
        assert await first._lead()
        with pytest.raises(TimeoutError):
            await second.ask("x")
        first.close()
        assert await second.ask("x") == b"mine x"
        assert second.leads
        third = Workers("a test", broken)
        assert await third.ask("y") == b"mine y"
        assert not third.leads
        second.close()


SQUAT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(bytes.fromhex(sys.argv[1]))
s.listen()
print("there", flush=True)
while True:
    s.accept()[0].sendall(bytes(7) + b"\\x04evil")
"""


async def mine(question: str) -> bytes:
    return b"mine"


@pytest.fixture
def squatted() -> Iterator[Workers]:
    """A worker whose name has been taken by a child of a shell: of the same user, and no sibling."""
    worker = Workers("squatted", mine)
    shell = ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", SQUAT, worker._name().hex()]
    squatter = subprocess.Popen(shell, stdout=subprocess.PIPE, start_new_session=True)
    assert squatter.stdout is not None
    try:
        assert squatter.stdout.readline() == b"there\n"
        yield worker
    finally:
        os.killpg(squatter.pid, signal.SIGKILL)
        squatter.wait()
        squatter.stdout.close()


async def test_a_name_that_somebody_else_has_taken_is_not_believed(squatted: Workers) -> None:
    assert await squatted.ask("x") == b"mine"
    assert not squatted.leads
