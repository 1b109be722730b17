"""/proc/[pid]/net/dev: what each network interface received and sent, in the network namespace of a process.

    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
      eth0: 5083132   11313    0    0    0     0          0         0   552821    4090    0    0    0     0       0          0

https://docs.kernel.org/networking/statistics.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import group
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc import net_dev
from procpulse.sources.proc.net_dev import Interface


class PidNetDev(msgspec.Struct, frozen=True, gc=False):
    """Interfaces in the network namespace of a process."""

    interfaces: Annotated[list[Interface], group("One row an interface.")]

    @property
    def total(self) -> Interface:
        """All interfaces together, under their names joined with commas."""
        return net_dev.total(self.interfaces)


def parse(file: ProcessFile) -> PidNetDev:
    return PidNetDev(net_dev.parse(file))


PID_NET_DEV = Part("net_dev", "net/dev", PidNetDev, parse, slow=True, cap=1 << 22, rows=2)
