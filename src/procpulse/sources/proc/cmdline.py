"""/proc/cmdline: what the boot loader told the kernel.

    BOOT_IMAGE=/vmlinuz root=/dev/sda2 ro quiet

https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.source import File, Source
from procpulse.text import inert


class Cmdline(msgspec.Struct, frozen=True):
    """The command line of the kernel."""

    parameters: Annotated[
        list[str],
        info("Parameters in their order, blanks inside double quotes kept; those after -- are for the init process."),
    ]


# What is in double quotes belongs together, as for the kernel itself; a quote that nobody closes runs to the end.
_PARAMETER = re.compile(rb'(?:[^\s"]|"[^"]*(?:"|\Z))+')


def parse(file: File) -> Cmdline:
    return Cmdline([inert(word) for word in _PARAMETER.findall(file.data.strip())])


CMDLINE = Source("cmdline", "/proc/cmdline", Cmdline, parse, whole=True)
