"""What Debian's own tools show of this host, where they show the same facts: each reads the kernel on its own way.

Facts that change all the time are asked for before and after the tool, and it must be between, or close.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from procpulse import Sampler, Source, read_sync
from procpulse.snapshot import Snapshot
from procpulse.sources import (
    CPU_TOPOLOGY,
    CPUINFO,
    MEMINFO,
    MOUNTINFO,
    NET_DEV,
    NET_SOCKSTAT,
    NET_SOCKSTAT6,
    NET_TCP6_SUMMARY,
    NET_TCP_SUMMARY,
    PROCESSES,
    processes,
)
from tests.conftest import program

pytestmark = pytest.mark.slow


def run(name: str, *arguments: str) -> str:
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, check=True, env=ENV).stdout


ENV = os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "4000"}


def sample(*sources: Source[Any]) -> Snapshot:
    sampler = Sampler(sources, deadlines=dict.fromkeys(sources, 60.0))
    snapshot = sampler.sample_sync()
    sampler.close()
    return snapshot


@pytest.fixture
def victim() -> Iterator[int]:
    """A process of our own with threads, open files and nothing to do."""
    code = (
        "import threading, time, tempfile, socket\n"
        "files = [tempfile.TemporaryFile() for _ in range(5)] + [socket.socket() for _ in range(3)]\n"
        "files[0].write(b'x' * 5000); files[0].flush()\n"
        "[threading.Thread(target=time.sleep, args=(600,), daemon=True).start() for _ in range(4)]\n"
        "time.sleep(0.05)\n"
        "print('there', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_ss_summary() -> None:
    """`ss -s` has its numbers from sockstat, and counts what is closed as all but what sockets exist for."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    held += [socket.create_server(("::1", 0), family=socket.AF_INET6)] if socket.has_ipv6 else []
    pairs = [socket.create_connection(held[0].getsockname()) for _ in range(4)]
    try:
        for _ in range(20):  # others come and go
            before = sample(NET_SOCKSTAT, NET_SOCKSTAT6, NET_TCP_SUMMARY, NET_TCP6_SUMMARY)
            text = run("ss", "-s")
            after = sample(NET_SOCKSTAT, NET_SOCKSTAT6, NET_TCP_SUMMARY, NET_TCP6_SUMMARY)
            seen = [_ss(snapshot) for snapshot in (before, after)]
            if seen[0] == seen[1]:
                break
        total = re.search(r"Total: (\d+)", text)
        tcp = re.search(r"TCP: +(\d+) \(estab (\d+), closed (\d+), orphaned (\d+), timewait (\d+)\)", text)
        assert total is not None
        assert tcp is not None
        established = int(tcp[2])
        shown = {"total": int(total[1]), "orphaned": int(tcp[4]), "timewait": int(tcp[5]), "established": established}
        for name, protocol in (("RAW", "RAW"), ("UDP", "UDP"), ("TCP", "TCP")):
            row = re.search(rf"^{protocol}\s+(\d+)\s+(\d+)\s+(\d+)", text, re.M)
            assert row is not None
            shown[name], shown[name + "6"] = int(row[2]), int(row[3])
        for name, number in shown.items():
            assert min(s[name] for s in seen) <= number <= max(s[name] for s in seen), name
    finally:
        for each in (*held, *pairs):
            each.close()


def _ss(snapshot: Snapshot) -> dict[str, int]:
    v4 = {row.protocol: row for row in snapshot[NET_SOCKSTAT].protocols}
    v6 = {row.protocol: row for row in snapshot[NET_SOCKSTAT6].protocols}
    found = {"total": snapshot[NET_SOCKSTAT].used or 0}
    found["orphaned"], found["timewait"] = v4["TCP"].orphan or 0, v4["TCP"].time_wait or 0
    found["established"] = sum(
        snapshot[source].states.get("ESTABLISHED", 0) for source in (NET_TCP_SUMMARY, NET_TCP6_SUMMARY)
    )
    for name in ("RAW", "UDP", "TCP"):
        found[name], found[name + "6"] = v4[name].inuse, v6[name + "6"].inuse
    return found


def test_ip_link() -> None:
    before = {row.name: row for row in read_sync(NET_DEV)}
    links = json.loads(run("ip", "-s", "-j", "link"))
    after = {row.name: row for row in read_sync(NET_DEV)}
    assert {link["ifname"] for link in links} == set(before) == set(after)
    for link in links:
        for way in ("rx", "tx"):
            for theirs, ours in {
                "bytes": "bytes", "packets": "packets", "errors": "errors", "multicast": "multicast",
                "collisions": "collisions", "carrier_errors": "carrier_errors", "dropped": "dropped",
            }.items():  # fmt: skip
                shown = link["stats64"][way].get(theirs)
                if shown is None:
                    continue
                first, last = (getattr(rows[link["ifname"]], f"{way}_{ours}") for rows in (before, after))
                # /proc adds packets without a buffer to those that were dropped; ip tells them apart.
                assert first <= shown <= last or (theirs == "dropped" and shown <= last), (link["ifname"], way, theirs)


