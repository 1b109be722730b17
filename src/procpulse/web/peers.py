"""Where a request comes from: this machine, another one, or a proxy that passes on what somebody else asked."""

import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

Headers = Mapping[bytes, list[bytes]]
"""The headers of a request, by their names in lower case."""

_SO_PEERGROUPS = 59
"""Of Linux 4.13; Python has no name for it."""
_MOST_GROUPS = 65536

_PROXY_HEADERS = frozenset(
    [
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-proxyuser-ip",
        b"true-client-ip",
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"do-connecting-ip",
        b"x-appengine-user-ip",
        b"cdn-loop",
        b"x-original-for",
        b"x-original-host",
        b"x-original-proto",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-host",
        b"x-scheme",
        b"x-url-scheme",
        b"x-nginx-proxy",
        b"x-varnish",
        b"x-request-start",
        b"x-amzn-trace-id",
        b"front-end-https",
        b"proxy-connection",
        b"remote-user",
        b"x-remote-user",
    ]
)
_PROXY_PREFIXES = (
    b"x-forwarded",
    b"x-original-forwarded",
    b"cf-",
    b"x-amz-cf-",
    b"x-arr-",
    b"x-azure-",
    b"x-envoy-",
    b"x-goog-",
    b"x-ssl-",
    b"tailscale-",
)
"""What proxies and content delivery networks add. A program on this machine has no reason to send any of it."""


class Peer(tuple[str, int]):
    """The client of a socket of the file system, as the kernel knows it. No header can look like one.

    Attributes:
        uid: Of the user that connected.
        groups: All groups of the process that connected.
    """

    uid: int
    groups: frozenset[int]

    @classmethod
    def of(cls, uid: int, groups: Iterable[int]) -> "Peer":
        """A peer of a user and these groups."""
        made = cls((f"unix user {uid}", 0))
        made.uid, made.groups = uid, frozenset(groups)
        return made


def peer_of(transport: Any) -> Peer | None:
    """Who is at the other end of a connection, if it is a socket of the file system (SO_PEERCRED)."""
    found = transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX:
        return None
    _, uid, gid = struct.unpack("iII", found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer.of(uid, {gid, *_peer_groups(found.fileno())})


def _peer_groups(fd: int) -> tuple[int, ...]:
    """The supplementary groups of who is at the other end, as they were when it connected.

    Through the C library: Python's own `getsockopt` refuses an answer of more than 1,024 bytes, which are 256 groups, and
    the kernel lets a process have 65,536.
    """
    try:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
    except (ImportError, OSError):
        return ()
    data = (ctypes.c_uint32 * _MOST_GROUPS)()
    length = ctypes.c_uint32(ctypes.sizeof(data))
    if libc.getsockopt(fd, socket.SOL_SOCKET, _SO_PEERGROUPS, data, ctypes.byref(length)):
        return ()
    return tuple(data[: length.value // 4])


def is_ours(peer: Peer, group: int | None = None) -> bool:
    """Whether a peer is root, this user, or in the group that was given."""
    return peer.uid in (0, os.geteuid()) or (group is not None and group in peer.groups)


def is_local(client: Any) -> bool:
    """Whether a client is on this machine: by the loopback. A client without an address may be anybody."""
    if not client or isinstance(client, Peer):
        return False
    address = _address(client[0])
    return address is not None and address.is_loopback


def is_forwarded(scope: MutableMapping[str, Any], headers: Headers) -> bool:
    """Whether a proxy passed this request on: it says so, or it asks as no program of today does by itself.

    nginx, as it comes, says nothing: it speaks HTTP/1.0 (until 1.29.7), and takes our own address for the Host. What a
    browser asks for the page that it has open names the same host in its Referer and its Host, unless somebody changed
    the latter. A proxy that speaks HTTP/1.1 and adds nothing cannot be told from a program on this machine.
    """
    if scope.get("http_version") in ("1.0", "0.9"):
        return True
    if any(name in _PROXY_HEADERS or name.startswith(_PROXY_PREFIXES) for name in headers):
        return True
    if headers.get(b"sec-fetch-site") == [b"same-origin"] and len(headers.get(b"referer", [])) == 1:
        with suppress(ValueError):
            site = urlsplit(headers[b"referer"][0].decode("latin-1")).netloc.lower()
            return bool(site) and [site.encode("latin-1", "replace")] != [
                host.lower() for host in headers.get(b"host", [])
            ]
    return False


class TrustedProxies:
    """Proxies whose word counts for where a request comes from, and whether it came by HTTPS.

    Args:
        addresses: Addresses or networks, such as `127.0.0.1` and `10.0.0.0/8`; `unix` for whoever may connect by the
            socket of the file system.

    Raises:
        ValueError: one is no address.
    """

    def __init__(self, addresses: Iterable[str] = ()):
        self._networks = []
        self._unix = False
        for address in addresses:
            if address == "unix":
                self._unix = True
                continue
            try:
                self._networks.append(ipaddress.ip_network(address, strict=False))
            except ValueError:
                raise ValueError(f"not the address of a proxy: {address!r}") from None

    def __contains__(self, client: object) -> bool:
        if not (self._networks or self._unix):
            return False
        if isinstance(client, Peer) or not client:
            return self._unix
        address = _address(client[0]) if isinstance(client, (tuple, list)) else None
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )

    def unwrap(self, scope: MutableMapping[str, Any], headers: Headers) -> MutableMapping[str, Any]:
        """The scope as a trusted proxy describes it: the client that it names last, and the scheme.

        What stands before in X-Forwarded-For the client may have written itself.
        """
        changed: dict[str, Any] = {}
        told = [entry.strip() for line in headers.get(b"x-forwarded-for", []) for entry in line.split(b",")]
        for entry in reversed(told):
            client = (entry.decode("latin-1").strip("[]"), 0)
            if _address(client[0]) is None:
                break
            changed["client"] = client
            if client not in self:
                break
        protocols = [
            entry.strip().lower() for line in headers.get(b"x-forwarded-proto", []) for entry in line.split(b",")
        ]
        if protocols and protocols[-1] in (b"http", b"https"):
            secure = protocols[-1] == b"https"
            plain = ("ws", "wss") if scope["type"] == "websocket" else ("http", "https")
            changed["scheme"] = plain[secure]
        return {**scope, **changed} if changed else scope


def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(str(text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
