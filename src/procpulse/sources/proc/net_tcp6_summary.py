"""/proc/net/tcp6: how many TCP sockets over IPv6 are in which state, without keeping any of them.

      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20817 1 0000000000000000 100 0 0 10 0

The record is that of `net_tcp_summary`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Fold
from procpulse.sources.proc.net_tcp_summary import TcpSum, TcpSummary

NET_TCP6_SUMMARY = Fold("net_tcp6_summary", "/proc/net/tcp6", TcpSummary, TcpSum)
