"""/proc/net/raw6: every raw socket over IPv6, such as that of a daemon that listens to router advertisements.

      sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
       58: 00000000000000000000000000000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22140 2 0000000000000000 0

The records are those of `net_raw`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from procpulse.source import Fold
from procpulse.sources.proc.net_raw import NetRaw, RawTable

NET_RAW6 = Fold("net_raw6", "/proc/net/raw6", NetRaw, RawTable)
