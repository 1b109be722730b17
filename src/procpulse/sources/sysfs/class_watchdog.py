"""/sys/class/watchdog/watchdog*: timers that reset the host when nobody feeds them.

    identity: iTCO_wdt, state: active, timeout: 30, timeleft: 22

The state and the time left are asked from the hardware. The devices themselves are never opened: that arms them.

https://docs.kernel.org/watchdog/watchdog-api.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.tree import Folder, Tree


class Watchdog(msgspec.Struct, frozen=True, gc=False):
    """One watchdog. What its driver does not offer is None."""

    name: Annotated[str, label("Name of the watchdog, such as watchdog0.")]
    identity: Annotated[str | None, info("What it is, in the words of its driver.")] = None
    state: Annotated[str | None, info("Whether it runs: active or inactive.")] = None
    timeout_seconds: Annotated[int | None, gauge("Time after which the host is reset if nobody feeds it.")] = None
    min_timeout_seconds: Annotated[int | None, gauge("Shortest time that can be set (Linux 5.14).")] = None
    max_timeout_seconds: Annotated[
        int | None, gauge("Longest time that can be set; 0 for one that the kernel feeds itself (Linux 5.14).")
    ] = None
    timeleft_seconds: Annotated[int | None, gauge("Time left until the host is reset.")] = None
    pretimeout_seconds: Annotated[int | None, gauge("How long before the reset it warns; 0 for not at all.")] = None
    pretimeout_governor: Annotated[str | None, info("What is done at the warning: noop or panic.")] = None
    nowayout: Annotated[bool | None, info("Whether it cannot be stopped once it runs.")] = None
    bootstatus: Annotated[int | None, info("Its status bits at boot, such as 0x20 for a reset of its making.")] = None
    status: Annotated[int | None, info("Its status bits now (WDIOF_*).")] = None
    options: Annotated[int | None, info("What it is able to do, as bits (WDIOF_*) (Linux 6.5).")] = None
    fw_version: Annotated[int | None, info("Version of its firmware (Linux 6.5).")] = None
    access_cs0: Annotated[bool | None, info("Whether the host booted from its second flash chip (Linux 5.4).")] = None


def parse(folder: Folder) -> Watchdog:
    number, text = folder.number, folder.text
    return Watchdog(
        folder.name,
        text("identity"),
        text("state"),
        number("timeout"),
        number("min_timeout"),
        number("max_timeout"),
        number("timeleft"),
        number("pretimeout"),
        text("pretimeout_governor"),
        folder.flag("nowayout"),
        number("bootstatus"),
        folder.hexadecimal("status"),
        folder.hexadecimal("options"),
        number("fw_version"),
        folder.flag("access_cs0"),
    )


FILES = (
    "identity", "state", "timeout", "min_timeout", "max_timeout", "timeleft", "pretimeout", "pretimeout_governor",
    "nowayout", "bootstatus", "status", "options", "fw_version", "access_cs0",
)  # fmt: skip
CLASS_WATCHDOG = Tree(
    "class_watchdog",
    "/sys/class/watchdog/watchdog[0-9]*",
    FILES,
    Watchdog,
    parse,
    slow=("timeleft", "status", "access_cs0"),
)
