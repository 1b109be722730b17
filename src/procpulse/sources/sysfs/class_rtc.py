"""/sys/class/rtc/rtc*: clocks that go on while the host is off.

    name: rtc_cmos 00:02, since_epoch: 1767225600, hctosys: 1

The time is asked from the clock, over a slow bus.

https://docs.kernel.org/admin-guide/rtc.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.tree import Folder, Tree


class Rtc(msgspec.Struct, frozen=True, gc=False):
    """One clock."""

    name: Annotated[str, label("Name of the device, such as rtc0.")]
    model: Annotated[str | None, info("Driver and device behind it.")] = None
    since_epoch_seconds: Annotated[int | None, gauge("Its time, since 1970.")] = None
    wakealarm_seconds: Annotated[int | None, gauge("When it will wake the host, since 1970; None for not at all.")] = (
        None
    )
    offset: Annotated[int | None, info("How much its speed is corrected, in parts per billion.")] = None
    max_user_freq_hz: Annotated[int | None, gauge("Most interrupts that ordinary users may ask for.")] = None
    hctosys: Annotated[bool | None, info("Whether the system's clock was set by it at boot.")] = None
    range: Annotated[str | None, info("Times that it can show, as seconds since 1970, [first,last].")] = None


def parse(folder: Folder) -> Rtc:
    number, text = folder.number, folder.text
    return Rtc(
        folder.name,
        text("name"),
        folder.signed("since_epoch"),
        number("wakealarm"),
        folder.signed("offset"),
        number("max_user_freq"),
        folder.flag("hctosys"),
        text("range"),
    )


FILES = ("name", "since_epoch", "wakealarm", "offset", "max_user_freq", "hctosys", "range")
CLASS_RTC = Tree("class_rtc", "/sys/class/rtc/rtc[0-9]*", FILES, Rtc, parse, slow=True, cadence=10.0)
