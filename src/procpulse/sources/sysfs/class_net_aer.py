"""/sys/class/net/*/device/aer_dev_*: errors on the PCI Express link of network adapters.

    aer_dev_correctable: RxErr 3
    aer_dev_correctable: TOTAL_ERR_COR 3

https://docs.kernel.org/PCI/pcieaer-howto.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, label
from procpulse.text import inert, lines, number
from procpulse.tree import Folder, Tree


class NetAer(msgspec.Struct, frozen=True, gc=False):
    """Errors on the link of one adapter, by kind (Linux 4.19). Interfaces of one adapter show the same numbers."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    correctable: Annotated[dict[str, int], counter("Errors that the hardware corrected, such as BadTLP.")] = {}
    fatal: Annotated[dict[str, int], counter("Errors after which the link has to be reset.")] = {}
    nonfatal: Annotated[dict[str, int], counter("Errors that lost a transaction, while the link goes on.")] = {}
    correctable_messages: Annotated[
        int | None, counter("Messages about corrected errors; one can speak of several (Linux 4.19).")
    ] = None
    fatal_messages: Annotated[int | None, counter("Messages about fatal errors (Linux 4.19).")] = None
    nonfatal_messages: Annotated[int | None, counter("Messages about nonfatal errors (Linux 4.19).")] = None


def aer(data: bytes) -> tuple[dict[str, int], int | None]:
    """The errors by kind, and how many messages told of them.

    Raises:
        ValueError: a line does not end in a number.
    """
    errors = {}
    messages = None
    for line in lines(data):
        kind, _, count = line.rstrip().rpartition(b" ")  # up to Linux 5.7 kinds have blanks: Bad TLP
        if kind.startswith(b"TOTAL_ERR_"):
            messages = number(count)
        elif kind:
            errors[inert(kind.strip())] = number(count)
        else:
            raise ValueError("an error without a name")
    return errors, messages


def parse(folder: Folder) -> NetAer | None:
    if not folder.entries:
        return None
    correctable, fatal, nonfatal = [folder.parsed(name, aer) or ({}, None) for name in FILES]
    return NetAer(folder.name, correctable[0], fatal[0], nonfatal[0], correctable[1], fatal[1], nonfatal[1])


FILES = ("device/aer_dev_correctable", "device/aer_dev_fatal", "device/aer_dev_nonfatal")
CLASS_NET_AER = Tree("class_net_aer", "/sys/class/net/*", FILES, NetAer, parse)
