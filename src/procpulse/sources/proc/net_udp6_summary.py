"""/proc/net/udp6: how many UDP sockets over IPv6 there are and how much waits in them, without keeping any of them.

      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
     1843: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   114        0 21366 2 0000000000000000 0

The record is that of `net_udp_summary`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Fold
from procpulse.sources.proc.net_udp_summary import UdpSum, UdpSummary

NET_UDP6_SUMMARY = Fold("net_udp6_summary", "/proc/net/udp6", UdpSummary, UdpSum)
