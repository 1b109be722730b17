"""Mistakes that readers of /proc are known for, one test each, named after the mistake."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Sampler, Source, difference
from procpulse.source import Malformed
from procpulse.sources import (
    BUDDYINFO,
    DISKSTATS,
    INTERRUPTS,
    MDSTAT,
    MEMINFO,
    MOUNTINFO,
    MOUNTS,
    NET_DEV,
    NET_NETSTAT,
    NET_PROTOCOLS,
    NET_SNMP,
    NET_SOFTNET_STAT,
    NET_TCP,
    NET_TCP_SUMMARY,
    NET_UDP,
    NET_XFRM_STAT,
    PROCESSES,
    STAT,
    SWAPS,
    VERSION,
    VMSTAT,
    processes,
)
from procpulse.sources.proc.pid_mountstats import PID_MOUNTSTATS
from procpulse.sources.proc.pid_status import PID_STATUS
from tests.cases import parse
from tests.conftest import FIXTURES, roots

EXACT = [(1 << 53) + 1, (1 << 63) + 1, (1 << 64) - 1]


def sample(tree: Path, *sources: Source[Any]) -> Any:
    (tree / "proc").mkdir(exist_ok=True)
    (tree / "sys").mkdir(exist_ok=True)
    sampler = Sampler(
        sources, roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")), deadlines=dict.fromkeys(sources, 60.0)
    )
    snapshot = sampler.sample_sync()
    sampler.close()
    return snapshot


@pytest.mark.parametrize("number", EXACT, ids=["2^53 + 1", "2^63 + 1", "2^64 - 1"])
def test_numbers_above_2_53_are_exact(number: int) -> None:
    assert parse(VMSTAT, f"pgfault {number}\n").events == {"pgfault": number}
    assert parse(NET_NETSTAT, f"TcpExt: A\nTcpExt: 1\nIpExt: InOctets\nIpExt: {number}\n").ip_ext == {
        "InOctets": number
    }
    assert parse(NET_SNMP, f"Ip: A\nIp: 1\nUdp: InDatagrams\nUdp: {number}\n").udp == {"InDatagrams": number}
    assert parse(NET_XFRM_STAT, f"XfrmInError {number}\n").counters == {"XfrmInError": number}
    [disk] = parse(DISKSTATS, f"8 0 sda 1 2 3 4 5 6 7 8 9 {number} 11\n")
    assert disk.io_ms == number
    stat = f"cpu  {number} 0 0 0\ncpu0 {number} 0 0 0\nintr {number}\nctxt {number}\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq {number}\n"
    assert parse(STAT, stat).cpu.user_ticks == parse(STAT, stat).context_switches == number


def test_lines_over_64_kib_are_read_whole(tmp_path: Path) -> None:
    cpus, rows = 4000, 30
    head = " ".join(f"CPU{cpu}" for cpu in range(cpus))
    lines = [
        f"{irq}: " + " ".join(str(1_000_000_000 + irq * cpu) for cpu in range(cpus)) + " chip edge"
        for irq in range(rows)
    ]
    file = tmp_path / "proc/interrupts"
    file.parent.mkdir()
    file.write_text("\n".join([head, *lines, ""]))
    assert len(lines[0]) > 40_000
    assert file.stat().st_size > 1 << 20
    interrupts = sample(tmp_path, INTERRUPTS)[INTERRUPTS]
    assert [row.counts[cpus - 1] for row in interrupts] == [1_000_000_000 + irq * (cpus - 1) for irq in range(rows)]
    stat = (
        "cpu  1 0 0 0\ncpu0 1 0 0 0\nintr 70000 "
        + "7 " * 70_000
        + "\nctxt 1\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq 1\n"
    )
    assert len(parse(STAT, stat).irqs) == 70_000


def test_files_over_their_cap_are_malformed_and_never_cut(tmp_path: Path) -> None:
    file = tmp_path / "proc/version"
    file.parent.mkdir()
    file.write_text("Linux version 6.18.4 " + "x" * (VERSION.cap + 1) + "\n")
    failure = sample(tmp_path, VERSION).failures["version"]
    assert (failure.reason, failure.detail) == (Reason.MALFORMED, f"over {VERSION.cap} bytes")


@pytest.mark.parametrize("wrong", ["x", "1x", "1_0", "1.5", "-", "", "0x10"])
def test_a_field_of_a_wrong_number_is_malformed_and_never_0(wrong: str) -> None:
    for source, text in (
        (VMSTAT, f"pgfault {wrong}\n"),
        (MEMINFO, f"MemTotal: 4096 kB\nMemFree: {wrong} kB\n"),
        (DISKSTATS, f"8 0 sda 1 2 3 4 5 6 7 8 9 {wrong} 11\n"),
        (NET_DEV, f"a|\nb|\n eth0: {wrong} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"),
    ):
        with pytest.raises(Malformed):
            parse(source, text)  # type: ignore[arg-type]


def test_double_blanks_in_mountinfo_shift_no_columns() -> None:
    [mount] = parse(MOUNTINFO, "36 35 0:31 / /mnt rw,noatime shared:1 - tmpfs  rw,size=4k\n")
    assert (mount.source, mount.super_options, mount.fs_type) == ("", ["rw", "size=4k"], "tmpfs")


def test_octal_escapes_do_not_stay_in_paths() -> None:
    [mount] = parse(MOUNTINFO, r"36 35 8:1 /a\040b /mnt/c\011d\134e rw - ext4 /dev/f\040g rw" + "\n")
    assert (mount.root, mount.mount_point, mount.source) == ("/a b", "/mnt/c\\x09d\\e", "/dev/f g")
    [line] = parse(MOUNTS, r"/dev/f\040g /mnt/a\040b ext4 rw 0 0" + "\n")
    assert (line.source, line.mount_point) == ("/dev/f g", "/mnt/a b")
    [swap] = parse(SWAPS, "Filename Type Size Used Priority\n" + r"/swap\040file file 8 4 -2" + "\n")
    assert swap.filename == "/swap file"
    [row] = parse(PID_MOUNTSTATS, r"device /dev/f\040g mounted on /mnt/a\040b with fstype ext4" + "\n").mounts
    assert (row.device, row.mount_point) == ("/dev/f g", "/mnt/a b")
    array = parse(
        MDSTAT,
        "Personalities : [raid1]\nmd0 : active raid1 sda[0] sdb[1]\n      8 blocks [2/2] [UU]\n"
        "      bitmap: 0/1 pages [0KB], 4KB chunk, file: /a\\040b\n\nunused devices: <none>\n",
    ).arrays[0]
    assert array.bitmap is not None
    assert array.bitmap.file == "/a b"


def test_udp_in_the_path_of_the_root_changes_nothing(tmp_path: Path) -> None:
    tree = tmp_path / "udp" / "net" / "self" / "tcp6"
    shutil.copytree(FIXTURES / "workstation/proc/net", tree / "proc/net", symlinks=True)
    wanted = (NET_TCP, NET_UDP, NET_TCP_SUMMARY)
    found = sample(tree, *wanted)
    sampler = Sampler(wanted, roots=roots(FIXTURES / "workstation"))
    expected = sampler.sample_sync()
    sampler.close()
    assert found.failures == expected.failures == {}
    assert [found[source] for source in wanted] == [expected[source] for source in wanted]


def test_32_bits_do_not_wrap() -> None:
    [disk] = parse(DISKSTATS, f"8 0 sda 1 2 {1 << 33} 4 5 6 {1 << 40} 8 9 10 {1 << 34}\n")
    assert (disk.read_bytes, disk.written_bytes, disk.weighted_io_ms) == (1 << 42, 1 << 49, 1 << 34)
    assert parse(PID_STATUS, STATUS + f"VmSize:\t{1 << 42} kB\n").vm_size_bytes == 1 << 52
    [protocol] = parse(NET_PROTOCOLS, PROTOCOLS.replace("MEMORY", str(1 << 31), 2))
    assert protocol.memory_bytes == 1 << 43
    [zone] = parse(BUDDYINFO, f"Node 0, zone Normal {1 << 40} 1\n")
    assert zone.free_blocks[0] == 1 << 40


def test_a_counter_of_32_bits_that_starts_again_has_grown(tmp_path: Path) -> None:
    rows = [
        "{:08x} 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
    ]
    before, after = (parse(NET_SOFTNET_STAT, rows[0].format(count)) for count in (0xFFFF_FFF0, 0x10))
    first, second = sample(tmp_path), sample(tmp_path)
    first.values["net_softnet_stat"], second.values["net_softnet_stat"] = before, after
    first.read_ns["net_softnet_stat"], second.read_ns["net_softnet_stat"] = 1, 2
    [grown] = difference(first, second)[NET_SOFTNET_STAT]
    assert grown.processed == 0x20


ROWS = [
    pytest.param(
        DISKSTATS,
        "proc/diskstats",
        "",
        "8 {0} sd{0} 1 2 3 4 5 6 7 8 9 10 11",
        "8 0 sdz 1 2 x 4 5 6 7 8 9 10 11",
        id="diskstats",
    ),
    pytest.param(
        NET_DEV, "proc/net/dev", "a|\nb|\n", "eth{0}: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0", "bad: 1 0 0 x", id="net_dev"
    ),
    pytest.param(
        MOUNTINFO, "proc/self/mountinfo", "", "{0} 35 8:1 / /mnt{0} rw - ext4 /dev/sda rw", "7 35 8:1 /", id="mountinfo"
    ),
    pytest.param(
        SWAPS,
        "proc/swaps",
        "Filename Type Size Used Priority\n",
        "/swap{0} file 8 4 -2",
        "/swap file 8 x -2",
        id="swaps",
    ),
]


@pytest.mark.parametrize(("source", "path", "heading", "row", "bad"), ROWS)
def test_one_bad_row_does_not_lose_the_whole_file(
    tmp_path: Path, source: Source[Any], path: str, heading: str, row: str, bad: str
) -> None:
    good = [row.format(number) for number in range(1, 6)]
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(heading + "\n".join(good) + "\n")
    whole = sample(tmp_path, source)
    assert (len(whole[source]), whole.failures) == (5, {})
    file.write_text(heading + "\n".join([bad, *good[:3], bad, *good[3:], bad]) + "\n")
    found = sample(tmp_path, source)
    assert found[source] == whole[source]
    failure = found.failures[f"{source.name}/rows"]
    assert (failure.reason, failure.path, failure.count) == (Reason.MALFORMED, source.path, 3)


def test_one_bad_row_does_not_lose_the_facts_by_name(tmp_path: Path) -> None:
    file = tmp_path / "proc/meminfo"
    file.parent.mkdir()
    file.write_text("MemTotal: 4096 kB\nMemFree: x kB\nBuffers: 8 kB\n")
    found = sample(tmp_path, MEMINFO)
    assert (found[MEMINFO].mem_total_bytes, found[MEMINFO].mem_free_bytes, found[MEMINFO].buffers_bytes) == (
        4 << 20,
        None,
        8192,
    )
    assert found.failures["meminfo/rows"].count == 1


def test_one_bad_process_does_not_lose_the_others(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "vm-6.18/proc", tmp_path / "proc", symlinks=True)
    (tmp_path / "proc/2/stat").write_text("2 (kthreadd S\n")
    found = sample(tmp_path, processes("status"))
    assert sorted(found[PROCESSES]) == [1, 2, 6265]
    assert found[PROCESSES][2].stat is None
    assert found.failures["processes/stat"].count == 1


STATUS = (
    "Name:\tvim\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
)
PROTOCOLS = (
    "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"
    "TCP       2048      1   MEMORY   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y\n"
)
