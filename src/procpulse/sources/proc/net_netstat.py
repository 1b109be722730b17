"""/proc/net/netstat: Linux's own counters of TCP, IP and MPTCP.

    TcpExt: SyncookiesSent SyncookiesRecv
    TcpExt: 0 0

https://docs.kernel.org/networking/snmp_counter.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge
from procpulse.source import File, Source
from procpulse.text import headed


class NetNetstat(msgspec.Struct, frozen=True, gc=False):
    """Counters by protocol, under the kernel's own names: a new kernel's new column shows up by itself."""

    tcp_ext: Annotated[dict[str, int], counter("TCP, such as TCPTimeouts.", bits="long")]
    ip_ext: Annotated[dict[str, int], counter("IPv4, such as InOctets.")]
    mptcp_ext: Annotated[dict[str, int], counter("Multipath TCP, such as MPCapableSYNRX (Linux 5.7).", bits="long")]
    mptcp_curr_estab: Annotated[
        int | None, gauge("Multipath TCP connections that are established or closing now (Linux 6.8).")
    ] = None


def parse(file: File) -> NetNetstat:
    found = headed(file.data, file.lose)
    if not found:
        raise ValueError("no lines of names and values")
    mptcp = found.get("MPTcpExt", {})
    established = mptcp.pop("MPCurrEstab", None)
    return NetNetstat(found.get("TcpExt", {}), found.get("IpExt", {}), mptcp, established)


NET_NETSTAT = Source("net_netstat", "/proc/net/netstat", NetNetstat, parse)
