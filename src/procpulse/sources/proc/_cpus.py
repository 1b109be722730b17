"""Which CPU a row belongs to, in tables that have a row for each CPU and no number in it.

Some tables have a row for each CPU that is online, some for each that the host may have; both in the order of the
CPUs' numbers, which need not be without gaps.

https://docs.kernel.org/admin-guide/cputopology.html
"""

from typing import Any

from procpulse.source import Read, Steps
from procpulse.text import lines, number, span

_FOLDER = "/sys/devices/system/cpu"
ONLINE = (Read(f"{_FOLDER}/online", 4096, False, True), Read("/proc/stat", 1 << 22))
"""What tells which CPUs are online: the list, and where /sys cannot be seen, the rows of the CPUs in `stat`."""
_POSSIBLE = Read(f"{_FOLDER}/possible", 4096, False, True)


def online(answers: list[Any]) -> list[list[int]]:
    """The CPUs that are online, as each of the answers to `ONLINE` has them; none where it cannot be read.

    The two can differ: a container may be shown CPUs of its own in one of them.
    """
    listed, stat = answers
    found = [_span(listed)]
    if isinstance(stat, bytes):
        words = (line.split(None, 1)[0] for line in lines(stat) if line.startswith(b"cpu"))
        found.append([number(word[3:]) for word in words if word[3:].isdigit()])
    return [cpus for cpus in found if cpus]


def possible() -> Steps[list[int]]:
    """The CPUs that the host may have, which never change; none where that cannot be known."""
    [answer] = yield (_POSSIBLE,)
    return _span(answer)


def numbered(places: list[int], cpus: list[int]) -> list[int]:
    """The CPUs of the rows at these places, one for each that the host may have; the places where it is not known.

    A table with more rows than there are CPUs on the list, or with fewer after its last, is not of these.
    """
    fits = bool(places) and places[-1] + 1 == len(cpus)
    return [cpus[place] for place in places] if fits else places


def _span(answer: Any) -> list[int]:
    try:
        return span(answer) if isinstance(answer, bytes) else []
    except ValueError:
        return []
