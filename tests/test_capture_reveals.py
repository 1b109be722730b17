"""Marked words in every place where a host may be named: none of them is in a capture, which reads as the host does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse import Roots
from procpulse.capture import Scrubber, capture
from procpulse.encode.schema import every_source
from procpulse.reader import Reader
from procpulse.sources import processes
from tests.conftest import FIXTURES, roots, trees

MARK = "Zqx"
"""In every planted word: names with blanks, addresses and the like have it with other things around."""
ADDRESSES = ("55d1c0a00000", "55d1c0a2c000", "7f3bd2801000", "7ffc4a9f2000", "94326918742016", "140722561757184")
POINTERS = ("ffff9c81deadb000", "00000000deadb001", "c0ffee42")


def planted(tree: Path) -> Path:
    """A process, tables and devices that tell what they should not."""
    stat = (FIXTURES / "workstation/proc/4242/stat").read_bytes()
    columns = stat.rpartition(b")")[2].split()
    for column, address in ((26, b"94326918742016"), (27, b"94326918742016"), (28, b"140722561757184"), (29, b"140722561757184"), (30, b"94326918742016"), *((c, b"94326918742016") for c in range(45, 52))):  # fmt: skip
        columns[column - 3] = address
    maps = (
        b"55d1c0a00000-55d1c0a2c000 r-xp 00002000 fe:01 393449                     /opt/Zqx Software (private)/Zqx server\n"
        b"55d1c0a2c000-55d1c0a2d000 rw-p 00002000 fe:01 393449                     /usr/lib/Zqx/libZqx.so (deleted)\n"
        b"7f3bd2801000-7f3bd2900000 r-xp 00000000 fe:01 2                          /usr/lib/x86_64-linux-gnu/libc.so.6\n"
        b"7f3bd2900000-7f3bd2901000 rw-p 00000000 00:00 0                          [anon:Zqx heap of mine]\n"
        b"7f3bd2901000-7f3bd2902000 rw-s 00000000 00:01 7                          /memfd:Zqx keys (deleted)\n"
        b"7ffc4a9f2000-7ffc4aa13000 rw-p 00000000 00:00 0                          [stack]\n"
    )
    numa = (
        b"55d1c0a00000 default file=/opt/Zqx\\040Software/server mapped=4 N0=4 kernelpagesize_kB=4\n"
        b"7f3bd2801000 default file=/usr/lib/x86_64-linux-gnu/libc.so.6 mapped=4 N0=4 kernelpagesize_kB=4\n"
        b"7ffc4a9f2000 default stack anon=2 dirty=2 N0=2 kernelpagesize_kB=4\n"
    )
    mountinfo = (
        b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n"
        b"30 22 0:30 /Zqx\\040root /usr/share/Zqx\\040mount rw - nfs4 Zqxserver:/Zqx rw,vers=4.2,servern=Zqxsrv,addr=10.2.3.4\n"
        b"31 22 0:31 / /proc/Zqx rw - cifs //Zqxnas/share rw,unc=\\\\Zqxnas\\share,username=Zqxuser,domain=Zqxdom\n"
        b"32 22 0:32 / /lib/Zqx rw - ceph 10.0.0.1:6789:/ rw,name=Zqxname,mds_namespace=Zqxfs,secret=<hidden>\n"
        b'33 22 0:33 / /sys/Zqx rw - tmpfs tmpfs rw,size=64k,context="system_u:object_r:Zqx_t:s0:c1,c2",label=Zqxlabel\n'
        b"34 22 0:34 / /sys/fs/cgroup/Zqxhier rw - cgroup cgroup rw,xattr,name=Zqxhier\n"
        b"35 22 0:35 /system.slice/Zqx.service /mnt rw - cgroup2 cgroup2 rw,nsdelegate\n"
        b"36 22 0:36 / /dev/Zqxdev rw - overlay overlay rw,lowerdir=/usr/Zqx\\040a:/usr/Zqxb,upperdir=/var/Zqx,workdir=Zqxrel,Zqx.flag!x\n"
    )
    mounts = b"".join(
        b" ".join([source, point, kind, options]) + b" 0 0\n"
        for line in mountinfo.splitlines()
        for kind, source, options in [line.partition(b" - ")[2].split(b" ", 2)]
        for point in [line.split(b" ")[4]]
    )
    mountstats = (
        b"device Zqxserver:/Zqx mounted on /usr/share/Zqx\\040mount with fstype nfs4 statvers=1.1\n"
        b"\topts:\trw,vers=4.2,rsize=1048576,sec=krb5,clientaddr=10.1.1.1,local_lock=none,servern=Zqx\n"
        b"\tage:\t42\n\timpl_id:\tname='Zqx impl',domain='Zqx.example',date='0,0'\n"
        b"\tevents:\t0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n\tbytes:\t0 0 0 0 0 0 0 0\n"
    )
    fdinfo = {
        "0": b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t7\nname:\tZqx buffer\nexp_name:\tZqx exporter\nsize:\t4096\n",
        "1": b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t8\ndrm-client-name:\tZqx game\ndrm-driver:\ti915\n",
        "2": b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\ntfd:        5 events:       19 data:     55d1c0a00000  pos:0 ino:3 sdev:8\n",
        "3": b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\ninotify wd:1 ino:2a sdev:1 mask:3 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:7ffc4a9f2000ffff\n",
    }
    links = {
        "fd/0": "/home/Zqx/Alice Example (private)/Zqx papers 2026.pdf",
        "fd/1": "/usr/Zqx/file",
        "fd/2": "Zqx relative/file",
        "fd/3": "/proc/Zqxproc/x",
        "fd/4": "/sys/fs/cgroup/Zqx.slice/memory.max",
        "fd/5": "/lib/Zqx.so",
        "fd/6": "/memfd:Zqx keys (deleted)",
        "fd/7": "/dmabuf:Zqx",
        "fd/8": "socket:[4711]",
        "fd/9": "anon_inode:[eventpoll]",
        "fd/10": "/dev/shm/Zqx",
        "fd/11": "/sys/fs/bpf/Zqx",
        "fd/12": "/home/Zqx/gone file (deleted)",
        "exe": "/opt/Zqx Software (private)/Zqx server",
        "cwd": "/home/Zqx me/work",
        "root": "/",
    }
    for folder, name in (("7", "stat"), ("7/task/7", "stat"), ("7/task/8", "stat")):
        (tree / "proc" / folder).mkdir(parents=True, exist_ok=True)
        pid = folder.rpartition("/")[2].encode()
        (tree / "proc" / folder / name).write_bytes(pid + b" (Zqxprog) " + b" ".join(columns) + b"\n")
    process = tree / "proc/7"
    for folder in ("fd", "fdinfo"):
        (process / folder).mkdir()
    for name, data in {"maps": maps, "numa_maps": numa, "mountinfo": mountinfo, "mountstats": mountstats, "comm": b"Zqxprog\n", "cmdline": b"Zqx\0--Zqx\0", "environ": b"Zqx=Zqx\0", "cgroup": b"4:name=Zqxhier:/Zqx.slice\n0::/system.slice/Zqx.service\n", "timers": b"ID: 0\nsignal: 60/00007ffc4a9f2000\nnotify: signal/tid.7\nClockID: 1\n", "smaps_rollup": b"55d1c0a00000-7ffc4aa13000 ---p 00000000 00:00 0                          [rollup]\nRss:                8804 kB\nPss:                3120 kB\n"}.items():  # fmt: skip
        (process / name).write_bytes(data)
    for name, data in fdinfo.items():
        (process / "fdinfo" / name).write_bytes(data)
    for name, target in links.items():
        (process / name).symlink_to(target)
    (tree / "proc/self").symlink_to("7")
    (tree / "proc/net").mkdir()
    tables = {
        "cmdline": b"BOOT_IMAGE=/boot/Zqx root=/dev/Zqx ro quiet Zqxbare Zqx.debug=1 Zqxflag=on console=ttyS0 -- Zqx\n",
        "version": b"Linux version 6.18.4-Zqx1 (Zqx@Zqxhost) (Zqx-gcc (Zqx 12.2) 12.2.0, GNU ld 2.40) #7~Zqx SMP Zqx Tue Jan 1\n",
        "cpuinfo": b"processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU\n\nHardware\t: Zqx board\nModel\t\t: Zqx Pi 7\nmachine\t: Zqx\n",
        "swaps": b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/home/Zqx\\040swap/file                   file\t\t1048572\t\t0\t\t-2\n",
        "mounts": mounts,
        "self/mounts": mounts,
        "timer_list": b"Timer List Version: v0.9\nHRTIMER_MAX_CLOCK_BASES: 8\nnow at 100 nsecs\n\ncpu: 0\n clock 0:\n  .base:       ffff9c81deadb000\n  .index:      0\n  .resolution: 1 nsecs\nactive timers:\n #0: <ffff9c81deadb000>, tick_sched_timer, S:01, hrtimer_start, Zqx thread/7\n # expires at 1-1 nsecs [in 1 to 1 nsecs]\n",
        "net/netlink": b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\nffff9c81deadb000 0   7          00000000 0        0        0     2        0        20\n",
        "net/packet": b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\nffff9c81deadb000 3      3    0003   2     1 0      0      20\n",
        "net/raw": b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20 2 00000000deadb001 0\n",
        "net/udp": b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  1: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20 2 c0ffee42 0\n",
        "net/tcp": b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20 1 ffff9c81deadb000 100 0 0 10 0\n",
        "net/unix": b"Num       RefCount Protocol Flags    Type St Inode Path\nffff9c81deadb000: 00000002 00000000 00010000 0001 01 20 /run/Zqx socket\nffff9c81deadb000: 00000002 00000000 00010000 0001 01 21 @Zqx name\n",
    }  # fmt: skip
    for name, table in tables.items():
        (tree / "proc" / name).write_bytes(table)
    zram = {"disksize": b"4096\n", "initstate": b"1\n", "backing_dev": b"/home/Zqx disk (private)/Zqx image\n"}
    (tree / "sys/block/zram0").mkdir(parents=True)
    for name, value in zram.items():
        (tree / "sys/block/zram0" / name).write_bytes(value)
    return tree


async def test_no_marked_word_is_in_a_capture(tree: Path, tmp_path: Path) -> None:
    planted(tree)
    await capture(tmp_path / "saved", [*every_source(), processes("smaps_rollup", "maps")], [7], roots(tree))
    saved = [path for path in (tmp_path / "saved").rglob("*") if path.is_symlink() or not path.is_dir()]
    for path in saved:
        data = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for word in (MARK, "Alice", "papers", "private", *ADDRESSES, *POINTERS):
            assert word.encode() not in data, f"{path}: {data.decode()}"
            assert word not in str(path.relative_to(tmp_path / "saved"))
    names = {path.relative_to(tmp_path / "saved").as_posix().removeprefix("proc/") for path in saved}
    planted_in = {
        "7/maps",
        "7/numa_maps",
        "7/mountinfo",
        "7/mountstats",
        "7/fdinfo/2",
        "7/fd/0",
        "7/timers",
        "timer_list",
    }
    planted_in |= {
        "cmdline",
        "version",
        "cpuinfo",
        "swaps",
        "net/raw",
        "net/netlink",
        "7/task/8/stat",
        "7/smaps_rollup",
    }
    assert planted_in <= names
    assert (tmp_path / "saved/sys/block/zram0/backing_dev").exists(), "else this would prove nothing"
    text = (tmp_path / "saved/proc/7/maps").read_text()
    assert "/usr/lib/x86_64-linux-gnu/libc.so.6" in text, "what every host has stays"
    assert "[stack]" in text
    assert "socket:[4711]" in (str((tmp_path / "saved/proc/7/fd/8").readlink()), "")
    hierarchies = re.findall(r"name=(\w+)", (tmp_path / "saved/proc/7/mountinfo").read_text())
    assert hierarchies[-1] in (tmp_path / "saved/proc/7/cgroup").read_text(), "the same name is the same placeholder"


def test_mappings_keep_their_order_their_sizes_and_what_touches() -> None:
    spans = [(0x55D1C0A00000, 0x55D1C0A2C000), (0x55D1C0A2C000, 0x55D1C0A2D000), (0x7F3BD2801000, 0x7F3BD2900000)]
    data = b"".join(b"%x-%x r-xp 00000000 00:00 0 \n" % span for span in spans)
    scrubber = Scrubber()
    again = [
        (int(start, 16), int(end, 16))
        for start, end in re.findall(rb"(?m)^([0-9a-f]+)-([0-9a-f]+) ", scrubber.file("/proc/7/maps", data))
    ]
    assert [end - start for start, end in again] == [end - start for start, end in spans]
    assert again == sorted(again)
    assert again[0][1] == again[1][0]
    assert again[1][1] < again[2][0]
    assert again[0][0] == 0x400000
    numa = scrubber.file("/proc/7/numa_maps", b"7f3bd2801000 default anon=1\n")
    assert int(numa.split()[0], 16) == again[2][0], "files of one process agree"
    assert scrubber.file("/proc/8/maps", data) == scrubber.file("/proc/7/maps", data), "each process starts anew"


def shape(value: Any) -> Any:
    """What there is of a value, without what it says: fields that are None, types, numbers of rows. Rows have no order:
    placeholders have another than names."""
    if isinstance(value, msgspec.Struct):
        # What is taken out of the name of a volume, at its dash, is not in a placeholder.
        names = [name for name in value.__struct_fields__ if name not in ("rbd_pool", "rbd_image")]
        return {name: shape(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return sorted(map(shape, value.values()), key=repr)
    if isinstance(value, list):
        return sorted(map(shape, value), key=repr)
    return None if value is None else type(value).__name__


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    if type(before) is not type(after) or (isinstance(before, list) and len(before) != len(after)):
        yield f"{where}: {str(before)[:80]} became {str(after)[:80]}"
    elif isinstance(before, dict):
        for name in before.keys() | after.keys():
            yield from differences(before.get(name), after.get(name), f"{where}.{name}")
    elif isinstance(before, list):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{where}[{place}]")
    elif before != after:
        yield f"{where}: {before} became {after}"


def read_all(where: Roots) -> dict[str, tuple[Any, dict[str, Any]]]:
    """The shape of the value of every source, and why there is none or not all of it."""
    reader = Reader(where)
    try:
        results = reader.read_sync(every_source(), lambda source: 120.0)
    finally:
        reader.close()
    found = {}
    for name, result in results.items():
        reasons = {part: failure.reason for part, failure in result.failures.items()}
        found[name] = shape(result.value), reasons | {"": result.failure and result.failure.reason}
    return found


@pytest.mark.parametrize("tree", trees(), ids=lambda tree: tree.name)
async def test_every_source_reads_the_capture_like_the_tree(tree: Path, tmp_path: Path) -> None:
    sources = every_source()
    pids = [int(path.name) for path in (tree / "proc").iterdir() if path.name.isdigit()]
    await capture(tmp_path / "saved", sources, pids, roots(tree))
    before, after = read_all(roots(tree)), read_all(roots(tmp_path / "saved"))
    assert [name for name in before if before[name][1] != after[name][1]] == [], (
        "the same reasons for what is not there"
    )
    changed = [line for name in before for line in differences(before[name][0], after[name][0], name)]
    assert changed == []
