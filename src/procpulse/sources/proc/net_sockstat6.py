"""/proc/net/sockstat6: sockets over IPv6 in use, by protocol.

    TCP6: inuse 17
    FRAG6: inuse 0 memory 0

The record is that of `net_sockstat`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Source
from procpulse.sources.proc.net_sockstat import NetSockstat, parse

NET_SOCKSTAT6 = Source("net_sockstat6", "/proc/net/sockstat6", NetSockstat, parse, rows=0)
