"""IP addresses that the kernel's tables write in hexadecimal digits, as text.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from functools import lru_cache

from procpulse.sources.proc._sockets import ip
from procpulse.text import shorten


@lru_cache(4096)
def ipv4(digits: bytes, little_endian: bool = False) -> str:
    """An IPv4 address of 8 digits: of the network, or of a number of the host with its lowest byte first.

    Raises:
        ValueError: it is none.
    """
    value = _bytes(digits, 4)
    return ip(value[::-1] if little_endian else value)


@lru_cache(4096)
def ipv6(digits: bytes) -> str:
    """An IPv6 address of 32 digits, in the order of the network.

    Raises:
        ValueError: it is none.
    """
    return ip(_bytes(digits, 16))


def _bytes(digits: bytes, size: int) -> bytes:
    value = bytes.fromhex(digits.decode("ascii", "replace"))
    if len(value) != size or len(digits) != 2 * size:
        raise ValueError(f"no address of {size} bytes: {shorten(digits)}")
    return value
