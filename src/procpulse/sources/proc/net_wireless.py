"""/proc/net/wireless: how well each wireless interface receives, and what it discarded.

    Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
     face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
     wlan0: 0000   54.  -56.  -256        0      0      0      0     12        0

https://elixir.bootlin.com/linux/v6.18/source/net/wireless/wext-proc.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.text import hexadecimal, inert, lines, number, words


class Wireless(msgspec.Struct, frozen=True, gc=False):
    """One wireless interface."""

    interface: Annotated[str, label("Name of the interface.")]
    status: Annotated[int, info("State, as the driver sees fit.")]
    link: Annotated[int, gauge("Quality of the link, on a scale of the driver, often up to 70.")]
    level: Annotated[
        int | None,
        gauge("Strength of the signal, negative in dBm, otherwise on a scale of the driver; None for unknown."),
    ]
    noise: Annotated[int | None, gauge("Strength of the noise as for the signal; None where the driver does not know.")]
    discarded_nwid: Annotated[int, counter("Packets discarded as those of another network.", bits=32)]
    discarded_crypt: Annotated[int, counter("Packets discarded since they could not be decrypted.", bits=32)]
    discarded_frag: Annotated[int, counter("Packets discarded for want of a fragment.", bits=32)]
    discarded_retry: Annotated[int, counter("Packets given up after too many attempts to send them.", bits=32)]
    discarded_misc: Annotated[int, counter("Packets lost for other reasons.", bits=32)]
    missed_beacons: Annotated[int, counter("Beacons of the access point that were missed.", bits=32)]


def parse(file: File) -> list[Wireless]:
    interfaces = []
    for row in lines(file.data)[2:]:
        name, colon, rest = row.rpartition(b":")
        if not colon:
            raise ValueError("a row without a name")
        status, link, level, noise, *counters = words(rest, 10)
        interfaces.append(
            Wireless(
                inert(name.strip()),
                hexadecimal(status),
                number(link.removesuffix(b".")),
                _strength(level),
                _strength(noise),
                *[number(count) & 0xFFFF_FFFF for count in counters[:6]],  # printed with a sign that they do not have
            )
        )
    return interfaces


def _strength(token: bytes) -> int | None:
    """A strength in dBm or on a scale; -256 is the 0 of a driver that speaks of dBm and has nothing to say."""
    value = number(token.removesuffix(b"."))
    return None if value == -256 else value


NET_WIRELESS = Source("net_wireless", "/proc/net/wireless", list[Wireless], parse, rows=2)
