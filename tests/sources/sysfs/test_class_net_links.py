import pytest

from procpulse import Reason
from procpulse.sources import CLASS_NET_LINKS
from procpulse.sources.sysfs.class_net_links import NetLinks
from tests.cases import failure, read, reading

N = "/sys/class/net"
CARD = {
    f"{N}/enp1s0/ifindex": "2\n",
    f"{N}/enp1s0/iflink": "2\n",
    f"{N}/enp1s0/type": "1\n",
    f"{N}/enp1s0/uevent": "INTERFACE=enp1s0\nIFINDEX=2\n",
    f"{N}/enp1s0/device/driver@": "../../../../bus/pci/drivers/e1000e",
    f"{N}/enp1s0/master@": "../../../../virtual/net/br0",
}


def test_a_card_in_a_bridge_and_what_is_virtual() -> None:
    files = CARD | {
        f"{N}/br0/ifindex": "5\n", f"{N}/br0/iflink": "5\n", f"{N}/br0/type": "1\n",
        f"{N}/br0/uevent": "DEVTYPE=bridge\nINTERFACE=br0\nIFINDEX=5\n",
        f"{N}/enp1s0.7/ifindex": "9\n", f"{N}/enp1s0.7/iflink": "2\n",
        f"{N}/enp1s0.7/uevent": "DEVTYPE=vlan\nINTERFACE=enp1s0.7\n",
        f"{N}/lo/ifindex": "1\n", f"{N}/lo/type": "772\n",
    }  # fmt: skip
    assert read(CLASS_NET_LINKS, files) == [
        NetLinks("br0", 5, 5, 1, "bridge"),
        NetLinks("enp1s0", 2, 2, 1, None, "e1000e", "br0"),
        NetLinks("enp1s0.7", 9, 2, None, "vlan"),
        NetLinks("lo", 1, type=772),
    ]


def test_what_is_no_interface_is_no_row() -> None:
    assert read(CLASS_NET_LINKS, {f"{N}/bonding_masters": "bond0\n", f"{N}/going/iflink": "3\n"}) == []


@pytest.mark.parametrize("name", ["ifindex", "iflink", "type"])
def test_garbage_costs_its_own_field(name: str) -> None:
    [row], this = reading(CLASS_NET_LINKS, CARD | {f"{N}/enp1s0/{name}": "two\n"})
    assert (getattr(row, name), row.driver) == (None, "e1000e")
    assert this.failures[name].reason is Reason.MALFORMED


def test_hostile_words() -> None:
    [row] = read(CLASS_NET_LINKS, CARD | {f"{N}/enp1s0/uevent": b"DEVTYPE=\x1b[0m\xff\nDEVTYPE=\n"})
    assert row.kind == "\\x1b[0m\\xff"


def test_no_network() -> None:
    assert failure(CLASS_NET_LINKS, {}).reason is Reason.MISSING
