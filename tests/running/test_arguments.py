"""The commands beside real processes that have secrets in their arguments: nothing that they print or keep has one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.redact.lines import hostile
from tests.running.command import COMMAND, serving

SECRET = "Tr0ubleHorse7"
OF_ENVIRONMENT = "Env1ronHorse8"
# It waits until its input is closed. Programs are called by the names of those in the table.
PROGRAM = "#!/bin/sh\nread line\n"
EVERY = 3
"""One line of so many is started: a few dozens of processes."""


@pytest.fixture(scope="module")
def talkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Processes with secrets in their arguments; their pids."""
    folder = tmp_path_factory.mktemp("bin")
    lines = [line for _, line in hostile(SECRET)][::EVERY]
    started = []
    try:
        for line in lines:
            program = folder / line[0].rpartition("/")[2]
            if not program.exists():  # a shell reads its script as it goes
                program.write_text(PROGRAM)
                program.chmod(0o755)
            started.append(
                subprocess.Popen(
                    [program, *line[1:]], stdin=subprocess.PIPE, env={**os.environ, "DB_URL": OF_ENVIRONMENT}
                )
            )
        title = f"import time; time.sleep(600) # --password={SECRET}"
        started.append(subprocess.Popen([sys.executable, "-c", title, "--token", SECRET], stdin=subprocess.PIPE))
        # Until the last has become what it is.
        for process in started:
            while SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
                assert process.poll() is None
                time.sleep(0.01)
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def run(*arguments: str) -> str:
    """What a command prints, on both."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def rows(text: str) -> dict[str, dict[str, object]]:
    """The processes of the first snapshot that was printed."""
    found: dict[str, dict[str, object]] = json.loads(text.splitlines()[0])["values"]["processes"]
    return found


@pytest.mark.parametrize("sources", ["all", "processes:cmdline+environ+stat", "processes:threads+cmdline+environ"])
def test_snapshot(talkers: list[int], sources: str) -> None:
    for format in ("json", "table", "msgpack"):
        text = run("snapshot", "--sources", sources, "--format", format)
        assert SECRET not in text
        assert OF_ENVIRONMENT not in text
    found = rows(run("snapshot", "--sources", sources, "--format", "json"))
    assert all("***" in str(found[str(pid)]["cmdline"]) for pid in talkers)
    if "environ" in sources:
        assert "DB_URL=***" in str(found[str(talkers[0])]["environ"])


def test_snapshot_of_arguments_as_they_are(talkers: list[int]) -> None:
    text = run("snapshot", "--sources", "processes:cmdline+environ", "--raw-arguments", "--format", "json")
    found = rows(text)
    assert all(SECRET in str(found[str(pid)]["cmdline"]) for pid in talkers)
    assert f"DB_URL={OF_ENVIRONMENT}" in str(found[str(talkers[0])]["environ"])


@pytest.mark.parametrize("emit", ["snapshot", "delta", "usage"])
def test_stream(talkers: list[int], emit: str) -> None:
    for sources in ("all", "processes:cmdline+environ"):
        text = run(
            "stream", "--sources", sources, "--count", "2", "--interval", "100ms", "--format", "json", "--emit", emit
        )
        assert SECRET not in text
        assert OF_ENVIRONMENT not in text
        assert emit == "usage" or str(talkers[0]) in text


def test_record_and_replay(talkers: list[int], tmp_path: Path) -> None:
    brief = ("--count", "2", "--interval", "100ms")
    hidden, everything, open_ = (str(tmp_path / f"{name}.ppr") for name in ("hidden", "all", "open"))
    run("record", hidden, "--sources", "processes:cmdline+environ", *brief)
    run("record", everything, "--sources", "all", "--limit", "1G", *brief)
    run("record", open_, "--sources", "processes:cmdline+environ", "--raw-arguments", *brief)

    for path in (hidden, everything):
        for word in (SECRET, OF_ENVIRONMENT):
            assert word not in run("replay", path, "--raw-arguments", "--limit", "1G", "--format", "json"), (
                "it is not in the file"
            )
    assert "***" in str(rows(run("replay", hidden, "--format", "json"))[str(talkers[0])]["cmdline"])
    assert "cmdline" not in rows(run("replay", everything, "--limit", "1G", "--format", "json"))[str(talkers[0])]

    for emit in ("snapshot", "delta"):
        text = run("replay", open_, "--format", "json", "--emit", emit)
        assert SECRET not in text
        assert OF_ENVIRONMENT not in text
    assert "DB_URL=***" in run("replay", open_, "--format", "json")
    text = run("replay", open_, "--raw-arguments", "--format", "json")
    assert SECRET in text
    assert OF_ENVIRONMENT in text


PATHS = ("v1/snapshot?sources=processes", "v1/snapshot", "v1/usage", "v1/history", "v1/sources", "metrics")


@pytest.mark.server
@pytest.mark.parametrize("options", [["--cmdline"], ["--cmdline=names"], ["--cmdline=redacted"], []], ids=str)
def test_serve(talkers: list[int], tmp_path: Path, options: list[str]) -> None:
    with serving(tmp_path, "--interval", "200ms", *options) as server, httpx.Client(base_url=server.url) as web:
        texts = [web.get(f"/{path}", timeout=30).text for path in PATHS]
        with web.stream("GET", "/v1/events?sources=processes", timeout=30) as answer:
            texts.append(next(line for line in answer.iter_lines() if line.startswith("data:")))
        assert all(SECRET not in text and OF_ENVIRONMENT not in text for text in texts)
        row = json.loads(texts[0])["values"]["processes"][str(talkers[-1])]
        assert ("cmdline" in row) is bool(options)
        if options:
            arguments = row["cmdline"]["arguments"]
            assert arguments[0] == sys.executable
            assert arguments[-2:] == ["--token", "***"]
            assert ("sleep" in arguments[2]) is (options == ["--cmdline=redacted"])
    assert SECRET not in server.log.read_text()


@pytest.mark.server
def test_serve_arguments_as_they_are(talkers: list[int], tmp_path: Path) -> None:
    with serving(tmp_path, "--cmdline=raw") as server:
        found = httpx.get(f"{server.url}/v1/snapshot?sources=processes", timeout=30).json()["values"]["processes"]
        assert found[str(talkers[-1])]["cmdline"]["arguments"][-1] == SECRET
        assert "--cmdline=raw" in server.log.read_text(), "somebody is warned"


@pytest.mark.server
def test_arguments_that_take_long_do_not_stop_the_server(tmp_path: Path) -> None:
    """Anybody on the host can start such processes; the server answers others while it looks at them."""
    words = ["x-key", "a://", "user ", "sh -c '", "pass=", "A", "--user a:", "token-"]
    attackers = [
        subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()", (word * 4000)[: 3900 + turn]], stdin=subprocess.PIPE
        )
        for word in words
        for turn in range(2)
    ]
    try:
        with serving(tmp_path, "--interval", "100ms", "--cmdline=redacted") as server, httpx.Client() as web:
            longest = 0.0
            for _ in range(30):
                start = time.monotonic()
                assert web.get(f"{server.url}/healthz", timeout=60).status_code == 200
                web.get(f"{server.url}/v1/snapshot?sources=processes", timeout=60)
                longest = max(longest, time.monotonic() - start)
            assert longest < 10, "it took a minute when one rule was cubic"
    finally:
        for process in attackers:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()
