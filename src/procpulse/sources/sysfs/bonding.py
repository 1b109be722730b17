"""/sys/class/net/*/bonding: interfaces that are made of several, and the state of each of those.

    mode: 802.3ad 4, mii_status: up, lower_eth0/bonding_slave/link_failure_count: 2

Ids of link aggregation are shown to root only.

https://docs.kernel.org/networking/bonding.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import inert, number
from procpulse.tree import Folder, Tree


class BondSlave(msgspec.Struct, frozen=True, gc=False):
    """An interface that a bond is made of."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    state: Annotated[str | None, info("Whether it carries traffic: active or backup.")] = None
    mii_status: Annotated[str | None, info("State of its link: up, going down, down or going back.")] = None
    link_failures: Annotated[int | None, counter("Times its link went away.", bits=32)] = None
    perm_hwaddr: Annotated[str | None, info("Hardware address of its own.")] = None
    queue_id: Annotated[int | None, info("Queue that is bound to it; 0 for none.")] = None
    ad_aggregator_id: Annotated[int | None, info("Aggregator that it belongs to, under 802.3ad.")] = None
    ad_actor_oper_port_state: Annotated[int | None, info("Bits of its state under 802.3ad.")] = None
    ad_partner_oper_port_state: Annotated[int | None, info("Bits of the other side's state under 802.3ad.")] = None


class Bond(msgspec.Struct, frozen=True, gc=False):
    """An interface that is made of several."""

    name: Annotated[str, label("Name of the interface, such as bond0.")]
    mode: Annotated[str | None, info("How traffic is shared, such as active-backup or 802.3ad.")] = None
    mii_status: Annotated[str | None, info("Whether the bond works: up or down.")] = None
    active_slave: Annotated[str | None, info("Interface in use, where only one is.")] = None
    primary: Annotated[str | None, info("Interface that is used whenever it works.")] = None
    primary_reselect: Annotated[str | None, info("When the primary is taken back: always, better or failure.")] = None
    fail_over_mac: Annotated[str | None, info("Whose hardware address the bond has: none, active or follow.")] = None
    xmit_hash_policy: Annotated[str | None, info("What is hashed to choose the interface, such as layer3+4.")] = None
    miimon_ms: Annotated[int | None, gauge("Time between looks at the links; 0 for never.")] = None
    updelay_ms: Annotated[int | None, gauge("Time before a link that came is used.")] = None
    downdelay_ms: Annotated[int | None, gauge("Time before a link that went is given up.")] = None
    arp_interval_ms: Annotated[int | None, gauge("Time between ARP requests that test the links; 0 for none.")] = None
    arp_ip_target: Annotated[list[str] | None, info("Addresses that are asked by ARP.")] = None
    arp_validate: Annotated[str | None, info("Whose answers count, such as none, active or all.")] = None
    min_links: Annotated[int | None, gauge("Fewest links with which the bond counts as up.")] = None
    num_peer_notif: Annotated[int | None, info("How often a change is announced to the neighbours.")] = None
    resend_igmp: Annotated[int | None, info("How often group memberships are sent again after a change.")] = None
    lacp_rate: Annotated[str | None, info("How often the other side is to send LACP: slow or fast.")] = None
    ad_select: Annotated[str | None, info("How the aggregator is chosen: stable, bandwidth or count.")] = None
    ad_aggregator: Annotated[int | None, info("Aggregator in use.")] = None
    ad_num_ports: Annotated[int | None, gauge("Interfaces in that aggregator.")] = None
    ad_actor_key: Annotated[int | None, info("Key of this side.")] = None
    ad_partner_key: Annotated[int | None, info("Key of the other side.")] = None
    ad_partner_mac: Annotated[str | None, info("Hardware address of the other side.")] = None
    slaves: Annotated[list[BondSlave], group("Interfaces that it is made of.")] = []


def _word(folder: Folder, name: str) -> str | None:
    """A setting without the number that stands behind it: `802.3ad 4`."""
    text = folder.text(name)
    return None if text is None else text.split(" ", 1)[0]


def _state(data: bytes) -> int | None:
    return None if data == b"N/A" else number(data)


def _slave(name: str, folder: Folder) -> BondSlave:
    return BondSlave(
        name,
        folder.text("state"),
        folder.text("mii_status"),
        folder.number("link_failure_count"),
        folder.text("perm_hwaddr"),
        folder.number("queue_id"),
        folder.parsed("ad_aggregator_id", _state),
        folder.parsed("ad_actor_oper_port_state", _state),
        folder.parsed("ad_partner_oper_port_state", _state),
    )


def parse(folder: Folder) -> Bond | None:
    if not folder.entries:
        return None
    targets = folder.text("bonding/arp_ip_target")
    number, text = folder.number, folder.text
    return Bond(
        folder.name, _word(folder, "bonding/mode"), text("bonding/mii_status"), text("bonding/active_slave"),
        text("bonding/primary"), _word(folder, "bonding/primary_reselect"), _word(folder, "bonding/fail_over_mac"),
        _word(folder, "bonding/xmit_hash_policy"), number("bonding/miimon"), number("bonding/updelay"),
        number("bonding/downdelay"), number("bonding/arp_interval"), None if targets is None else targets.split(),
        _word(folder, "bonding/arp_validate"), number("bonding/min_links"), number("bonding/num_grat_arp"),
        number("bonding/resend_igmp"), _word(folder, "bonding/lacp_rate"), _word(folder, "bonding/ad_select"),
        number("bonding/ad_aggregator"), number("bonding/ad_num_ports"), number("bonding/ad_actor_key"),
        number("bonding/ad_partner_key"), text("bonding/ad_partner_mac"),
        [
            _slave(inert(slave.path.split("/")[-2].removeprefix("lower_").encode("utf-8", "surrogateescape")), slave)
            for slave in folder.folders("lower_*/bonding_slave")
        ],
    )  # fmt: skip


_BOND = (
    "mode", "mii_status", "active_slave", "primary", "primary_reselect", "fail_over_mac", "xmit_hash_policy",
    "miimon", "updelay", "downdelay", "arp_interval", "arp_ip_target", "arp_validate", "min_links", "num_grat_arp",
    "resend_igmp", "lacp_rate", "ad_select", "ad_aggregator", "ad_num_ports", "ad_actor_key", "ad_partner_key",
    "ad_partner_mac",
)  # fmt: skip
_SLAVE = (
    "state", "mii_status", "link_failure_count", "perm_hwaddr", "queue_id", "ad_aggregator_id",
    "ad_actor_oper_port_state", "ad_partner_oper_port_state",
)  # fmt: skip
FILES = (*(f"bonding/{name}" for name in _BOND), *(f"lower_*/bonding_slave/{name}" for name in _SLAVE))
BONDING = Tree("bonding", "/sys/class/net/*", FILES, Bond, parse, inside="bonding")
