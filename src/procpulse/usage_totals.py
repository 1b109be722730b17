"""What all disks and all network interfaces did together, each byte counted once: used by `usage`.

The kernel counts the same work in several rows. What a partition, a mapped device or an array does, the disks below it
do as well; what a container sends passes its own interface, a bridge, perhaps a bond, and a card. Totals are of the
disks themselves, and of the interfaces that lead out of the host.

Which these are is told by sysfs (`block_links`, `class_net_links`, both in the default profile). Where it is not
sampled or not mounted, names have to do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, info
from procpulse.sources.sysfs.block_links import BlockLinks
from procpulse.sources.sysfs.class_net_links import NetLinks


class DiskTotal(msgspec.Struct, frozen=True, gc=False):
    """What the disks of a host did per second, each counted once."""

    devices: Annotated[list[str], info("Disks that are counted; all others are parts of these, or built on them.")]
    read_bytes_per_second: Annotated[float | None, gauge("Bytes read.")] = None
    written_bytes_per_second: Annotated[float | None, gauge("Bytes written.")] = None
    reads_per_second: Annotated[float | None, gauge("Reads completed.")] = None
    writes_per_second: Annotated[float | None, gauge("Writes completed.")] = None
    discards_per_second: Annotated[float | None, gauge("Discards completed.")] = None
    flushes_per_second: Annotated[float | None, gauge("Flushes completed.")] = None


class NetworkTotal(msgspec.Struct, frozen=True, gc=False):
    """What a host received and sent per second, by the interfaces that lead out of it."""

    interfaces: Annotated[list[str], info("Interfaces that are counted: cards, or in a container what leads out.")]
    rx_bytes_per_second: Annotated[float | None, gauge("Bytes received.")] = None
    tx_bytes_per_second: Annotated[float | None, gauge("Bytes sent.")] = None
    rx_packets_per_second: Annotated[float | None, gauge("Packets received.")] = None
    tx_packets_per_second: Annotated[float | None, gauge("Packets sent.")] = None
    rx_errors_per_second: Annotated[float | None, gauge("Bad packets received.")] = None
    tx_errors_per_second: Annotated[float | None, gauge("Packets that could not be sent.")] = None
    rx_dropped_per_second: Annotated[float | None, gauge("Packets dropped on their way in.")] = None
    tx_dropped_per_second: Annotated[float | None, gauge("Packets dropped on their way out.")] = None


def disk_total(rows: Mapping[str, Any], links: Sequence[BlockLinks] | None = None) -> DiskTotal | None:
    """The sum over the disks that do work of their own; None without any.

    Args:
        rows: The rates of each device, by name.
        links: What devices are built on, where that is known.
    """
    whole = whole_disks(rows, links)
    paths = _paths(rows)
    # Of an NVMe namespace with several paths, older kernels count the work at the paths only, later ones twice.
    several = {name: [rows[path] for path in paths.get(name, ())] for name in whole}
    values = {
        field: _added([_most(getattr(rows[name], field), _sum(several[name], field)) for name in whole])
        for field in DiskTotal.__struct_fields__[1:]
    }
    return DiskTotal(whole, **values) if whole else None


def network_total(rows: Mapping[str, Any], links: Sequence[NetLinks] | None = None) -> NetworkTotal | None:
    """The sum over the interfaces that lead out of the host, or of the container; None without any.

    Args:
        rows: The rates of each interface, by name.
        links: What interfaces are, where that is known.
    """
    outside = outside_interfaces(rows, links)
    values = {field: _sum((rows[name] for name in outside), field) for field in NetworkTotal.__struct_fields__[1:]}
    return NetworkTotal(outside, **values) if outside else None


def _sum(rows: Iterable[Any], field: str) -> float | None:
    return _added([getattr(row, field) for row in rows])


def _added(values: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


# Disks.

_PATH = re.compile(r"(nvme[0-9]+)c[0-9]+(n[0-9]+)")
"""One path to an NVMe namespace; the namespace itself has the name without the number of the controller."""
_BUILT = re.compile(r"(dm-|md[0-9_]|bcache[0-9]|emcpower[a-z])")
"""Mapped devices, arrays, caches and multipath devices, whose disks are listed as well."""
_MIRROR = re.compile(r"drbd[0-9]")
_UNREAL = re.compile(r"(loop|ram|zram|nullb|ublkb|zd|sr|scd|fd|pktcdvd)[0-9]")
"""Files, memory, volumes of pools whose disks are listed, and drives whose medium is no disk."""
_PART = re.compile(
    r"([svh]d[a-z]+[0-9]+|dasd[a-z]+[0-9]+|(nvme[0-9]+n|mmcblk|nbd|rbd|pmem|md|loop|drbd|bcache)[0-9]+p[0-9]+)"
)
"""Partitions of disks that are not listed themselves."""


def whole_disks(names: Iterable[str], links: Sequence[BlockLinks] | None = None) -> list[str]:
    """The devices that do work of their own: no partitions, and nothing that is built on other devices.

    Args:
        names: Devices, as /proc/diskstats has them.
        links: What devices are built on, where that is known.
    """
    listed = list(names)
    # In sysfs the slash of `cciss/c0d0` is an exclamation mark.
    built_on = {row.name.replace("!", "/"): row.slaves for row in links or ()}
    every = {*listed, *built_on}
    return [
        name
        for name in listed
        if not _is_partition(name, every, name in built_on) and not _is_built(name, built_on) and not _head(name, every)
    ]


def _is_partition(name: str, every: set[str], in_sysfs: bool) -> bool:
    """The kernel names a partition after its disk, with a `p` between where the disk ends in a digit."""
    if in_sysfs:
        return False  # partitions are not among the devices of /sys/block
    disk = name.rstrip("0123456789")
    if disk == name:
        return False
    if disk in every and not disk[-1:].isdigit():
        return True
    if disk.endswith("p") and disk[:-1] in every and disk[-2:-1].isdigit():
        return True
    return _PART.fullmatch(name) is not None


def _is_built(name: str, built_on: dict[str, list[str] | None]) -> bool:
    if built_on.get(name):
        return True
    if _MIRROR.match(name):
        # Without a disk of its own here it works over the network, as `rbd` does.
        return name not in built_on
    return _BUILT.match(name) is not None or _UNREAL.match(name) is not None


def _head(name: str, every: set[str]) -> str:
    """The NVMe namespace that a path leads to; empty for everything else."""
    match = _PATH.fullmatch(name)
    head = match[1] + match[2] if match else ""
    return head if head in every else ""


def _paths(names: Iterable[str]) -> dict[str, list[str]]:
    every = set(names)
    found: dict[str, list[str]] = {}
    for name in names:
        head = _head(name, every)
        if head:
            found.setdefault(head, []).append(name)
    return found


# Network interfaces.

_INNER = re.compile(
    r"lo|(veth|docker|podman|br-|virbr|lxc|lxdbr|cni|cbr|cali|cilium|flannel|weave|vxlan|geneve|genev_sys|vxlan_sys|"
    r"kube-|nodelocaldns|dummy|ifb|bond|team|macvlan|macvtap|ipvlan|ipvtap|vlan|vnet|vmnet|fwbr|fwpr|fwln|ovs-|nlmon|"
    r"teql|vrf|hsr|bat|gre|erspan|sit|tunl|ip6tnl|ip_vti|ip6_vti|ip6gre|isatap|xfrm|ipsec|lowpan|vcan|dsa|br[0-9]|"
    r"tap[0-9]+i).*|.*pf[0-9]+[vs]f[0-9]+"
)
"""Names of what leads nowhere but to another interface of this host; the last are stand-ins for the interfaces of guests
on the card itself."""
_TUNNEL = re.compile(r"(tun|tap|wg|tailscale|zt|utun|ppp|wpan).*")
"""Names of tunnels, whose traffic passes a card as well, unless a host has nothing else."""
_VIRTUAL = frozenset(("bridge", "bond", "vlan", "macvlan", "vxlan", "geneve", "wireguard", "ip6tnl", "hsr", "dsa"))
"""Kinds (DEVTYPE) of interfaces that are made of others."""
_LOOPBACK = 772  # ARPHRD_LOOPBACK


def outside_interfaces(names: Iterable[str], links: Sequence[NetLinks] | None = None) -> list[str]:
    """The interfaces that lead out of the host: its cards. In a container, which has none, what leads out of that.

    Args:
        names: Interfaces, as /proc/net/dev has them.
        links: What interfaces are, where that is known.
    """
    listed = list(names)
    known = {row.name: row for row in links or ()}
    by_index = {row.ifindex: row for row in known.values() if row.ifindex is not None}
    cards = [name for name in listed if name in known and _is_card(known[name], known, by_index)]
    named = [name for name in listed if not _is_inner(name, listed)]
    if cards:
        # What has appeared since sysfs was read is told by its name.
        return [
            name
            for name in listed
            if name in cards or (name not in known and name in named and not _TUNNEL.fullmatch(name))
        ]
    free = [name for name in named if name not in known or _is_free(known[name], by_index)]
    ends = [name for name in free if name in known and _leads_away(known[name], by_index)]
    return ends or [name for name in free if not _TUNNEL.fullmatch(name)] or free


def _is_inner(name: str, listed: Sequence[str]) -> bool:
    below, dot, _ = name.rpartition(".")
    return _INNER.fullmatch(name) is not None or (bool(dot) and below in listed)


def _is_card(row: NetLinks, known: dict[str, NetLinks], by_index: dict[int, NetLinks]) -> bool:
    """Whether a driver of real or virtual hardware is behind it, and no other card counts the same packets."""
    if row.driver is None or row.type == _LOOPBACK or _INNER.fullmatch(row.name):
        return False
    master = known.get(row.master or "")
    if master is not None and master.driver is not None:
        return False  # a virtual function below the interface of a hypervisor
    below = _below(row, by_index)
    return below is None or below.driver is None  # else it is a port of a switch behind that card


def _below(row: NetLinks, by_index: dict[int, NetLinks]) -> NetLinks | None:
    """The interface of this namespace that another is built on, as far as its number tells."""
    return by_index.get(row.iflink) if row.iflink is not None and row.iflink != row.ifindex else None


def _is_free(row: NetLinks, by_index: dict[int, NetLinks]) -> bool:
    """Whether a virtual interface is no part of another one, and not made of any here."""
    return row.master is None and row.type != _LOOPBACK and row.kind not in _VIRTUAL and _below(row, by_index) is None


def _leads_away(row: NetLinks, by_index: dict[int, NetLinks]) -> bool:
    """Whether its other end, or what it is built on, is in another namespace: the interface of a container."""
    return row.iflink is not None and row.iflink not in (0, row.ifindex) and row.iflink not in by_index
