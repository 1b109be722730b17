"""/proc/net/udp6: every UDP socket over IPv6, and over IPv4 where it was opened for both.

      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
     1843: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   114        0 21366 2 0000000000000000 0

The records are those of `net_udp`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Fold
from procpulse.sources.proc.net_udp import NetUdp, UdpTable

NET_UDP6 = Fold("net_udp6", "/proc/net/udp6", NetUdp, UdpTable)
