"""/proc/[pid]/net/netstat: Linux's own counters of TCP, IP and MPTCP, in the network namespace of a process.

    TcpExt: SyncookiesSent SyncookiesRecv
    TcpExt: 0 0

https://docs.kernel.org/networking/snmp_counter.html
"""

from procpulse.process import Part
from procpulse.sources.proc.net_netstat import NetNetstat, parse

PID_NET_NETSTAT = Part("net_netstat", "net/netstat", NetNetstat, parse, slow=True)
