"""Addresses in captured files: those of live processes start anew from a fixed one, those of the kernel become zeros.

Where the kernel put things in memory (ASLR) is what an attacker has to guess. A captured file keeps the order and the sizes
of mappings, and which of them touch; it keeps no address.
"""

import re
from bisect import bisect_right

_SPAN = re.compile(rb"(?m)^([0-9a-f]{1,16})-([0-9a-f]{1,16})(?= [r-][w-][x-][ps-] )")
_START = re.compile(rb"(?m)^([0-9a-f]{1,16})(?= )")
_FIRST = 0x400000
_GAP = 0x10000
_PAGE = 0x1000

_STAT = (26, 27, 28, 29, 30, 35, *range(45, 52))
"""Columns of /proc/[pid]/stat that are addresses, counted from 1 as in proc(5): startcode, endcode, startstack, kstkesp,
kstkeip, wchan, and from start_data to env_end."""

_POINTER = re.compile(rb"\b[0-9a-f]{8,16}\b")
_SOCKET_ROW = re.compile(rb"(?m)^( *[0-9]+:(?: +[^ \n]+){10} +)([0-9a-f]{8,16})\b")
_FIRST_COLUMN = re.compile(rb"(?m)^([0-9a-f]{8,16})\b")
_TIMER = re.compile(rb"<[0-9a-f]{8,16}>|(?<=\.base:)( *)[0-9a-f]{8,16}\b")
_SIGNAL = re.compile(rb"(?m)^(signal: [0-9]+/)([0-9a-f]+)$")
_USER_DATA = re.compile(rb"((?:\bdata|\buser_data|\bf_handle|\baddr|\bptr): *)(?:0x)?([0-9a-f]+)")


class AddressSpace:
    """The addresses of one process, and what they become."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._new: list[int] = []

    def learn(self, spans: list[tuple[int, int]]) -> None:
        """Take in its mappings, unless they are known already: files of one process are to agree."""
        if self._starts:
            return
        place, before = _FIRST, None
        for start, end in sorted(spans):
            if end < start or (before is not None and start < before):
                continue
            if before is not None and start != before:
                place += _GAP
            self._starts.append(start)
            self._ends.append(end)
            self._new.append(place)
            place += end - start
            before = end

    def rebased(self, address: int) -> int:
        """What an address becomes; what is in no mapping that is known is put after the one before it."""
        at = bisect_right(self._starts, address) - 1
        if at < 0:
            return _FIRST - _PAGE
        return self._new[at] + min(address, self._ends[at]) - self._starts[at]


def maps(data: bytes, space: AddressSpace) -> bytes:
    """maps, smaps or smaps_rollup, with the addresses of its rows made anew."""
    if b"[rollup]" not in data:  # whose one row spans everything
        space.learn([(int(start, 16), int(end, 16)) for start, end in _SPAN.findall(data)])
    return _SPAN.sub(
        lambda span: b"%08x-%08x" % (space.rebased(int(span[1], 16)), space.rebased(int(span[2], 16))), data
    )


def numa_maps(data: bytes, space: AddressSpace) -> bytes:
    """numa_maps, which tells where mappings start and not where they end."""
    starts = sorted({int(start, 16) for start in _START.findall(data)})
    space.learn([(start, start + _PAGE) for start in starts])
    return _START.sub(lambda start: b"%x" % space.rebased(int(start[1], 16)), data)


def stat(tail: bytes) -> bytes:
    """The columns of /proc/[pid]/stat after the name, with 0 for each address, as the kernel shows it to others."""
    columns = tail.split(b" ")
    # The first column after the name is the state, the third of the file; a blank comes before it.
    shift = 0 if columns[:1] == [b""] else 1
    for column in _STAT:
        place = column - 2 - shift
        if place < len(columns) and columns[place].strip().isdigit():
            columns[place] = b"0" + columns[place][len(columns[place].rstrip()) :]
    return b" ".join(columns)


def kernel_pointers(path: str, data: bytes) -> bytes:
    """A file of /proc/net, or timer_list, with zeros for what the kernel prints of its own pointers, hashed or not."""
    name = path.rpartition("/")[2]
    if name == "timer_list":
        return _TIMER.sub(lambda found: _POINTER.sub(_zeros, found[0]), data)
    if "/net/" not in path:
        return data
    if name in ("netlink", "packet", "unix", "vsock"):
        return _FIRST_COLUMN.sub(_zeros, data)
    if re.fullmatch(r"(tcp|udp|udplite|raw|icmp|ping)6?", name):
        return _SOCKET_ROW.sub(lambda row: row[1] + b"0" * len(row[2]), data)
    return data


def user_values(data: bytes) -> bytes:
    """fdinfo or timers of a process, with zeros for what it chose to be told, which often is an address."""
    data = _SIGNAL.sub(lambda found: found[1] + b"0" * len(found[2]), data)
    return _USER_DATA.sub(lambda found: found[1] + b"0" * len(found[2]), data)


def _zeros(found: re.Match[bytes]) -> bytes:
    return b"0" * len(found[0])
