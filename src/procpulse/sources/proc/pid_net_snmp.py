"""/proc/[pid]/net/snmp: counters of IPv4, ICMP, TCP and UDP, in the network namespace of a process.

    Ip: Forwarding DefaultTTL InReceives InHdrErrors
    Ip: 1 64 594223 0

https://docs.kernel.org/networking/snmp_counter.html
"""

from procpulse.process import Part
from procpulse.sources.proc.net_snmp import NetSnmp, parse

PID_NET_SNMP = Part("net_snmp", "net/snmp", NetSnmp, parse, slow=True)
