"""/proc/version: which kernel runs, and what it was built with.

    Linux version 6.18.4 (someone@somewhere) (gcc (GCC) 15.2.0, GNU ld (GNU Binutils) 2.45) #1 SMP PREEMPT_DYNAMIC ...

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.source import File, Source
from procpulse.text import inert


class Version(msgspec.Struct, frozen=True, gc=False):
    """The kernel. Who built it, and where, is left out."""

    release: Annotated[str, info("Its release, as in `uname -r`.")]
    build: Annotated[
        str, info("Number of the build, how it may be preempted, and when it was built, as in `uname -v`.")
    ]
    compiler: Annotated[str | None, info("The compiler, and of newer kernels the linker, with their versions.")] = None


def parse(file: File) -> Version:
    _, version, release, rest = file.data.strip().split(b" ", 3)
    if version != b"version":
        raise ValueError("not the version of a kernel")
    builder, rest = _bracketed(rest)
    compiler, rest = _bracketed(rest) if builder is not None else (None, rest)
    return Version(inert(release), inert(rest), None if compiler is None else inert(compiler))


def _bracketed(text: bytes) -> tuple[bytes | None, bytes]:
    """What stands in brackets at the start of a text, brackets in it included; and what comes after."""
    if not text.startswith(b"("):
        return None, text
    depth = 0
    for i, char in enumerate(text):
        depth += (char == ord("(")) - (char == ord(")"))
        if not depth:
            return text[1:i], text[i + 1 :].lstrip()
    raise ValueError("a bracket without its end")


VERSION = Source("version", "/proc/version", Version, parse, whole=True)
