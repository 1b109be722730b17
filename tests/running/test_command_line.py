"""The command as people type it: rows that are asked for, closed streams, wrong roots, numbers that make no sense."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from procpulse import Delta, Host
from procpulse.cli.output import Times
from procpulse.cli.rows import CHOICES, EACH
from tests.conftest import FIXTURES, program
from tests.running.command import COMMAND

FAST = ("--interval", "50ms", "--count", "2")


def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False, **options)


def shell(script: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """A line as somebody types it, `procpulse` being the command."""
    text = f'procpulse() {{ {shlex.join(COMMAND)} "$@"; }}\n{script}'
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def refused(result: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """It ended with 2, one line that says why, and nothing else."""
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


# Rows.


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four ticks of all that rows are made of."""
    path = tmp_path_factory.mktemp("recording") / "host.ppr"
    result = run("record", str(path), "--interval", "100ms", "--count", "4", "--sources", "default,processes:io,cgroup")
    assert result.returncode == 0, result.stderr
    return path


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that has two sources only, of which no rows are made, nor a table."""
    path = tmp_path_factory.mktemp("recording") / "narrow.ppr"
    assert run("record", str(path), *FAST, "--sources", "uptime,version").returncode == 0
    return path


def some(rows: str) -> bool:
    """Whether this host has any of these: a container may have no disk, and a sandbox no groups."""
    files = {"disks": "/proc/diskstats", "cgroups": "/sys/fs/cgroup"}
    if rows == "cgroups":
        return any(Path("/sys/fs/cgroup").glob("*/cgroup.procs")) or Path("/sys/fs/cgroup/cgroup.procs").exists()
    return rows not in files or bool(Path(files[rows]).read_text())


@pytest.mark.parametrize("source", ["stream", "replay"])
@pytest.mark.parametrize("rows", CHOICES)
@pytest.mark.parametrize("format", ["csv", "json", "table"])
def test_rows_that_are_asked_for_come(source: str, rows: str, format: str, recording: Path) -> None:
    """Whatever they are of and however they are shown, with no word about sources."""
    place = [str(recording), "--count", "2"] if source == "replay" else ["--interval", "100ms", "--count", "2"]
    result = run(source, *place, "--rows", rows, "--format", format)
    assert (result.returncode, result.stderr) == (0, "")
    if format == "csv":
        [head, *lines] = csv.reader(io.StringIO(result.stdout))
        assert head[:3] == ["time", "seq", "gap"]
        assert all(len(line) == len(head) for line in lines)
        assert len({line[1] for line in lines}) == 2 or not some(rows), "both ticks have rows"
        assert rows == "host" or head[3:] == EACH[rows].columns
    elif format == "json":
        items = [json.loads(line) for line in result.stdout.splitlines()]
        assert len(items) == 2
        for item in items:
            assert set(item) == {"seq", "time", "gap", "usage"}
            group = "cpu" if rows == "host" else EACH[rows].group
            assert item["usage"][group] or not some(rows)
            assert rows == "host" or set(item["usage"]) == {group}
    else:
        assert re.search(r"\d\d:\d\d:\d\d", result.stdout)
        word = {"host": "busy", "cpus": "busy_ratio", "processes": "comm", "cgroups": "path"}.get(rows, "_per_second")
        assert word in result.stdout or not some(rows)


def test_rows_of_processes_have_every_column_that_may_be_known() -> None:
    result = run("stream", "--interval", "300ms", "--count", "1", "--rows", "processes", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    own = [row for row in rows if row["pid"] == str(os.getpid())]
    assert own, "this process is among them"
    columns = {"read_bytes_per_second", "context_switches_per_second", "run_ratio", "cpu_ratio", "rss_bytes"}
    assert all(own[0][name] for name in columns), own[0]


@pytest.mark.parametrize("rows", EACH)
@pytest.mark.parametrize("format", ["csv", "json", "table"])
def test_rows_of_what_is_not_sampled_are_refused(rows: str, format: str) -> None:
    result = run("stream", *FAST, "--rows", rows, "--format", format, "--sources", "uptime,loadavg")
    refused(result, f"--rows {rows}", f"source {EACH[rows].needs}", "--sources")


@pytest.mark.parametrize("rows", EACH)
def test_rows_of_what_was_not_recorded_are_refused(rows: str, narrow: Path) -> None:
    refused(run("replay", str(narrow), "--rows", rows, "--format", "csv"), EACH[rows].needs, "not recorded")


@pytest.mark.parametrize(
    "arguments", [["--format", "table"], ["--format", "csv"], ["--format", "json", "--rows", "host"]]
)
def test_a_table_of_nothing_is_refused(arguments: list[str], narrow: Path) -> None:
    refused(run("stream", *FAST, "--sources", "uptime,version", *arguments), "meminfo")
    refused(run("replay", str(narrow), *arguments), "meminfo")


def test_what_is_not_sampled_has_no_columns() -> None:
    head = run("stream", *FAST, "--sources", "meminfo,net_dev", "--format", "table").stdout.splitlines()[1]
    assert head.split() == ["time", "used", "avail", "swap", "in", "out"]
    lines = run("stream", *FAST, "--sources", "meminfo", "--format", "csv").stdout.splitlines()
    assert {name.partition(".")[0] for name in lines[0].split(",")[3:]} == {"memory"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--emit", "delta", "--format", "csv"], ["--emit delta", "csv"]),
        (["--emit", "snapshot", "--format", "table"], ["--emit snapshot", "table"]),
        (["--emit", "delta", "--rows", "disks"], ["--rows disks", "--emit delta"]),
        (["--emit", "snapshot", "--rows", "host", "--format", "json"], ["--rows host", "--emit snapshot"]),
    ],
)
def test_options_that_would_be_ignored_are_refused(arguments: list[str], words: list[str], recording: Path) -> None:
    refused(run("stream", *FAST, *arguments), *words)
    refused(run("replay", str(recording), *arguments), *words)


def test_usage_may_be_called_so() -> None:
    assert run("stream", *FAST, "--emit", "usage", "--format", "csv").stdout.startswith("time,seq,gap,cpu.busy_ratio")
    assert "busy" in run("stream", *FAST, "--emit", "usage", "--format", "table").stdout


def tick(seq: int, time: float, interval: float | None = 1.0) -> Delta:
    return Delta(seq, time, 0, Host(), {}, {}, interval=interval)


def test_ticks_a_second_apart_are_shown_a_second_apart() -> None:
    """One is taken late and the next on time; a clock that is set is believed."""
    start = datetime(2026, 3, 4, 5, 6, 7, 900_000, tzinfo=UTC).timestamp()
    times = Times()
    shown = [times(tick(seq, start + seq + late)) for seq, late in ((1, 0.0), (2, 0.45), (3, 0.0), (4, 0.3), (9, 0.1))]
    assert [text[-5:] for text in shown] == ["06:08", "06:09", "06:10", "06:11", "06:16"]
    assert [times(tick(10, start - 100))[-5:], times(tick(11, start - 99))[-5:]] == ["04:27", "04:28"]
    assert [Times()(tick(1, start, None))[-5:] for _ in range(2)] == ["06:07", "06:07"]


# Numbers.


@pytest.mark.parametrize(
    "value", ["1e300", "nan", "inf", "-inf", "0", "0s", "9" * 400, "9" * 30 + "h", "1 s", "0x1", "", "\u0661s"]
)
@pytest.mark.parametrize(
    "arguments", [["stream", "--interval"], ["record", "x.ppr", "--duration"], ["snapshot", "--deadline"]]
)
def test_times_that_make_no_sense(arguments: list[str], value: str, tmp_path: Path) -> None:
    result = run(*arguments, value, cwd=tmp_path)
    refused(result, arguments[-1])
    assert re.search(r"not a time|not between|expected one argument", result.stderr), result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", [["stream"], ["record", "x.ppr"], ["replay", "x.ppr"]])
def test_no_ticks_at_all_are_refused(verb: list[str], tmp_path: Path) -> None:
    refused(run(*verb, "--count", "0", cwd=tmp_path), "--count", "1 or more")
    assert not list(tmp_path.iterdir())


# Roots.


@pytest.mark.parametrize("option", ["--proc-root", "--sys-root"])
@pytest.mark.parametrize("verb", ["snapshot", "stream", "doctor", "limits", "sources", "record"])
def test_a_root_that_is_something_else_is_refused(option: str, verb: str, tmp_path: Path) -> None:
    place = tmp_path / "etc"
    for name in ("modules", "version", "hosts", "passwd", "kernel/postinst.d/x", "network/interfaces"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("x\n")
    more = [str(tmp_path / "x.ppr")] if verb == "record" else []
    for path in (str(place), "/etc"):
        refused(run(verb, *more, option, path), option, path, "neither")
    refused(run(verb, *more, option, str(place / "hosts")), option, "no directory")
    assert not (tmp_path / "x.ppr").exists()


def test_roots_that_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    """The host's own under another name, every captured tree, one that has a single file, and what is empty."""
    for tree in sorted(FIXTURES.iterdir()):
        given = ["--proc-root", str(tree / "proc")] * (tree / "proc").is_dir()
        given += ["--sys-root", str(tree / "sys")] * (tree / "sys").is_dir()
        if given:
            assert run("limits", *given, "--format", "json").returncode in (0, 1, 3), tree
            assert run("snapshot", "--sources", "loadavg,uptime", *given).returncode in (0, 3), tree
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/softnet_stat").write_text("")
    (tmp_path / "sys").mkdir()
    for proc, sys in (("/proc", "/sys"), ("/proc/", "/sys/."), (str(tmp_path / "proc"), str(tmp_path / "sys"))):
        result = run("snapshot", "--sources", "default", "--proc-root", proc, "--sys-root", sys)
        assert (result.returncode, result.stderr) == (0, "")


