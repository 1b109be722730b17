"""/proc/net/xfrm_stat: packets that IPsec lost, by reason.

    XfrmInError             	0
    XfrmInNoStates          	17

https://www.kernel.org/doc/html/v6.12/networking/xfrm_proc.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter
from procpulse.source import File, Source
from procpulse.sources.proc.net_tls_stat import rows


class NetXfrmStat(msgspec.Struct, frozen=True, gc=False):
    """Errors under the kernel's own names: a new kernel's new row shows up by itself."""

    counters: Annotated[dict[str, int], counter("Packets lost by reason, such as XfrmInNoStates.", bits="long")]


def parse(file: File) -> NetXfrmStat:
    return NetXfrmStat(rows(file.data))


NET_XFRM_STAT = Source("net_xfrm_stat", "/proc/net/xfrm_stat", NetXfrmStat, parse, whole=True, rows=0)
