from typing import Any

import pytest

from procpulse import Reason
from procpulse.sources import BONDING
from procpulse.sources.sysfs.bonding import Bond, BondSlave
from tests.cases import failure, read, reading

N = "/sys/class/net"
B = f"{N}/bond0/bonding"
S = f"{N}/bond0/lower_eth0/bonding_slave"
LACP = {
    f"{B}/mode": "802.3ad 4\n",
    f"{B}/mii_status": "up\n",
    f"{B}/active_slave": "",
    f"{B}/primary": "",
    f"{B}/primary_reselect": "always 0\n",
    f"{B}/fail_over_mac": "none 0\n",
    f"{B}/xmit_hash_policy": "layer3+4 1\n",
    f"{B}/miimon": "100\n",
    f"{B}/updelay": "200\n",
    f"{B}/downdelay": "300\n",
    f"{B}/arp_interval": "0\n",
    f"{B}/arp_ip_target": "",
    f"{B}/arp_validate": "none 0\n",
    f"{B}/min_links": "1\n",
    f"{B}/num_grat_arp": "2\n",
    f"{B}/resend_igmp": "3\n",
    f"{B}/lacp_rate": "fast 1\n",
    f"{B}/ad_select": "bandwidth 1\n",
    f"{B}/ad_aggregator": "1\n",
    f"{B}/ad_num_ports": "2\n",
    f"{B}/ad_actor_key": "15\n",
    f"{B}/ad_partner_key": "1001\n",
    f"{B}/ad_partner_mac": "02:00:5e:10:00:01\n",
    f"{B}/slaves": "eth0 eth10\n",
    f"{S}/state": "active\n",
    f"{S}/mii_status": "up\n",
    f"{S}/link_failure_count": "2\n",
    f"{S}/perm_hwaddr": "02:00:5e:10:00:02\n",
    f"{S}/queue_id": "0\n",
    f"{S}/ad_aggregator_id": "1\n",
    f"{S}/ad_actor_oper_port_state": "63\n",
    f"{S}/ad_partner_oper_port_state": "61\n",
    f"{N}/bond0/lower_eth10/bonding_slave/state": "backup\n",
    f"{N}/bond0/lower_eth10/bonding_slave/ad_aggregator_id": "N/A\n",
    f"{N}/bond0/lower_eth10/mtu": "1500\n",
    f"{N}/bond0/mtu": "1500\n",
    f"{N}/eth0/bonding_slave/state": "active\n",
    f"{N}/bonding_masters": "bond0\n",
}
SLAVES = [
    BondSlave("eth0", "active", "up", 2, "02:00:5e:10:00:02", 0, 1, 63, 61),
    BondSlave("eth10", "backup"),
]
VALUES: dict[str, Any] = {
    "name": "bond0",
    "mode": "802.3ad",
    "mii_status": "up",
    "primary_reselect": "always",
    "fail_over_mac": "none",
    "xmit_hash_policy": "layer3+4",
    "miimon_ms": 100,
    "updelay_ms": 200,
    "downdelay_ms": 300,
    "arp_interval_ms": 0,
    "arp_validate": "none",
    "min_links": 1,
    "num_peer_notif": 2,
    "resend_igmp": 3,
    "lacp_rate": "fast",
    "ad_select": "bandwidth",
    "ad_aggregator": 1,
    "ad_num_ports": 2,
    "ad_actor_key": 15,
    "ad_partner_key": 1001,
    "ad_partner_mac": "02:00:5e:10:00:01",
    "slaves": SLAVES,
}


def test_link_aggregation() -> None:
    assert read(BONDING, LACP) == [Bond(**VALUES)]


def test_link_aggregation_for_those_who_are_not_root() -> None:
    hidden = {f"{B}/ad_actor_key": "", f"{B}/ad_partner_key": "", f"{B}/ad_partner_mac": ""}
    shown = {"ad_actor_key": None, "ad_partner_key": None, "ad_partner_mac": None}
    assert read(BONDING, LACP | hidden) == [Bond(**(VALUES | shown))]


def test_one_in_use_one_in_reserve() -> None:
    files = {
        f"{N}/uplink/bonding/mode": "active-backup 1\n",
        f"{N}/uplink/bonding/active_slave": "eth1\n",
        f"{N}/uplink/bonding/primary": "eth1\n",
        f"{N}/uplink/bonding/arp_interval": "250\n",
        f"{N}/uplink/bonding/arp_ip_target": "192.0.2.1 192.0.2.254\n",
    }
    assert read(BONDING, files) == [
        Bond(
            "uplink",
            "active-backup",
            active_slave="eth1",
            primary="eth1",
            arp_interval_ms=250,
            arp_ip_target=["192.0.2.1", "192.0.2.254"],
        )
    ]


@pytest.mark.parametrize(
    ("path", "data", "field"),
    [(f"{B}/miimon", "often\n", "miimon_ms"), (f"{B}/ad_num_ports", "0x2\n", "ad_num_ports")],
)
def test_garbage_costs_its_own_field(path: str, data: str, field: str) -> None:
    [row], this = reading(BONDING, LACP | {path: data})
    assert row == Bond(**(VALUES | {field: None}))
    assert [failed.reason for failed in this.failures.values()] == [Reason.MALFORMED]


def test_a_hostile_name() -> None:
    [row] = read(BONDING, {f"{B}/mode": "balance-rr 0\n", f"{N}/bond0/lower_\udcffe/bonding_slave/state": b"\x1bup\n"})
    assert row.slaves == [BondSlave("\\xffe", "\\x1bup")]


def test_no_bond() -> None:
    assert read(BONDING, {f"{N}/eth0/mtu": "1500\n", f"{N}/lo/mtu": "65536\n"}) == []
    assert failure(BONDING, {}).reason is Reason.MISSING
