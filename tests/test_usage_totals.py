"""Totals count each byte once: every kind of disk and interface, by sysfs and by name, and on the running host."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse import Delta, Sampler, difference
from procpulse.encode import json as encode
from procpulse.sources import BLOCK_LINKS, CLASS_NET_LINKS, DISKSTATS, NET_DEV
from procpulse.sources.sysfs.block_links import BlockLinks
from procpulse.sources.sysfs.class_net_links import NetLinks
from procpulse.usage import DiskUsage, InterfaceUsage, Rates
from procpulse.usage_totals import disk_total, network_total, outside_interfaces, whole_disks
from tests.conftest import FIXTURES, program, roots

MIB = 1 << 20

# (disks, each with its partitions, between bars; what some are built on; those that are counted).
DISKS: list[Any] = [
    pytest.param("sda sda1 sda2 | sdaa sdaa12", {}, "sda sdaa", id="SCSI"),
    pytest.param("vda vda1 | hda hda3 | xvdb xvdb1 | dasda dasda1", {}, "vda hda xvdb dasda", id="virtio, IDE, Xen, DASD"),
    pytest.param("xvda1 | xvda2", {}, "xvda1 xvda2", id="a guest of Xen that was given partitions for disks"),
    pytest.param("- sda1 vdb2 mmcblk0p1 nvme0n1p1", {}, "", id="partitions whose disks are not listed"),
    pytest.param(
        "nvme0n1 nvme0n1p1 nvme0n1p12 | nvme1n1 | nvme10n2 nvme10n2p3", {}, "nvme0n1 nvme1n1 nvme10n2", id="NVMe"
    ),
    pytest.param("nvme0n1 nvme0n1p1 | nvme0c0n1 | nvme0c1n1", {}, "nvme0n1", id="NVMe with two paths"),
    pytest.param("nvme0c0n1 | nvme0c1n1", {}, "nvme0c0n1 nvme0c1n1", id="paths alone"),
    pytest.param(
        "mmcblk0 mmcblk0p1 mmcblk0p2 | mmcblk0boot0 | mmcblk0boot1 | mmcblk1 mmcblk1p1", {},
        "mmcblk0 mmcblk0boot0 mmcblk0boot1 mmcblk1", id="eMMC with its boot areas, and an SD card",
    ),
    pytest.param("rbd0 rbd0p1 | rbd1 | pmem0 pmem0p1 | pmem1s | nbd3 nbd3p1", {}, "rbd0 rbd1 pmem0 pmem1s nbd3",
                 id="over the network, and persistent memory"),
    pytest.param("cciss/c0d0 cciss/c0d0p1 | cciss/c0d1 | ida/c0d0 ida/c0d0p5", {}, "cciss/c0d0 cciss/c0d1 ida/c0d0",
                 id="names with a slash"),
    pytest.param("loop0 loop0p1 | ram0 | zram0 | zd0 zd0p1 | zd16 | sr0 | fd0 | nullb0 | ublkb1", {}, "", id="files, memory, pools"),
    pytest.param(
        "sda sda1 | sdb | dm-0 | dm-1 | md127 md127p1 | md_d0",
        {"dm-0": ["sda1"], "dm-1": ["dm-0"], "md127": ["sda", "sdb"]}, "sda sdb", id="mapped devices and arrays",
    ),
    pytest.param("sda | sdb | bcache0 bcache0p1", {"bcache0": ["sda", "sdb"]}, "sda sdb", id="a cache"),
    pytest.param("sda | drbd0 | drbd1", {"drbd0": ["sda"]}, "sda drbd1", id="mirrored disks, one without its own disk"),
    pytest.param("sda | sdb | sdc | newkind0 | newkind1", {"newkind0": ["sda", "sdb"]}, "sda sdb sdc newkind1",
                 id="a kind that is not known by its name"),
    pytest.param("rbd0 | dm-0", {"dm-0": ["rbd0"]}, "rbd0", id="a mapped device on what comes over the network"),
    pytest.param("dm-0", {}, "", id="a mapped device on nothing"),
    pytest.param("emcpowera | sda | sdb", {}, "sda sdb", id="multipath by a driver of its maker"),
]  # fmt: skip


def devices(names: str) -> tuple[list[str], list[str]]:
    """All the devices, and those that are no partitions; a disk that is not listed is a dash."""
    groups = [group.split() for group in names.split("|")]
    return [name for group in groups for name in group if name != "-"], [
        group[0] for group in groups if group[0] != "-"
    ]


MIRRORS = {"mirrored disks, one without its own disk", "a kind that is not known by its name"}


@pytest.mark.parametrize(("names", "built", "expected"), DISKS)
def test_which_disks_are_counted_by_sysfs(names: str, built: dict[str, list[str]], expected: str) -> None:
    listed, whole = devices(names)
    links = [BlockLinks(name.replace("/", "!"), built.get(name, [])) for name in whole]
    assert whole_disks(listed, links) == expected.split()


@pytest.mark.parametrize(("names", "built", "expected"), [case for case in DISKS if case.id not in MIRRORS])
def test_which_disks_are_counted_by_name(names: str, built: object, expected: str) -> None:
    listed, _ = devices(names)
    assert whole_disks(listed) == expected.split()
    assert whole_disks(reversed(listed)) == expected.split()[::-1]


def test_mirrored_disks_by_name() -> None:
    """Without sysfs a mirror is taken to have its disk here, as it mostly has."""
    assert whole_disks(["sda", "drbd0"]) == ["sda"]


def disk(name: str, read: float | None, **more: Any) -> DiskUsage:
    values: dict[str, Any] = dict.fromkeys(DiskUsage.__struct_fields__, 0.0)
    return DiskUsage(**values | {"device": name, "read_bytes_per_second": read, "flushes_per_second": None} | more)


def test_the_sum_of_disks() -> None:
    rows = {row.device: row for row in (disk("sda", 10.0, reads_per_second=2.0), disk("sda1", 10.0), disk("sdb", 5.0))}
    found = disk_total(rows)
    assert found is not None
    assert (found.devices, found.read_bytes_per_second, found.reads_per_second) == (["sda", "sdb"], 15.0, 2.0)
    assert (found.written_bytes_per_second, found.flushes_per_second) == (0.0, None), "not counted by this kernel"
    assert disk_total({}) is None
    assert disk_total({"loop0": disk("loop0", 9.0)}) is None


@pytest.mark.parametrize("head", [0.0, 30.0])
def test_a_namespace_with_several_paths_counts_once(head: float) -> None:
    """Whether the kernel counts at the paths only or at the head as well."""
    rows = {
        "nvme0n1": disk("nvme0n1", head),
        "nvme0c0n1": disk("nvme0c0n1", 10.0),
        "nvme0c1n1": disk("nvme0c1n1", 20.0),
    }
    found = disk_total(rows)
    assert found is not None
    assert (found.devices, found.read_bytes_per_second) == (["nvme0n1"], 30.0)


# Interfaces: rows of (name, ifindex, iflink, type, kind, driver, master).
LO = NetLinks("lo", 1, 1, 772)
ETH0 = NetLinks("eth0", 2, 2, 1, None, "igc")
ETH1 = NetLinks("eth1", 3, 3, 1, None, "igc")


def inner(
    name: str, index: int, link: int | None = None, kind: str | None = None, master: str | None = None
) -> NetLinks:
    return NetLinks(name, index, index if link is None else link, 1, kind, None, master)


INTERFACES: list[Any] = [
    pytest.param([LO, ETH0], "eth0", id="one card"),
    pytest.param(
        [LO, NetLinks("eth0", 2, 2, 1, None, "igc", "bond0"), NetLinks("eth1", 3, 3, 1, None, "igc", "bond0"),
         inner("bond0", 4, kind="bond"), inner("bond0.20", 5, 4, "vlan")],
        "eth0 eth1", id="a bond and a VLAN on it",
    ),
    pytest.param(
        [LO, NetLinks("eth0", 2, 2, 1, None, "virtio_net", "lan"), inner("lan", 4, kind="bridge"),
         inner("vethf00", 9, 2, master="lan"), inner("vnet3", 10, master="lan"), inner("web", 11, kind="bridge")],
        "eth0", id="a bridge with guests, under names of one's own",
    ),
    pytest.param(
        [LO, ETH0, inner("office", 8, 2, "vlan"), inner("mv", 9, 2, "macvlan"), inner("ipv", 10, 2),
         inner("wg0", 11, kind="wireguard"), inner("tun0", 12), inner("dummy0", 13), inner("ifb4eth0", 14)],
        "eth0", id="what is built on a card, and tunnels through it",
    ),
    pytest.param(
        [LO, NetLinks("wlp2s0", 2, 2, 1, "wlan", "iwlwifi"), NetLinks("wwan0", 3, 3, 65534, "wwan", "qmi_wwan"),
         NetLinks("ib0", 4, 4, 32, None, "mlx5_core"), NetLinks("usb0", 5, 5, 1, None, "rndis_host")],
        "wlp2s0 wwan0 ib0 usb0", id="radio, InfiniBand, USB",
    ),
    pytest.param(
        [LO, NetLinks("eth0", 2, 2, 1, None, "hv_netvsc"), NetLinks("enP1s2", 3, 3, 1, None, "mlx5_core", "eth0")],
        "eth0", id="a hypervisor's interface, and the virtual function below it",
    ),
    pytest.param(
        [LO, NetLinks("eth0", 2, 2, 1, None, "mvneta"), NetLinks("lan1", 3, 2, 1, "dsa", "mv88e6085", "br-lan"),
         NetLinks("lan2", 4, 2, 1, "dsa", "mv88e6085", "br-lan"), inner("br-lan", 5, kind="bridge")],
        "eth0", id="the ports of a switch behind a card",
    ),
    pytest.param(
        [LO, NetLinks("ens1f0np0", 2, 2, 1, None, "mlx5_core"), NetLinks("ens1f0npf0vf3", 3, 3, 1, None, "mlx5_core")],
        "ens1f0np0", id="stand-ins for guests on the card itself",
    ),
    pytest.param([LO, inner("eth0", 2, 77)], "eth0", id="a container: its other end is elsewhere"),
    pytest.param(
        [LO, inner("eth0", 2, 77), inner("docker0", 3, kind="bridge"), inner("veth1", 5, 4, master="docker0"),
         inner("tun0", 8)],
        "eth0", id="a container with containers and a tunnel",
    ),
    pytest.param([LO, inner("net1", 2, 60), inner("net2", 3, 61)], "net1 net2", id="a container with two ends"),
    pytest.param([LO, NetLinks("tap0", 2, 2, 1)], "tap0", id="a container of a user, whose traffic a program carries"),
    pytest.param([LO, inner("eth0", 2), inner("cali0a", 3, 9)], "eth0", id="a tree that lost its drivers"),
    pytest.param([LO], "", id="nothing but itself"),
    pytest.param([LO, inner("dummy0", 2), inner("br0", 3, kind="bridge")], "", id="nothing that leads out"),
]  # fmt: skip


@pytest.mark.parametrize(("links", "expected"), INTERFACES)
def test_which_interfaces_are_counted_by_sysfs(links: list[NetLinks], expected: str) -> None:
    assert outside_interfaces([row.name for row in links], links) == expected.split()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("lo eth0", "eth0"),
        ("lo enp3s0 wlp2s0 docker0 br-0a1b2c veth77aa virbr0 vnet1 br0", "enp3s0 wlp2s0"),
        ("lo eth0 eth1 bond0 bond0.5 eth0.100 team0", "eth0 eth1"),
        ("lo ens5 cni0 flannel.1 cali12 cilium_host lxc_health kube-ipvs0 vxlan.calico", "ens5"),
        ("lo eth0 wg0 tun0 tailscale0 ppp0 sit0 gre0 ip6tnl0 dummy0 ifb0", "eth0"),
        ("lo eno1 vmbr0 tap100i0 fwbr100i0 fwpr100p0 fwln100i0", "eno1 vmbr0"),
        ("lo ppp0", "ppp0"),
        ("lo docker0", ""),
    ],
    ids=["plain", "containers and guests", "bonds and VLANs", "Kubernetes", "tunnels", "Proxmox", "a modem", "none"],
)
def test_which_interfaces_are_counted_by_name(names: str, expected: str) -> None:
    assert outside_interfaces(names.split()) == expected.split()


def test_what_appeared_since_sysfs_was_read() -> None:
    names = ["lo", "eth0", "eth1", "veth9", "tun3", "eth0.5"]
    assert outside_interfaces(names, [LO, ETH0]) == ["eth0", "eth1"]
    assert outside_interfaces(["lo", "eth1"], [LO, ETH0, ETH1]) == ["eth1"], "and what is gone"


def test_the_sum_of_interfaces() -> None:
    def row(name: str, rx: float) -> InterfaceUsage:
        return InterfaceUsage(
            **dict.fromkeys(InterfaceUsage.__struct_fields__, 1.0) | {"name": name, "rx_bytes_per_second": rx}
        )  # type: ignore[arg-type]

    rows = {name: row(name, rx) for name, rx in (("lo", 900.0), ("eth0", 10.0), ("eth1", 4.0), ("br0", 14.0))}
    found = network_total(rows, [LO, ETH0, ETH1, inner("br0", 5, kind="bridge")])
    assert found is not None
    assert (found.interfaces, found.rx_bytes_per_second, found.tx_bytes_per_second) == (["eth0", "eth1"], 14.0, 2.0)
    assert network_total({"lo": row("lo", 1.0)}) is None


# Through a sampler, on trees.


def made(tree: Path, read: dict[str, int], received: dict[str, int], files: dict[str, str]) -> None:
    """Counters of disks and interfaces, and what else is there."""
    (tree / "proc/net").mkdir(exist_ok=True)
    lines = [f"   8 {i} {name} 1 0 {count // 512} 0 0 0 0 0 0 0 0\n" for i, (name, count) in enumerate(read.items())]
    (tree / "proc/diskstats").write_text("".join(lines))
    lines = ["a|b|c\n", "a|b|c\n", *(f"{name}: {count} {'0 ' * 15}\n" for name, count in received.items())]
    (tree / "proc/net/dev").write_text("".join(lines))
    for path, text in files.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


LAYERS = {
    "sys/block/mmcblk0/size": "1\n",
    "sys/block/rbd0/size": "1\n",
    "sys/block/dm-0/slaves/mmcblk0p2": "",
    "sys/class/net/uplink/ifindex": "2\n",
    "sys/class/net/uplink/iflink": "2\n",
    "sys/class/net/uplink/device/driver": "../../bus/pci/drivers/igc",
    "sys/class/net/uplink/master": "../br7",
    "sys/class/net/br7/ifindex": "3\n",
    "sys/class/net/br7/iflink": "3\n",
    "sys/class/net/guest/ifindex": "4\n",
    "sys/class/net/guest/iflink": "9\n",
}


def grown(tree: Path, files: dict[str, str]) -> Delta:
    disks = ["mmcblk0", "mmcblk0p1", "mmcblk0p2", "dm-0", "rbd0", "loop0"]
    interfaces = ["lo", "uplink", "br7", "guest"]
    made(tree, dict.fromkeys(disks, 0), dict.fromkeys(interfaces, 0), files)
    sampler = Sampler([DISKSTATS, NET_DEV, BLOCK_LINKS, CLASS_NET_LINKS], roots=roots(tree))
    first = sampler.sample_sync()
    made(tree, dict.fromkeys(disks, 10 * MIB), dict.fromkeys(interfaces, 10 * MIB), {})
    second = sampler.sample_sync()
    sampler.close()
    return difference(first, second)


def test_totals_of_a_tree(tree: Path) -> None:
    """The facts are read once in ten seconds; totals have them from the first delta on."""
    delta = grown(tree, LAYERS)
    assert BLOCK_LINKS not in delta, "it was not read anew"
    usage = delta.usage
    assert usage.disk_total is not None
    assert usage.network_total is not None
    assert (usage.disk_total.devices, usage.network_total.interfaces) == (["mmcblk0", "rbd0"], ["uplink"])
    seconds = delta.seconds(DISKSTATS)
    assert usage.disk_total.read_bytes_per_second == pytest.approx(20 * MIB / seconds)
    assert usage.network_total.rx_bytes_per_second == pytest.approx(10 * MIB / delta.seconds(NET_DEV))
    sent = json.loads(encode.encode(usage.rates()))
    assert sent["disk_total"]["devices"] == ["mmcblk0", "rbd0"]
    assert msgspec.json.decode(encode.encode(usage.rates()), type=Rates).network_total == usage.network_total


def test_totals_without_sysfs(tree: Path) -> None:
    usage = grown(tree, {}).usage
    assert usage.disk_total is not None
    assert usage.network_total is not None
    assert usage.disk_total.devices == ["mmcblk0", "rbd0"]
    assert usage.network_total.interfaces == ["uplink", "guest"], "a name of one's own says nothing"


async def test_totals_of_a_stream(tree: Path) -> None:
    """Each delta of a stream knows what devices are, whether or not that was read anew in its tick."""
    made(tree, {"sda": 0, "sdb": 0}, {"eth0": 0}, {"sys/block/sdb/slaves/sda": ""})
    counted = []
    async with Sampler([DISKSTATS, BLOCK_LINKS], roots=roots(tree), cadence={BLOCK_LINKS: 0.06}) as sampler:
        async for delta in sampler.deltas(0.02):
            total = delta.usage.disk_total
            counted.append(None if total is None else total.devices)
            if len(counted) == 8:
                break
    assert counted == [["sda"]] * 8


def test_of_captured_hosts() -> None:
    for name, disks, interfaces in (
        ("vm-6.18", ["vda"], ["eth0"]),
        ("workstation", ["nvme0n1", "sda", "sdb", "sdc", "sdd"], ["eno1", "enp5s0f0", "wlp4s0"]),
    ):
        sampler = Sampler(roots=roots(FIXTURES / name))
        usage = difference(sampler.sample_sync(), sampler.sample_sync()).usage
        sampler.close()
        assert usage.disk_total is not None
        assert usage.network_total is not None
        assert set(usage.disk_total.devices) <= set(disks), usage.disk_total
        assert set(usage.network_total.interfaces) <= set(interfaces), usage.network_total


# On the running host.

SHOW = """
import json, socket
from procpulse import Sampler, difference
sampler = Sampler()
first = sampler.sample_sync()
{traffic}
usage = difference(first, sampler.sample_sync()).usage
total = usage.network_total
rows = {{name: row.rx_bytes_per_second for name, row in usage.interfaces.items()}}
print(json.dumps([None if total is None else total.interfaces, None if total is None else total.rx_bytes_per_second, rows]))
"""


def shown(script: str, traffic: str = "") -> list[Any]:
    """What `usage` says in a network namespace that a script has set up; skipped where the kernel lacks a kind."""
    program("unshare")
    program("ip")
    command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec"]
    text = f'mount -t sysfs none /sys\nip link set lo up\n{script}\nexec "$@"'
    done = subprocess.run(
        [*command, text, "sh", sys.executable, "-c", SHOW.format(traffic=traffic)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "Unknown device type" in done.stderr or "Operation not supported" in done.stderr:
        pytest.skip(f"this kernel does not make it: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def other() -> Iterator[int]:
    """A process in a network namespace of its own, to put the other end of an interface into."""
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    process.kill()
    process.communicate()


@pytest.mark.root
def test_a_container_as_it_is_made(other: int) -> None:
    """Its end leads out; a bridge with a pair of its own, a tunnel and a spare end do not."""
    script = f"""
