"""A captured tree reads like the host that it was taken from, and does not tell whose host it was."""

import stat
from pathlib import Path

import pytest

from procpulse import Roots, Sampler, catalog, read
from procpulse.capture import Scrubber, capture
from procpulse.sources import CLASS_SAS_DEVICE, LOADAVG, MEMINFO, MOUNTINFO, NET_DEV, PCI_DEVICES, PROCESSES, processes
from tests.conftest import FIXTURES, roots


async def test_a_captured_tree_reads_like_the_host(tmp_path: Path) -> None:
    sources = [source for name, source in catalog.sources().items() if name != "processes"]
    count = await capture(tmp_path / "tree", [*sources, processes()])
    found = [path for path in (tmp_path / "tree").rglob("*") if path.is_symlink() or not path.is_dir()]
    assert count == len(found)
    assert {stat.S_IMODE(path.lstat().st_mode) for path in found if not path.is_symlink()} == {0o600}
    folders = [path for path in (tmp_path / "tree").rglob("*") if path.is_dir() and not path.is_symlink()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tree", *folders)} == {0o700}
    inside = str(tmp_path / "tree")
    assert not [path for path in found if path.is_symlink() and not str(path.resolve()).startswith(inside)]
    roots = Roots(proc=str(tmp_path / "tree/proc"), sys=str(tmp_path / "tree/sys"))
    live, captured = Sampler(sources).sample_sync(), Sampler([*sources, processes()], roots=roots).sample_sync()
    assert {name for name in live.values if live.values[name]} - {"statfs"} <= set(captured.values)
    assert captured[MEMINFO].mem_total_bytes == live[MEMINFO].mem_total_bytes
    assert [row.name for row in captured[NET_DEV]] == [row.name for row in live[NET_DEV]]
    assert len(captured[MOUNTINFO]) == len(live[MOUNTINFO])
    assert 1 in captured[PROCESSES]
    assert not [failure for failure in captured.failures.values() if failure.reason == "bug"]


async def test_a_directory_whose_names_are_kept_may_hold_files_too(tmp_path: Path) -> None:
    await capture(tmp_path / "tree", [CLASS_SAS_DEVICE], roots=roots(FIXTURES / "workstation"))
    first = Sampler([CLASS_SAS_DEVICE], roots=roots(FIXTURES / "workstation")).sample_sync()[CLASS_SAS_DEVICE]
    again = Sampler([CLASS_SAS_DEVICE], roots=roots(tmp_path / "tree")).sample_sync()[CLASS_SAS_DEVICE]
    assert [(row.name, row.phys, row.ports, row.block_devices) for row in again] == [
        (row.name, row.phys, row.ports, row.block_devices) for row in first
    ]
    assert {row.sas_address for row in again} == {"0" * 18}


async def test_links_to_folders_are_saved_with_what_is_behind_them(tmp_path: Path) -> None:
    device = tmp_path / "host/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "irq").write_text("24\n")
    (device / "vendor").write_text("0x8086\n")
    (tmp_path / "host/sys/bus/pci/devices").mkdir(parents=True)
    (tmp_path / "host/sys/bus/pci/devices/0000:01:00.0").symlink_to(
        "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    )
    (tmp_path / "host/proc").mkdir()
    host, saved = (
        Roots(proc=str(path / "proc"), sys=str(path / "sys")) for path in (tmp_path / "host", tmp_path / "tree")
    )
    assert await capture(tmp_path / "tree", [PCI_DEVICES], roots=host) == 3
    assert (tmp_path / "tree/sys/bus/pci/devices/0000:01:00.0").is_symlink()
    rows = [Sampler([PCI_DEVICES], roots=roots).sample_sync()[PCI_DEVICES] for roots in (host, saved)]
    assert rows[0] == rows[1]
    assert rows[0][0].parent is not None


async def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(FileExistsError):
        await capture(tmp_path, [LOADAVG])
    assert (tmp_path / "precious").read_text() == "data"


SCRUBBED = [
    ("/sys/class/net/eth0/address", b"52:54:00:12:34:56\n", b"02:00:00:00:00:01\n"),
    ("/sys/class/net/eth0/broadcast", b"ff:ff:ff:ff:ff:ff\n", b"ff:ff:ff:ff:ff:ff\n"),
    ("/sys/class/dmi/id/product_serial", b"ABC-123\n", b"000-000\n"),
    ("/sys/class/dmi/id/product_uuid", b"4c4c4544-0042\n", b"00000000-0001\n"),
    ("/sys/class/sas_phy/phy-6:0/sas_address", b"0x5000c0de00000006\n", b"000000000000000000\n"),
    ("/sys/class/fc_host/host3/port_name", b"0x1000c0de00000003\n", b"000000000000000000\n"),
    ("/sys/class/net/eth0/phys_port_name", b"p0\n", b"p0\n"),
    ("/sys/class/nvme/nvme0/subsysnqn", b"nqn.2019-08.com.example:S123\n", b"000.0000-00.000.0000000:0000\n"),
    ("/sys/block/nvme0n1/wwid", b"eui.0025385b", b"000.00000000"),
    ("/proc/sys/kernel/hostname", b"db7.example.org\n", b"host\n"),
    ("/proc/sys/kernel/osrelease", b"6.18.4-acme1\n", b"6.18.4-generic\n"),
    (
        "/proc/sys/kernel/random/boot_id",
        b"b85de5d0-8219-4fe5-a9d2-f746e5571098\n",
        b"00000000-0000-4000-8000-000000000001\n",
    ),
    ("/proc/7/cmdline", b"/opt/acme/server\0--password=hunter2\0\0", b"program1\0argument\0\0"),
    ("/proc/7/cmdline", b"/usr/bin/python3\0app.py\0", b"python3\0argument\0"),
    ("/proc/7/stat", b"7 (secret (x) S 1 1 1 0 -1 64 0\n", b"7 (program1) S 1 1 1 0 -1 64 0\n"),
    ("/proc/7/stat", b"7 (kworker/0:1) I 2 0 0 0 -1 69238880 0\n", b"7 (kworker/0:1) I 2 0 0 0 -1 69238880 0\n"),
    ("/proc/7/comm", b"systemd\n", b"systemd\n"),
    ("/proc/7/status", b"Name:\tacme\nUid:\t0\n", b"Name:\tprogram1\nUid:\t0\n"),
    ("/proc/net/tcp", b" 0: 0100007F:0016 0500A8C0:01BB 01\n", b" 0: 0100007F:0016 010200C0:01BB 01\n"),
    ("/proc/net/arp", b"192.168.0.7 0x1 52:54:00:00:00:01 eth0\n", b"192.0.2.1 0x1 02:00:00:00:00:01 eth0\n"),
    (
        "/proc/net/route",
        b"eth0\t0000A8C0\t00000000\t0001\t0\t0\t-1\t00FFFFFF\t1500\t0\t0 \neth0\t00000000\t0500A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        b"eth0\t010200C0\t00000000\t0001\t0\t0\t-1\t00FFFFFF\t1500\t0\t0 \neth0\t00000000\t020200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
    ),
    (
        "/proc/net/if_inet6",
        b"fe80000000000000020000fffe005e42 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n",
        b"20010db8000000000000000000000001 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n",
    ),
    ("/proc/7/cgroup", b"0::/acme.slice/web\n", b"0::/group1.slice/group2\n"),
    ("/proc/7/cgroup", b"0::/system.slice/sshd.service\n", b"0::/system.slice/sshd.service\n"),
    (
        "/proc/mounts",
        b"filer:/export/acme /home/jane nfs4 rw,addr=10.1.2.3 0 0\n/dev/sda1 / ext4 rw 0 0\n",
        b"source1 /srv/path1 nfs4 rw,addr=192.0.2.1 0 0\n/dev/sda1 / ext4 rw 0 0\n",
    ),
    (
        "/proc/cmdline",
        b'root=/dev/vda console=ttyS0,115200n8 token=aaaabbbbccccddddeee pw=hunter2 pin=1234 mem=4G host=db7 quiet x="a b" -- --key hunter2 s\n',
        b"root=scrubbed console=ttyS0,115200n8 parameter=scrubbed parameter=scrubbed parameter=scrubbed mem=4G"
        b" parameter=scrubbed quiet parameter=scrubbed"
        b" -- argument argument argument\n",
    ),
    ("/proc/cmdline", b"mitigations=auto ro panic=1 jane@example.org\n", b"mitigations=auto ro panic=1 parameter\n"),
    ("/proc/7/sched", b"acme (x) (7, #threads: 1)\n---\n", b"program1 (7, #threads: 1)\n---\n"),
    ("/proc/7/environ", b"TOKEN=hunter2\0HOME=/home/jane\0", b"VARIABLE=scrubbed\0VARIABLE=scrubbed\0"),
    (
        "/proc/net/unix",
        b"Num       RefCount Protocol Flags    Type St Inode Path\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 12345 @acme/jane tokens\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 12346 /home/jane/agent\n"
        b"0000000000000000: 00000002 00000000 00000000 0002 01 12347\n",
        b"Num       RefCount Protocol Flags    Type St Inode Path\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 12345 @socket1\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01 12346 /srv/path1\n"
        b"0000000000000000: 00000002 00000000 00000000 0002 01 12347\n",
    ),
    (
        "/proc/net/ip_vs",
        b"TCP  [fd12:0000:0000:0000:0000:0000:0000:00ff]:01BB rr\n",
        b"TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:01BB rr\n",
    ),
    (
        "/proc/mounts",
        b"//nas/jane /home/jane cifs rw,username=jane,domain=ACME,uid=0,addr=fd00::7 0 0\n"
        b"/dev/mapper/acme-home /home ext4 rw 0 0\n/dev/disk/by-label/acme /mnt ext4 rw 0 0\n"
        b"cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n",
        b"/srv/path1 /srv/path2 cifs rw,username=scrubbed,domain=scrubbed,uid=0,addr=2001:db8::1 0 0\n"
        b"/dev/mapper/name1 /home ext4 rw 0 0\n/srv/path3 /mnt ext4 rw 0 0\n"
        b"cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n",
    ),
    (
        "/proc/7/mountstats",
        b"device filer:/export/acme mounted on /home/jane with fstype nfs4 statvers=1.1\ndevice proc mounted on /proc with fstype proc\n",
        b"device source1 mounted on /srv/path1 with fstype nfs4 statvers=1.1\ndevice proc mounted on /proc with fstype proc\n",
    ),
    ("/proc/7/maps", b"7f00-7f01 rw-p 0 00:01 5 /memfd:acme keys (deleted)\n", b"00400000-00400001 rw-p 0 00:01 5 /memfd:name (deleted)\n"),
    ("/proc/7/maps", b"7f00-7f01 r-xp 0 fd:00 5 /usr/local/acme/bin/d\n", b"00400000-00400001 r-xp 0 fd:00 5 /srv/path1\n"),
    ("/proc/cpuinfo", b"Hardware\t: BCM2835\nSerial\t\t: 00000000c0ffee01\n", b"Hardware\t: scrubbed\nSerial\t\t: 0000000000000000\n"),
    ("/proc/7/autogroup", b"/autogroup-12 nice 0\n", b"/autogroup-12 nice 0\n"),
    ("/proc/modules", b"acpi 16384 1 - Live 0xffffffffc0a10000\n", b"acpi 16384 1 - Live 0x0000000000000000\n"),
    ("/sys/class/net/eth0/ifalias", b"uplink of Jane\n", b"name1\n"),
    ("/sys/class/net/eth0/ifalias", b"\n", b"\n"),
    ("/sys/class/net/eth0/phys_switch_id", b"525400123456\n", b"000000000000\n"),
    ("/sys/class/fc_host/host3/symbolic_name", b"Emulex FV12 HN:db7. OS:Linux\n", b"name1\n"),
    ("/sys/fs/btrfs/b85de5d0-8219-4fe5-a9d2-f746e5571098/label", b"acme backup\n", b"name1\n"),
    ("/sys/block/dm-0/dm/name", b"acme-home\n", b"name1\n"),
    ("/sys/class/hwmon/hwmon0/temp1_label", b"Package id 0\n", b"Package id 0\n"),
    ("/proc/7/limits", b"of db7 and db7.lan and db70\n", b"of host and host and db70\n"),
    ("/proc/meminfo", b"MemTotal: 24684092 kB\n", b"MemTotal: 24684092 kB\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "data", "expected"), SCRUBBED, ids=[f"{p} {i}" for i, (p, _, _) in enumerate(SCRUBBED)]
)
def test_scrubbing(path: str, data: bytes, expected: bytes) -> None:
    assert Scrubber("db7.example.org").file(path, data) == expected


def test_the_same_name_becomes_the_same_placeholder() -> None:
    scrubber = Scrubber()
    assert scrubber.file("/a", b"10.0.0.1 10.0.0.2 10.0.0.1") == b"192.0.2.1 192.0.2.2 192.0.2.1"
    assert scrubber.file("/b", b"10.0.0.2") == b"192.0.2.2"
    assert scrubber.link("/proc/7/cwd", b"/home/jane/acme") == b"/srv/path1"
    assert scrubber.link("/proc/7/exe", b"/usr/bin/env") == b"/usr/bin/env"
    assert scrubber.link("/sys/class/net/eth0/device", b"../../acme") == b"../../acme"


async def test_targets_of_disks_do_not_tell_who_serves_them(tmp_path: Path) -> None:
    source = catalog.source("target_iscsi")
    await capture(tmp_path / "tree", [source], roots=roots(FIXTURES / "workstation"))
    before = await read(source, roots=roots(FIXTURES / "workstation"))
    after = await read(source, roots=roots(tmp_path / "tree"))
    luns = [
        [lun for target in rows for group in target.portal_groups for lun in group.luns] for rows in (before, after)
    ]
    assert (
        [(lun.backstore, lun.commands) for lun in luns[1]] == [(lun.backstore, lun.commands) for lun in luns[0]] != []
    )
    assert all(target.name.startswith("iqn.2003-01.org.example:name") for target in after)
    saved = " ".join(str(path) for path in (tmp_path / "tree").rglob("*"))
    names = {target.name for target in before} | {lun.object_name for lun in luns[0]} - {None}
    portals = {portal for target in before for group in target.portal_groups for portal in group.portals or ()}
    assert not [name for name in (*names, *portals) if name in saved]


async def test_names_of_control_groups_are_replaced_and_still_fit(tmp_path: Path) -> None:
    """Services, containers and pods become placeholders, in folders as in what processes say of theirs."""
    for name in ("cgroup-v2", "cgroup-v1"):
        await capture(tmp_path / name, [catalog.source("cgroup")], roots=roots(FIXTURES / name))
        before = await read(catalog.source("cgroup"), roots=roots(FIXTURES / name))
        after = await read(catalog.source("cgroup"), roots=roots(tmp_path / name))
        assert len(after) == len(before)
        assert sorted(row.cpu.usage_us for row in after) == sorted(row.cpu.usage_us for row in before)
        assert [row.runtime for row in after if row.own] == [row.runtime for row in before if row.own] != []
        ids = {row.container_id for row in before} | {row.pod_uid for row in before}
        paths = "".join(row.path for row in after)
        assert not [known for known in ids - {None} if known in paths or known.replace("-", "_") in paths]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", b"/"),
        (b"/system.slice/secret.service", b"/system.slice/group1.service"),
        (b"/user.slice/user-1000.slice/session-3.scope", b"/user.slice/user-1000.slice/session-3.scope"),
        (b"/docker/" + b"ab" * 32 + b"/x", b"/docker/" + b"%064x" % 1 + b"/group1"),
        (
            b"/kubepods-burstable-pod11112222_3333_4444_5555_666677778888.slice/crio-" + b"ab" * 32 + b".scope",
            b"/kubepods-burstable-pod00000000_0000_4000_8000_000000000001.slice/crio-" + b"%064x" % 1 + b".scope",
        ),
        (b"/a.service (deleted)", b"/group1.service (deleted)"),
    ],
    ids=["root", "service", "login", "container", "pod", "gone"],
)
def test_a_control_group(path: bytes, expected: bytes) -> None:
    assert Scrubber().file("/proc/1/cgroup", b"0::" + path + b"\n") == b"0::" + expected + b"\n"
