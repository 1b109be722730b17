"""/proc/cmdline: what the boot loader told the kernel.

    BOOT_IMAGE=/vmlinuz root=/dev/sda2 ro quiet

https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.redact import redacted
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


def without_secrets(found: Cmdline) -> Cmdline:
    """The command line of the kernel without its secrets: the key of a disk, the token of an installer."""
    parameters = redacted(["kernel", *found.parameters])[1:]
    return found if parameters == found.parameters else Cmdline(parameters)


def _parse_redacted(file: File) -> Cmdline:
    return without_secrets(parse(file))


REDACTED = Source("cmdline", "/proc/cmdline", Cmdline, _parse_redacted, whole=True)
"""The same, with what may be secret hidden before anything else sees it."""
CMDLINE = Source("cmdline", "/proc/cmdline", Cmdline, parse, whole=True)