def test_free() -> None:
    before = read_sync(MEMINFO)
    text = run("free", "-b", "-w")
    after = read_sync(MEMINFO)
    head, memory, swap = (line.split() for line in text.splitlines()[:3])
    shown = dict(zip(head, map(int, memory[1:]), strict=True))
    noise = 64 << 20
    assert shown["total"] == after.mem_total_bytes
    assert int(swap[1]) == after.swap_total_bytes
    for name, field in {
        "free": "mem_free_bytes", "shared": "shmem_bytes", "buffers": "buffers_bytes",
        "available": "mem_available_bytes",
    }.items():  # fmt: skip
        values = [getattr(info, field) for info in (before, after)]
        assert min(values) - noise <= shown[name] <= max(values) + noise, name
    cached = [(info.cached_bytes or 0) + (info.s_reclaimable_bytes or 0) for info in (before, after)]
    assert min(cached) - noise <= shown["cache"] <= max(cached) + noise


def test_lscpu() -> None:
    shown = {row["field"].rstrip(":"): row["data"] for row in _flat(json.loads(run("lscpu", "-J"))["lscpu"])}
    info = read_sync(CPUINFO)
    first = info.cpus[0]
    assert int(shown["CPU(s)"]) >= len(info.cpus) == os.sysconf("SC_NPROCESSORS_ONLN")
    assert shown["Model name"] == first.model_name
    if "Vendor ID" in shown and first.vendor is not None:
        assert shown["Vendor ID"] == first.vendor
        assert shown["CPU family"] == first.family
        assert shown["Model"] == first.model
        assert shown["Stepping"] == first.stepping
        assert float(shown["BogoMIPS"]) == pytest.approx(first.bogomips, abs=0.02)
        assert set(shown["Flags"].split()) == set(first.flags)
    topology = read_sync(CPU_TOPOLOGY)
    assert len({cpu.physical_package_id for cpu in topology}) == int(shown.get("Socket(s)", 1))
    cores = {(cpu.physical_package_id, cpu.core_id) for cpu in topology}
    assert len(cores) == int(shown["Core(s) per socket"]) * int(shown["Socket(s)"])