def test_failures_name_the_place_that_was_opened(tmp_path: Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/dev").write_text("nonsense\n")
    root = ["--proc-root", str(tmp_path / "proc")]
    result = run("snapshot", "--sources", "meminfo", *root)
    assert (result.returncode, result.stderr) == (3, f"procpulse: meminfo: {tmp_path}/proc/meminfo: missing: ENOENT\n")
    assert f"{tmp_path}/proc/loadavg" in run("snapshot", *root, "--format", "table").stdout
    assert f"{tmp_path}/proc/uptime" in run("doctor", *root, "--costs").stdout
    assert f"{tmp_path}/proc/uptime" in run("sources", "uptime", *root).stdout
    snapshot = json.loads(run("snapshot", "--sources", "default", *root, "--format", "json").stdout)
    assert snapshot["failures"]["meminfo"]["path"] == "/proc/meminfo", "data is the same wherever it was read"


# Standard streams.

FILTERS = [
    "snapshot --sources loadavg", "snapshot --format table", "stream --count 1 --interval 50ms", "sources loadavg", "limits",
    "schema --sources loadavg", "doctor --format json", "--version", "--help", "snapshot --help",
]  # fmt: skip


@pytest.mark.parametrize("line", FILTERS)
def test_standard_output_is_closed(line: str, tmp_path: Path) -> None:
    result = shell(f"procpulse {line} >&-", tmp_path)
    assert (result.returncode, result.stderr) == (1, "procpulse: standard output is closed\n")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_other_standard_streams_are_closed(closed: str, tmp_path: Path) -> None:
    """No file of the kernel gets their numbers: nothing that is written to them may end up in one, or in the output."""
    result = shell(f"procpulse snapshot --sources stat,nothing_like_it --format json {closed}", tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    result = shell(f"procpulse snapshot --sources all --format json {closed}", tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["values"]["stat"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_recording_does_not_need_them(closed: str, tmp_path: Path) -> None:
    """What it says at its end must not get into the file that it writes."""
    result = shell(f"procpulse record host.ppr --count 3 --interval 50ms {closed}", tmp_path)
    assert result.returncode == 0, result.stderr
    replayed = run("replay", str(tmp_path / "host.ppr"))
    assert (replayed.returncode, len(replayed.stdout.splitlines()), replayed.stderr) == (0, 3, "")


def test_standard_streams_are_not_the_kernels(tmp_path: Path) -> None:
    """With all three closed, what has their numbers is /dev/null, while files are open."""
    script = """
import os, sys
from procpulse import cli
from procpulse.cli import stream
def show(options):
    from procpulse import Sampler
    sampler = Sampler()
    sampler.sample_sync()
    with open("found", "w") as file:
        file.write(" ".join(os.readlink(f"/proc/self/fd/{n}") for n in range(3)))
    return 0
from procpulse.cli import record
record.run = show
sys.exit(cli.main(["record", "x"]))
"""
    (tmp_path / "script.py").write_text(script)
    result = shell(f"{shlex.quote(COMMAND[0])} script.py <&- >&- 2>&-", tmp_path)
    assert result.returncode == 0
    assert (tmp_path / "found").read_text() == "/dev/null /dev/null /dev/null"


# What the doctor advises.


def advice(*command: str) -> str:
    result = subprocess.run(
        [*command, *COMMAND, "doctor", "--format", "json"], capture_output=True, text=True, timeout=120, check=False
    )
    if result.returncode and command and "procpulse" not in result.stderr:
        pytest.skip(f"not possible here: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    return "\n".join(finding["advice"] for finding in json.loads(result.stdout)["findings"])


@pytest.mark.root
def test_root_is_not_told_to_be_root() -> None:
    assert "run as root" not in advice()


@pytest.mark.root
def test_root_without_a_capability_is_told_which() -> None:
    program("setpriv")
    found = advice("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    assert "run as root" not in found
    assert "CAP_SYS_PTRACE" in found


def test_root_of_a_user_namespace_is_told_that_it_is_none() -> None:
    program("unshare")
    found = advice("unshare", "--user", "--map-root-user")
    assert "run as root" not in found
    assert "user namespace" in found


# What a recording of the default can tell.

WRITER = """
import os, sys
path, uid = sys.argv[1], int(sys.argv[2])
files = [open(path, "wb") for _ in range(40)]
if uid:
    os.setresuid(uid, uid, uid)
print(flush=True)
while True:
    files[0].write(bytes(1 << 16))
    files[0].seek(0)
    input()
"""


def test_the_default_recording_tells_who_wrote(tmp_path: Path) -> None:
    """Who, as which user, in which group, for whom, and with how many files open: of a process that is gone by then."""
    uid = 0 if os.geteuid() else 65534
    command = [COMMAND[0], "-c", WRITER, str(tmp_path / "written"), str(uid)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdin is not None
    assert writer.stdout is not None
    path = tmp_path / "host.ppr"
    recorder = subprocess.Popen([*COMMAND, "record", str(path), "--interval", "100ms", "--count", "12"])
    try:
        writer.stdout.readline()
        while recorder.poll() is None:
            writer.stdin.write(b"\n")
            writer.stdin.flush()
    finally:
        recorder.wait(60)
        groups = Path(f"/proc/{writer.pid}/cgroup").read_text()
        writer.kill()
        writer.communicate()
    assert recorder.returncode == 0
    last = json.loads(run("replay", str(path)).stdout.splitlines()[-1])
    row = last["values"]["processes"][str(writer.pid)]
    assert row["stat"]["ppid"] == os.getpid()
    assert (row["owner"]["uid"], row["owner"]["euid"]) == (uid or os.getuid(),) * 2
    assert {place["path"] for place in row["cgroup"]["hierarchies"]} == {
        line.split(":", 2)[2] for line in groups.splitlines()
    }
    deltas = [json.loads(line) for line in run("replay", str(path), "--emit", "delta").stdout.splitlines()]
    grown = [delta["values"]["processes"].get(str(writer.pid)) for delta in deltas]
    assert row["io"] is None or sum(found["io"]["wchar_bytes"] for found in grown if found) >= 1 << 16
    assert row["fd_count"] is None or row["fd_count"]["count"] > 40
    assert "statfs" in last["values"] or "statfs" in last["failures"]
    assert row.get("cmdline") is None, "arguments are recorded where they are named"
    table = run("replay", str(path), "--rows", "processes", "--format", "csv").stdout
    [found, *_] = [row for row in csv.DictReader(io.StringIO(table)) if row["pid"] == str(writer.pid)]
    assert (found["ppid"], found["euid"]) == (str(os.getpid()), str(uid or os.geteuid()))
    assert found["cgroup"]


def test_the_default_recording_takes_not_much_more_space(tmp_path: Path) -> None:
    """Beside the bare table of processes, at the same time on the same host."""
    both = [
        subprocess.Popen(
            [*COMMAND, "record", f"{name}.ppr", "--interval", "100ms", "--count", "30", *more], cwd=tmp_path
        )
        for name, more in (("default", []), ("bare", ["--sources", "default,processes"]))
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    sizes = [(tmp_path / f"{name}.ppr").stat().st_size for name in ("default", "bare")]
    assert sizes[0] < 3 * sizes[1], sizes
