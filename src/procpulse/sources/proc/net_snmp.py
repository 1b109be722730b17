"""/proc/net/snmp: counters of IPv4, ICMP, TCP and UDP, after the management tables of RFC 1213.

    Ip: Forwarding DefaultTTL InReceives InHdrErrors
    Ip: 1 64 594223 0

https://docs.kernel.org/networking/snmp_counter.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info
from procpulse.source import File, Source
from procpulse.text import headed


class NetSnmp(msgspec.Struct, frozen=True, gc=False):
    """Counters by protocol, under the kernel's own names: a new kernel's new column shows up by itself."""

    ip: Annotated[dict[str, int], counter("IPv4, such as InReceives.")]
    icmp: Annotated[dict[str, int], counter("ICMP, such as InEchos.", bits="long")]
    icmp_msg: Annotated[
        dict[str, int], counter("ICMP messages by type, such as InType8.", bits="long", absent_is_zero=True)
    ]
    tcp: Annotated[dict[str, int], counter("TCP, such as RetransSegs.", bits="long")]
    udp: Annotated[dict[str, int], counter("UDP, such as InDatagrams.", bits="long")]
    udp_lite: Annotated[dict[str, int], counter("UDP-Lite, such as InDatagrams; gone since Linux 6.19.", bits="long")]
    ip_forwarding: Annotated[int | None, info("Whether the host forwards: 1 yes, 2 no.")] = None
    ip_default_ttl: Annotated[int | None, info("Time to live that packets get.")] = None
    tcp_rto_algorithm: Annotated[
        int | None, info("How the time to a retransmission is found: 1 another, 4 Van Jacobson's.")
    ] = None
    tcp_rto_min_ms: Annotated[int | None, gauge("Shortest time to a retransmission.")] = None
    tcp_rto_max_ms: Annotated[int | None, gauge("Longest time to a retransmission.")] = None
    tcp_max_conn: Annotated[int | None, info("Most connections that there may be; -1 for no limit.")] = None
    tcp_curr_estab: Annotated[int | None, gauge("Connections that are established or closing now.")] = None


def parse(file: File) -> NetSnmp:
    found = headed(file.data, file.lose)
    if not found:
        raise ValueError("no lines of names and values")
    ip, tcp = found.get("Ip", {}), found.get("Tcp", {})
    return NetSnmp(
        ip_forwarding=ip.pop("Forwarding", None),
        ip_default_ttl=ip.pop("DefaultTTL", None),
        tcp_rto_algorithm=tcp.pop("RtoAlgorithm", None),
        tcp_rto_min_ms=tcp.pop("RtoMin", None),
        tcp_rto_max_ms=tcp.pop("RtoMax", None),
        tcp_max_conn=tcp.pop("MaxConn", None),
        tcp_curr_estab=tcp.pop("CurrEstab", None),
        ip=ip,
        icmp=found.get("Icmp", {}),
        icmp_msg=found.get("IcmpMsg", {}),
        tcp=tcp,
        udp=found.get("Udp", {}),
        udp_lite=found.get("UdpLite", {}),
    )


NET_SNMP = Source("net_snmp", "/proc/net/snmp", NetSnmp, parse)
