"""The command, as a user runs it: output, exit codes, pipes, signals, terminals."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import procpulse
from procpulse import catalog
from procpulse.cli import VERBS
from procpulse.cli.table import grid, percent, size, thousands
from procpulse.encode import json as encode_json
from procpulse.encode import msgpack

COMMAND = [sys.executable, "-m", "procpulse"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def on_terminal(
    *arguments: str, seconds: float = 10, environment: dict[str, str] | None = None, until: str = ""
) -> str:
    """The output of the command on a terminal of its own; ended by Ctrl-C once `until` has been seen."""
    pid, terminal = pty.fork()
    if not pid:
        os.environ.update(environment or {})
        os.execv(COMMAND[0], [*COMMAND, *arguments])
    output = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            output += piece
            if until and re.search(until, output.decode(errors="replace")):
                os.write(terminal, b"\x03")
                until = ""
    os.close(terminal)
    os.waitpid(pid, 0)
    return output.decode()


def test_version_and_help() -> None:
    assert run("--version").stdout == f"procpulse {procpulse.__version__}\n"
    for verb in VERBS:
        result = run(verb, "--help")
        assert result.returncode == 0
        assert "examples:" in result.stdout
        assert "exit codes:" in result.stdout
    assert all(verb in run("-h").stdout for verb in VERBS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "VERB"),
        (["dance"], "invalid choice: 'dance'"),
        (["snapshot", "--sauces", "stat"], "--sauces"),
        (["snapshot", "--source", "stat"], "--source"),
        (["snapshot", "--sources", "meminf"], "did you mean meminfo?"),
        (["snapshot", "--sources", "NET_DEV"], "did you mean net_dev"),
        (["snapshot", "--sources", "processes:cmdlin"], "did you mean cmdline"),
        (["snapshot", "--sources", ""], "no source ''"),
        (["snapshot", "--proc-root", "/nowhere"], "no directory '/nowhere'"),
        (["stream", "--interval", "0"], "not between 1 ms and a year"),
        (["stream", "--interval", "soon"], "not a time: 'soon'"),
        (["stream", "--interval", "-1"], "--interval"),
        (["stream", "--count", "-1"], "--count"),
        (["stream", "--count", "1.5"], "not a number"),
        (["sources", "nothing"], "no source 'nothing'"),
        (["capture"], "DIR"),
        (["completion", "fish2"], "invalid choice"),
    ],
)
def test_usage_errors(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_snapshot_as_json() -> None:
    result = run("snapshot", "--sources", "loadavg,meminfo,processes:io+cmdline", "--format", "json")
    assert result.returncode == 0, result.stderr
    snap = json.loads(result.stdout)
    assert set(snap["values"]) == {"loadavg", "meminfo", "processes"}
    assert set(snap["values"]["processes"]["1"]) == {"pid", "identity", "stat", "cmdline", "io"}
    assert encode_json.decode(result.stdout).host.kernel == os.uname().release


def test_snapshot_as_msgpack() -> None:
    result = subprocess.run(
        [*COMMAND, "snapshot", "--sources", "stat", "--format", "msgpack"], capture_output=True, check=True
    )
    assert "stat" in msgpack.decode(result.stdout).values


def test_snapshot_of_everything() -> None:
    result = run("snapshot", "--sources", "all", "--format", "json")
    assert result.returncode == 0, result.stderr
    snap = json.loads(result.stdout)
    assert not [failure for failure in snap["failures"].values() if failure["reason"] == "bug"]
    assert len(set(snap["values"]) | {name for name in snap["failures"] if "/" not in name}) == len(catalog.modules())
    assert "environ" not in next(iter(snap["values"]["processes"].values()))


def test_snapshot_as_a_table() -> None:
    result = run("snapshot", "--sources", "loadavg,net_dev,mountinfo,meminfo", "--format", "table")
    assert re.search(r"loadavg\n  load1 +[0-9.]+\n", result.stdout)
    assert re.search(r"\n  lo +", result.stdout)
    assert re.search(r"mem_total_bytes +[0-9.]+[MGT]\n", result.stdout)


def test_a_source_that_is_absent_or_denied(tmp_path: Path) -> None:
    for name in ("proc", "sys"):
        (tmp_path / name).mkdir()
    roots = ["--proc-root", str(tmp_path / "proc"), "--sys-root", str(tmp_path / "sys")]
    result = run("snapshot", "--sources", "meminfo", *roots)
    assert result.returncode == 3
    assert result.stderr == f"procpulse: meminfo: {tmp_path}/proc/meminfo: missing: ENOENT\n", (
        "the place that was opened"
    )
    assert run("snapshot", "--sources", "all", *roots).returncode == 0, "it was not named"
    assert run("stream", "--count", "1", "--interval", "500ms", "--sources", "meminfo", *roots).returncode == 3


@pytest.mark.root
def test_a_source_that_is_denied() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # whose parents others may enter
    folder.chmod(0o755)
    (folder / "meminfo").write_text("MemTotal: 1 kB\n")
    (folder / "meminfo").chmod(0)
    command = [*COMMAND, "snapshot", "--sources", "meminfo", "--proc-root", str(folder)]
    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", *command],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    shutil.rmtree(folder)
    if "loadavg" not in result.stderr and "meminfo" not in result.stderr:
        pytest.skip("the interpreter is in a folder that others may not enter")
    assert result.returncode == 4, result.stderr
    assert "denied: EACCES" in result.stderr


def test_stream_emits_a_line_a_tick() -> None:
    result = run("stream", "--interval", "20ms", "--count", "4", "--sources", "stat,net_dev")
    snaps = [encode_json.decode(line) for line in result.stdout.splitlines()]
    assert [snap.seq for snap in snaps] == sorted({snap.seq for snap in snaps})
    assert len(snaps) == 4
    assert snaps[0].interval == 0.02
    deltas = run("stream", "--interval", "20ms", "--count", "2", "--emit", "delta").stdout.splitlines()
    assert encode_json.decode_delta(deltas[0]).elapsed_ns["stat"] > 0
    [usage] = run("stream", "--interval", "100ms", "--count", "1", "--emit", "usage").stdout.splitlines()
    assert json.loads(usage)["usage"]["cpu"]["busy_ratio"] >= 0


def test_stream_as_a_table_is_aligned() -> None:
    lines = run("stream", "--interval", "20ms", "--count", "25", "--format", "table").stdout.splitlines()
    assert sum("time" in line for line in lines) == 2, "the header comes again"
    rows = [line for line in lines if re.match(r" *[0-9:]{8} ", line)]
    assert len(rows) == 25
    assert {len(row) for row in rows} == {len(lines[1])}
    assert all(len(row.split()) == 17 for row in rows)


def test_stream_on_a_terminal_until_ctrl_c() -> None:
    output = on_terminal("stream", "--interval", "50ms", until=r"(\d\d:\d\d:\d\d[^\n]*\n){3}")
    assert "\x1b[1m" in output, "the header is bold"
    assert "Traceback" not in output
    assert "Interrupt" not in output


def test_no_colour_where_it_is_not_wanted() -> None:
    output = on_terminal("snapshot", "--sources", "loadavg", environment={"NO_COLOR": "1"})
    assert "load1" in output
    assert "\x1b" not in output
    assert "\x1b" not in run("snapshot", "--sources", "loadavg", "--format", "table").stdout


def test_ctrl_c_ends_at_once_and_quietly() -> None:
    process = subprocess.Popen(
        [*COMMAND, "stream", "--interval", "60s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)
    assert time.monotonic() - started < 1
    assert errors == b""


def test_a_closed_pipe_is_no_traceback() -> None:
    command = " ".join(COMMAND)
    result = subprocess.run(
        f"{command} stream --interval 10ms | head -n 1 | wc -l; {command} sources | true",
        shell=True, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert result.stdout == "1\n"
    assert result.stderr == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("line", ["snapshot --sources loadavg", "--help", "stream --help", "--version", "limits"])
def test_a_full_disk_is_an_error(line: str, unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [*COMMAND, *line.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "procpulse: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_name_that_the_locale_has_no_letters_for(form: str, tmp_path: Path) -> None:
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/\u65e5\u672c file 10 5 -2\n", encoding="utf-8")
    for encoding in ("ascii", "latin-1", "utf-8"):
        result = subprocess.run(
            [*COMMAND, "snapshot", "--sources", "swaps", "--format", form, "--proc-root", str(tmp_path)],
            capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert (result.returncode, result.stderr) == (0, b"")
        whole = form == "json" or encoding == "utf-8"  # JSON is UTF-8 wherever it is
        assert ("/\u65e5\u672c".encode() if whole else rb"/\u65e5\u672c") in result.stdout


def test_sources() -> None:
    result = run("sources")
    assert result.returncode == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert set(rows) == set(catalog.modules())
    assert " yes" in rows["meminfo"]
    detail = run("sources", "diskstats").stdout
    assert re.search(r"read_bytes +counter +bytes +Bytes read\.", detail)
    entries = json.loads(run("sources", "--format", "json").stdout)
    assert {entry["name"] for entry in entries} == set(catalog.modules())
    [loadavg] = [entry for entry in entries if entry["name"] == "loadavg"]
    assert loadavg["here"] == "yes"
    assert loadavg["fields"]["Loadavg"][0]["help"] == "Load average over the last minute."


def test_schema() -> None:
    assert set(json.loads(run("schema", "--sources", "meminfo").stdout)["$defs"]) >= {"Meminfo", "Snapshot", "Delta"}


def test_completion() -> None:
    script = run("completion", "bash")
    assert script.returncode == 0, script.stderr
    check = f"""{script.stdout}
    COMP_WORDS=(procpulse st); COMP_CWORD=1; _shtab_procpulse; echo "${{COMPREPLY[@]}}" """
    result = subprocess.run(["bash", "-c", check], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "stream", result.stderr


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (512, "512"),
        (1536, "1.5K"),
        (1023 * 1024, "1023K"),
        (5 * 2**40, "5.0T"),
        (None, "-"),
        (23.4 * 2**30, "23G"),
    ],
)
def test_sizes(count: float | None, text: str) -> None:
    assert size(count) == text


def test_numbers_for_people() -> None:
    assert [thousands(n) for n in (0, 999, 1234, 123456, 5_000_000, None)] == ["0", "999", "1.2k", "123k", "5.0m", "-"]
    assert [percent(r) for r in (0.0, 0.256, 1.0, None)] == ["0", "26", "100", "-"]


def test_grid() -> None:
    assert grid([["name", "n"], ["a", "10"], ["bcd", "-"]]) == ["name   n", "a     10", "bcd    -"]


def test_control_groups_are_a_tree() -> None:
    tree = Path(__file__).parent.parent / "fixtures/cgroup-v2"
    where = ("--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys"))
    lines = run("snapshot", "--sources", "cgroup", "--format", "table", *where).stdout.splitlines()
    assert lines[1].split() == [
        "group",
        "cpu",
        "s",
        "cpus",
        "memory",
        "limit",
        "swap",
        "tasks",
        "limit",
        "read",
        "written",
        "cpu/mem/io",
        "waits",
        "%",
    ]
    nginx = next(line for line in lines if "nginx.service" in line)
    assert nginx.startswith("      nginx.service ")
    assert nginx.split() == [
        "nginx.service",
        "31.0",
        "1.5",
        "496M",
        "640M",
        "124K",
        "6",
        "512",
        "400K",
        "1.2M",
        "0/0/0",
    ]
    assert any(line.startswith("          9c3e51d07fb8 ") and line.endswith("containerd") for line in lines)


def test_limits(tmp_path: Path) -> None:
    tree = Path(__file__).parent.parent / "fixtures/cgroup-v1"
    where = ("--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys"))
    found = json.loads(run("limits", *where).stdout)
    assert (found["cpus"], found["memory_bytes"]) == (2.5, 1 << 30)
    assert re.search(r"^memory_bytes +1.0G$", run("limits", "--format", "table", *where).stdout, re.M)
    where = ("--proc-root", str(tree / "proc"), "--sys-root", str(tmp_path))
    lost = run("limits", "--format", "table", *where)
    assert (lost.returncode, "online_cpus" in lost.stdout) == (0, False)
    assert "procpulse: the limit of memory is not known: " in lost.stderr
    failures = json.loads(run("limits", *where).stdout)["failures"]
    assert failures
    for failure in failures:
        place = failure["path"].replace("/sys/", f"{tmp_path}/", 1).replace("/proc/", f"{tree}/proc/", 1)
        assert place in lost.stderr
    missing = run("limits", "--pid", "99999999")
    assert (missing.returncode, missing.stderr) == (3, "procpulse: limits: /proc/99999999/status: missing: ENOENT\n")
