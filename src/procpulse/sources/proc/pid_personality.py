"""/proc/[pid]/personality: how the kernel behaves for a process. Needs its user, or CAP_SYS_PTRACE.

    00040000

https://man7.org/linux/man-pages/man2/personality.2.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import hexadecimal


class PidPersonality(msgspec.Struct, frozen=True, gc=False):
    """The execution domain of a process."""

    persona: Annotated[int, info("Flags and domain, as of personality(2); 0x40000 is no address randomisation.")]


def parse(file: ProcessFile) -> PidPersonality:
    return PidPersonality(hexadecimal(file.data.strip()))


PID_PERSONALITY = Part("personality", "personality", PidPersonality, parse, program=True)