def _flat(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        yield from _flat(row.get("children", []))


def test_findmnt() -> None:
    shown = json.loads(
        run("findmnt", "--list", "--json", "--output", "ID,PARENT,TARGET,FSTYPE,MAJ:MIN,FSROOT,VFS-OPTIONS")
    )
    mounts = {mount.mount_id: mount for mount in read_sync(MOUNTINFO)}
    rows = shown["filesystems"]
    assert {int(row["id"]) for row in rows} == set(mounts)
    for row in rows:
        mount = mounts[int(row["id"])]
        assert (mount.mount_point, mount.fs_type, mount.device, mount.root) == (
            row["target"], row["fstype"], row["maj:min"].strip(), row["fsroot"],
        )  # fmt: skip
        assert int(row["parent"]) == mount.parent_id
        assert set(row["vfs-options"].split(",")) == set(mount.options)


def test_lsof(victim: int) -> None:
    row = sample(processes("fd", "cwd", "exe", "root"))[PROCESSES][victim]
    files: dict[str, str] = {}
    current = ""
    for line in run("lsof", "-n", "-P", "-p", str(victim), "-F", "fn").splitlines():
        if line[0] == "f":
            current = line[1:]
        elif line[0] == "n":
            files[current] = line[1:]
    assert row.fd is not None
    assert {str(file.fd) for file in row.fd.files} == {name for name in files if name.isdigit()}
    assert row.cwd is not None
    assert row.exe is not None
    assert row.root is not None
    assert (files["cwd"], files["txt"], files["rtd"]) == (row.cwd.path, row.exe.path, row.root.path)
    for file in row.fd.files:
        target = file.target or ""
        if target.startswith("/"):
            assert files[str(file.fd)].split(" (deleted)")[0] == target.split(" (deleted)")[0]


def test_ps_threads(victim: int) -> None:
    source = processes("status", threads=["status", "comm"])
    row = sample(source)[PROCESSES][victim]
    columns = "tid,ppid,pgid,sid,tpgid,nlwp,psr,pri,ni,vsz,rss,uid,minflt,cls,s,comm"
    shown = [line.split(None, 15) for line in run("ps", "-Lo", columns, "-p", str(victim), "--no-headers").splitlines()]
    assert row.threads is not None
    assert [int(line[0]) for line in shown] == sorted(row.threads)
    assert len(shown) == 5
    for line in shown:
        thread = row.threads[int(line[0])]
        stat = thread.stat
        assert thread.status is not None
        assert [int(word) for word in line[1:7]] == [
            stat.ppid, stat.pgrp, stat.session, stat.tpgid, stat.num_threads, stat.processor,
        ]  # fmt: skip
        assert int(line[9]) * 1024 == stat.vsize_bytes
        assert int(line[10]) * 1024 == thread.status.vm_rss_bytes
        assert int(line[11]) == thread.status.euid
        assert int(line[12]) >= stat.minor_faults
        assert (line[14], line[15]) == (stat.state, stat.comm)
        assert int(line[8]) == stat.nice
    everybody = {int(line) for line in run("ps", "-eLo", "tid", "--no-headers").split()}
    ours = {tid for found in sample(source)[PROCESSES].values() for tid in found.threads or {}}
    assert len(everybody & ours) > 0.8 * len(ours), "all but those that came or went"


def test_pmap(victim: int) -> None:
    row = sample(processes("maps", "smaps_rollup", "statm"))[PROCESSES][victim]
    lines = [line.split() for line in run("pmap", "-XX", str(victim)).splitlines()]
    names, body, totals = lines[1], [line for line in lines[2:] if re.fullmatch("[r-][w-][x-][ps]", line[1])], lines[-1]
    assert row.maps is not None
    assert row.smaps_rollup is not None
    assert len(body) == len(row.maps.mappings)
    size, inode = names.index("Size"), names.index("Inode")
    for line, mapping in zip(body, row.maps.mappings, strict=True):
        assert (line[1], int(line[2], 16), int(line[inode]), int(line[size]) * 1024) == (
            mapping.permissions, mapping.offset_bytes, mapping.inode, mapping.size_bytes,
        )  # fmt: skip
    sums = dict(zip([name for name in names if name in NUMBERS], map(int, totals[: len(NUMBERS)]), strict=False))
    for name, field in {
        "Rss": "rss_bytes",
        "Referenced": "referenced_bytes",
        "Anonymous": "anonymous_bytes",
        "Swap": "swap_bytes",
    }.items():
        shown = sums.get(name)
        if shown is not None:
            assert abs(shown * 1024 - (getattr(row.smaps_rollup, field) or 0)) <= 1 << 20, name


NUMBERS = [
    "Size",
    "KernelPageSize",
    "MMUPageSize",
    "Rss",
    "Pss",
    "Pss_Dirty",
    "Shared_Clean",
    "Shared_Dirty",
    "Private_Clean",
    "Private_Dirty",
    "Referenced",
    "Anonymous",
    "KSM",
    "LazyFree",
    "AnonHugePages",
    "ShmemPmdMapped",
    "FilePmdMapped",
    "Shared_Hugetlb",
    "Private_Hugetlb",
    "Swap",
    "SwapPss",
    "Locked",
]


def test_prlimit(victim: int) -> None:
    subprocess.run([program("prlimit"), "--pid", str(victim), "--nofile=70:80", "--core=0:4096"], check=True)
    found = sample(processes("limits"))[PROCESSES][victim].limits
    assert found is not None
    fields = {
        "AS": "address_space_{}_bytes", "CORE": "core_file_size_{}_bytes", "CPU": "cpu_time_{}_seconds",
        "DATA": "data_size_{}_bytes", "FSIZE": "file_size_{}_bytes", "LOCKS": "file_locks_{}",
        "MEMLOCK": "locked_memory_{}_bytes", "MSGQUEUE": "msgqueue_size_{}_bytes", "NICE": "nice_priority_{}",
        "NOFILE": "open_files_{}", "NPROC": "processes_{}", "RSS": "resident_set_{}_bytes",
        "RTPRIO": "realtime_priority_{}", "RTTIME": "realtime_timeout_{}_us", "SIGPENDING": "pending_signals_{}",
        "STACK": "stack_size_{}_bytes",
    }  # fmt: skip
    shown = [
        line.split()
        for line in run(
            "prlimit", "--pid", str(victim), "--raw", "--noheadings", "--output", "RESOURCE,SOFT,HARD"
        ).splitlines()
    ]
    assert {line[0] for line in shown} == set(fields)
    for name, *limits in shown:
        for kind, limit in zip(("soft", "hard"), limits, strict=True):
            expected = (1 << 64) - 1 if limit == "unlimited" else int(limit)
            assert getattr(found, fields[name].format(kind)) == expected, (name, kind)


def test_lsns(victim: int) -> None:
    found = sample(processes("ns"))[PROCESSES][victim].ns
    assert found is not None
    shown = json.loads(run("lsns", "-J", "-p", str(victim)))["namespaces"]
    assert {(row["type"], int(row["ns"])) for row in shown} <= {
        (namespace.type, namespace.inode) for namespace in found.namespaces
    }
    assert {row["type"] for row in shown} >= {"mnt", "net", "pid", "user", "uts", "ipc"}


def test_the_clock_of_ps(victim: int) -> None:
    """When a process started, as wall time."""
    snapshot = sample(PROCESSES)
    started = snapshot[PROCESSES][victim].stat.start_time(snapshot.host)
    shown = time.mktime(time.strptime(run("ps", "-o", "lstart=", "-p", str(victim)).strip()))
    assert started is not None
    assert abs(started - shown) <= 2
