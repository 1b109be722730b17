"""/proc/net/tls_stat: TLS connections whose records the kernel or the network card encrypts.

    TlsCurrTxSw                     	14
    TlsTxSw                         	20418

https://docs.kernel.org/networking/tls.html#statistics
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, words


class NetTlsStat(msgspec.Struct, frozen=True, gc=False):
    """TLS in numbers, under the kernel's own names: a new kernel's new row shows up by itself."""

    sessions: Annotated[dict[str, int], gauge("Sessions now, by direction and place, such as TlsCurrTxSw.")]
    counters: Annotated[dict[str, int], counter("Events, such as TlsDecryptError.", bits="long")]


def parse(file: File) -> NetTlsStat:
    found = rows(file.data)
    return NetTlsStat(
        {key: value for key, value in found.items() if key.startswith("TlsCurr")},
        {key: value for key, value in found.items() if not key.startswith("TlsCurr")},
    )


def rows(data: bytes) -> dict[str, int]:
    """Rows of a name and a number, by name.

    Raises:
        ValueError: a row is something else, or there is none.
    """
    found = {inert(key): number(value) for key, value, *_ in (words(line, 2) for line in lines(data))}
    if not found:
        raise ValueError("no rows")
    return found


NET_TLS_STAT = Source("net_tls_stat", "/proc/net/tls_stat", NetTlsStat, parse, whole=True, rows=0)
