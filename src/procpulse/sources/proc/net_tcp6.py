"""/proc/net/tcp6: every TCP socket over IPv6, and over IPv4 where it was opened for both.

      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20817 1 0000000000000000 100 0 0 10 0

The records are those of `net_tcp`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Fold
from procpulse.sources.proc.net_tcp import NetTcp, TcpTable

NET_TCP6 = Fold("net_tcp6", "/proc/net/tcp6", NetTcp, TcpTable)
