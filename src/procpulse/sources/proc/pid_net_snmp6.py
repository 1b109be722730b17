"""/proc/[pid]/net/snmp6: counters of IPv6, ICMPv6 and UDP over IPv6, in the network namespace of a process.

    Ip6InReceives                   	92166
    Icmp6InMsgs                     	53293

https://docs.kernel.org/networking/snmp_counter.html
"""

from procpulse.process import Part
from procpulse.sources.proc.net_snmp6 import NetSnmp6, parse

PID_NET_SNMP6 = Part("net_snmp6", "net/snmp6", NetSnmp6, parse, slow=True, rows=0)