ip link add eth0 index 15 type veth peer name far index 50 netns {other}
ip link add inside type bridge
ip link add left type veth peer name right
ip link set left master inside
ip tuntap add dev tunnel0 mode tap
"""
    assert shown(script)[0] == ["eth0"]


@pytest.mark.root
@pytest.mark.parametrize(
    "script",
    [
        "ip link add link eth0 name office type vlan id 7",
        "ip link add link eth0 name mv0 type macvlan",
        "ip link add bond7 type bond\nip link set eth0 master bond7",
        "ip link add spare type dummy",
        "ip link add red type ifb",
    ],
    ids=["vlan", "macvlan", "bond", "dummy", "ifb"],
)
def test_what_is_built_on_it(other: int, script: str) -> None:
    found = shown(f"ip link add eth0 index 15 type veth peer name far index 50 netns {other}\n{script}")[0]
    assert "eth0" in found or "bond" in script
    assert not {"office", "mv0", "red"} & set(found)


@pytest.mark.root
def test_traffic_of_the_loopback_is_not_counted(other: int) -> None:
    traffic = """
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b.bind(("127.0.0.1", 0))
for _ in range(50):
    a.sendto(bytes(8000), b.getsockname())
"""
    names, total, rows = shown(f"ip link add eth0 index 15 type veth peer name far index 50 netns {other}", traffic)
    assert (names, total) == (["eth0"], 0.0)
    assert rows["lo"] > 0


def test_the_host_that_the_tests_run_on() -> None:
    """By another rule than ours: what sysfs does not have under `virtual` are cards and disks."""
    sampler = Sampler()
    usage = difference(sampler.sample_sync(), sampler.sample_sync()).usage
    sampler.close()

    def real(folder: str) -> set[str]:
        return {path.name for path in Path(folder).glob("*") if "/virtual/" not in str(path.resolve())}

    if usage.network_total is not None and (cards := real("/sys/class/net")):
        assert set(usage.network_total.interfaces) <= cards | {"bonding_masters"}
    if usage.disk_total is not None and (disks := real("/sys/block")):
        assert set(usage.disk_total.devices) <= {name.replace("!", "/") for name in disks}
