from procpulse.sources.proc.net_dev_snmp6 import InterfaceSnmp6
from procpulse.sources.proc.pid_net_dev_snmp6 import PID_NET_DEV_SNMP6, PidNetDevSnmp6
from tests.cases import folder

FILES = {
    "net/dev_snmp6/lo": "ifIndex                         \t1\nIp6InReceives                   \t0\n",
    "net/dev_snmp6/eth0": "ifIndex                         \t2\nIp6InReceives                   \t9\n",
}
ROWS = [InterfaceSnmp6("eth0", 2, {"Ip6InReceives": 9}), InterfaceSnmp6("lo", 1, {"Ip6InReceives": 0})]


def test_net_dev_snmp6() -> None:
    assert PID_NET_DEV_SNMP6.parse(folder("/proc/7", FILES)) == PidNetDevSnmp6(ROWS)


def test_garbage_costs_its_own_interface() -> None:
    this = folder("/proc/7", FILES | {"net/dev_snmp6/bad": "ifIndex                         \tx\n"})
    assert PID_NET_DEV_SNMP6.parse(this) == PidNetDevSnmp6(ROWS)
    assert list(this.failures()) == ["net/dev_snmp6/bad"]
