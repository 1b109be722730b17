"""What a captured file says instead of what could identify the host, its users and its programs.

Names, hardware and network addresses, serial numbers, host names, command lines and unusual paths become placeholders, the same one
wherever the same name occurs, so that files still fit together. Names of devices and interfaces and numbers of users
stay.
"""

import ipaddress
import os
import posixpath
import re
from collections.abc import Callable, Iterable

from procpulse.redact import is_secret

_SECRET_FILES = re.compile(
    r"(serial|serial_number|unique_id|uuid|asset_tag|wwid|wwn|nguid|eui|node_guid|sys_image_guid|vpd)$|_serial$|_uuid$|_tag$|_guid$"
    r"|\b(sas_address|enclosure_identifier|node_name|port_name|fabric_name|subsysnqn|phys_port_id|phys_switch_id)$"
)
_GIVEN_NAMES = re.compile(r"/sys/.*/(label|ifalias|symbolic_name|dm/name)")
"""Files that hold a name that somebody gave to something."""
_UUID = re.compile(rb"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I)
_MAC = re.compile(rb"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", re.I)
_IPV4 = re.compile(rb"\b(?!0\.|127\.|255\.)(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b")
_IPV6 = re.compile(rb"(?<![\w:.])[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*(?:[0-9]+(?:\.[0-9]+){3})?(?![\w:])", re.I)
_HEX_ID = re.compile(rb"\b(?!20010db8)[0-9a-f]{32,64}\b")  # but addresses that are placeholders
_SOCKET = re.compile(rb"\b([0-9A-F]{32}|[0-9A-F]{8})(?=:[0-9A-F]{4}\b)")
_IPV6_HEX = re.compile(rb"\b[0-9a-f]{32}\b")
_ROUTE = re.compile(  # destination and gateway, the mask being further on
    rb"(?<=\t)[0-9A-F]{8}(?=\t(?:[0-9A-F]{8}\t)?[0-9A-F]{4}\t[0-9]+\t[0-9]+\t-?[0-9]+\t[0-9A-F]{8}\t)"
)
_QUIET_ADDRESSES = (b"00000000", b"0100007F", b"0" * 32, b"0" * 24 + b"01000000", b"0" * 31 + b"1")
_PATH = re.compile(rb"(?<![\w./@-])/[^\s\0:;,()\[\]]+")
_ORDINARY = re.compile(
    rb"/autogroup-[0-9]+\Z|/(proc|sys|bin|sbin|lib|lib64|boot|init|(?:system|user|init|machine)\.(?:slice|scope))(/|\Z)"
    rb"|/usr(/(?!local/)|/local/(bin|sbin|lib|share)/?\Z|\Z)|/dev(/[^/]*|/(pts|dri|input|net|snd|vfio|block|char|bus)/.*)?\Z"
    rb"|/(etc|run|tmp|var|var/log|var/lib|var/cache|home|root|opt|srv|mnt|media|run/lock|run/user)\Z"
)
# Groups that every host has, and what is left of the names of containers and pods without their ids.
_ORDINARY_GROUP = re.compile(
    rb"|(system|user|init|machine|app|background|session)\.(slice|scope)|user-[0-9]+\.slice|user@[0-9]+\.service"
    rb"|session-c?[0-9]+\.scope|(kubelet-)?kubepods(-besteffort|-burstable)?\.slice|docker|kubepods|besteffort|burstable"
    rb"|lxc|unified|cpu|cpuacct|cpu,cpuacct|memory|blkio|pids|cpuset|hugetlb"
    rb"|(docker-|libpod-|cri-containerd-|crio-|nerdctl-)?(\.scope)?|((kubelet-)?kubepods(-besteffort|-burstable)?-)?pod(\.slice)?"
)
_TARGETS = re.compile(r"(/sys/kernel/config/target/(?:core/[^/]+|iscsi)/)([^/]+)(?=/)")
_UNIX = re.compile(rb"(?m)^([0-9a-f]+:(?: +[0-9A-F]+){5} +[0-9]+ +)(\S.*)$")
_WHOSE = re.compile(rb"(?<=[ ,])(user|username|cruid|domain|name|uname|aname|password|secret)=[^,\s]+")
_MEMORY_FILE = re.compile(rb"/memfd:[^\n]*?(?= \(deleted\)|\n|\Z)")
# Values of kernel parameters that say nothing about whose host it is.
_PARAMETER = re.compile(rb'(?:[^\s"]|"[^"]*(?:"|\Z))+')
_HARMLESS = re.compile(
    rb"-?[0-9]{1,12}[kKMGTP]?|0x[0-9a-fA-F]{1,16}|on|off|auto|yes|no|y|n|always|never|madvise|force|noforce|none|full|lazy"
    rb"|strict|tty[A-Za-z]{0,6}[0-9]*(,[0-9]{1,7}[noe]?[0-9]?r?)?|pt|nobp|acpi|tsc|hpet|performance|voluntary|[a-z]"
)
_CONTAINER = re.compile(rb"[0-9a-f]{64}")
_POD = re.compile(rb"(?<=pod)[0-9a-f]{8}([-_])[0-9a-f]{4}(?:\1[0-9a-f]{4}){2}\1[0-9a-f]{12}")
_GROUP_KIND = re.compile(rb"(\.[a-z]{4,9})?( \(deleted\))?\Z")
_KNOWN_NAMES = frozenset(
    b"systemd init bash sh dash zsh python python3 sshd cron crond dbus-daemon agetty login su sudo sleep top ps"
    b" rsyslogd containerd dockerd nginx postgres redis-server systemd-journal systemd-udevd systemd-logind".split()
)


class Scrubber:
    """Replaces what could identify a host, its users and its programs.

    Args:
        host_name: The host's name, which becomes `host` wherever it occurs.
    """

    def __init__(self, host_name: str = ""):
        self._host = host_name.encode()
        self._names: dict[tuple[str, bytes], bytes] = {}

    def file(self, path: str, data: bytes) -> bytes:
        """The content of a file, scrubbed."""
        name = posixpath.basename(path)
        if _SECRET_FILES.search(name):
            return re.sub(rb"[A-Za-z0-9]", b"0", data)
        if path == "/proc/sys/kernel/hostname":
            return b"host\n"
        if re.fullmatch(r"/proc/(self|[0-9]+)/cgroup", path):
            return re.sub(rb"(?m)^([^:\n]*:[^:\n]*:)(.*)$", lambda line: line[1] + self.group(line[2]), data)
        if name == "environ":
            return re.sub(rb"[^\0]+", b"VARIABLE=scrubbed", data)
        if _GIVEN_NAMES.fullmatch(path):
            given = data.strip()
            return data.replace(given, self._given(given)) if given else data
        if name == "cmdline":
            return self._kernel_arguments(data) if path == "/proc/cmdline" else self._arguments(data)
        process = re.fullmatch(r"/proc/[0-9]+(?:/task/[0-9]+)?/(stat|comm|status|sched)", path)
        if process:
            data = self._comm(process[1], data)
        if path in ("/proc/sys/kernel/osrelease", "/proc/version"):
            data = re.sub(rb"([0-9]+\.[0-9]+\.[0-9]+)-[^\s]+", rb"\1-generic", data)
        if path == "/proc/version":
            data = re.sub(rb"\([^)]*@[^)]*\)", b"(user@host)", data)
        if path == "/proc/cpuinfo":
            data = re.sub(rb"(?m)^(Serial\s*:\s*)(\S+)", lambda line: line[1] + b"0" * len(line[2]), data)
        if path == "/proc/modules":
            data = re.sub(rb"\b0x[0-9a-f]{8,16}\b", lambda address: b"0x" + b"0" * (len(address[0]) - 2), data)
        if name == "unix":
            return _UNIX.sub(lambda line: line[1] + self._socket_name(line[2]), data)
        if "/net/" in path:
            data = _SOCKET.sub(self._keep(_QUIET_ADDRESSES, "address", self._socket_address), data)
            if name == "route":
                data = _ROUTE.sub(self._keep(_QUIET_ADDRESSES, "address", self._socket_address), data)
            if name in ("if_inet6", "ipv6_route", "igmp6", "mcfilter6"):
                data = _IPV6_HEX.sub(self._keep(_QUIET_ADDRESSES, "address6", self._address6), data)
        return self.text(data, mounts=name in ("mounts", "mountinfo", "mountstats", "swaps"))

    def link(self, path: str, target: bytes) -> bytes:
        """The target of a link, scrubbed. Links of /sys are its structure, and left alone where nobody chose names."""
        if path.startswith("/sys/kernel/config/"):
            above, slash, last = target.rpartition(b"/")
            return above + slash + self._given(last)
        return self.text(target) if path.startswith("/proc") else target

    def place(self, path: str) -> str:
        """Where a file is saved. Control groups are named by services, containers and users, targets by their owners."""
        path = _TARGETS.sub(self._target, path)
        top, file = "/sys/fs/cgroup/", posixpath.basename(path)
        if not path.startswith(top):
            return path
        folder = os.fsencode(path[len(top) : -len(file)])
        return top + os.fsdecode(self.group(folder)) + file

    def group(self, path: bytes) -> bytes:
        """The path of a control group, scrubbed; the same piece is the same wherever it occurs."""
        return b"/".join(self._group(piece) for piece in path.split(b"/"))

    def _group(self, piece: bytes) -> bytes:
        if _ORDINARY_GROUP.fullmatch(_POD.sub(b"", _CONTAINER.sub(b"", piece))):
            piece = _CONTAINER.sub(self._keep((), "container", lambda n: b"%064x" % n), piece)
            return _POD.sub(lambda uid: self._pod(uid[0], uid[1]), piece)
        kind = _GROUP_KIND.search(piece)
        end = kind[0] if kind is not None else b""
        name = piece[: len(piece) - len(end)]
        return (name if name in _KNOWN_NAMES else self._placeholder("group", name, lambda n: b"group%d" % n)) + end

    def _pod(self, uid: bytes, dash: bytes) -> bytes:
        name = self._placeholder("pod", uid.replace(b"_", b"-"), lambda n: b"00000000-0000-4000-8000-%012d" % n)
        return name.replace(b"-", dash)

    def text(self, data: bytes, mounts: bool = False) -> bytes:
        """Any text, scrubbed."""
        for name in (self._host, self._host.partition(b".")[0]):
            if len(name) > 2:
                data = re.sub(rb"\b" + re.escape(name) + rb"(?:\.[A-Za-z][A-Za-z0-9-]*)*\b", b"host", data)
        data = _UUID.sub(self._keep((), "uuid", lambda n: b"00000000-0000-4000-8000-%012d" % n), data)
        data = _MAC.sub(self._keep((b"00:00:00:00:00:00", b"ff:ff:ff:ff:ff:ff"), "mac", self._mac), data)
        data = _IPV4.sub(self._keep((), "ipv4", lambda n: b"192.0.2.%d" % (n % 256)), data)
        data = _IPV6.sub(lambda match: self._ipv6(match[0]), data)
        data = _MEMORY_FILE.sub(b"/memfd:name", data)
        data = _HEX_ID.sub(lambda match: b"0" * len(match[0]) if match[0].strip(b"0123456789") else match[0], data)
        if mounts:
            data = b"\n".join(self._mount(line) for line in data.split(b"\n"))
        return _PATH.sub(lambda match: self._path(match[0]), data)

    def _placeholder(self, kind: str, name: bytes, make: Callable[[int], bytes]) -> bytes:
        known = self._names.get((kind, name))
        if known is None:
            number = sum(1 for other, _ in self._names if other == kind) + 1
            known = self._names[kind, name] = make(number)
        return known

    def _keep(
        self, kept: Iterable[bytes], kind: str, make: Callable[[int], bytes]
    ) -> Callable[[re.Match[bytes]], bytes]:
        allowed = frozenset(kept)
        return lambda match: match[0] if match[0] in allowed else self._placeholder(kind, match[0], make)

    @staticmethod
    def _mac(number: int) -> bytes:
        return b"02:00:00:00:%02x:%02x" % divmod(number % 65536, 256)

    @staticmethod
    def _socket_address(number: int) -> bytes:
        return b"%02X0200C0" % (number % 256)

    @staticmethod
    def _address6(number: int) -> bytes:
        return b"20010db8" + b"%024x" % number

    def _ipv6(self, text: bytes) -> bytes:
        try:
            address = ipaddress.IPv6Address(text.decode())
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified:
            return text
        return self._placeholder("ipv6", text.lower(), lambda n: b"2001:db8::%x" % n)

    def _given(self, name: bytes) -> bytes:
        return self._placeholder("given", name, lambda n: b"name%d" % n)

    def _target(self, match: re.Match[str]) -> str:
        name = self._given(os.fsencode(match[2])).decode()
        return match[1] + (f"iqn.2003-01.org.example:{name}" if match[1].endswith("/iscsi/") else name)

    def _socket_name(self, name: bytes) -> bytes:
        return self._path(name) if name[:1] == b"/" else self._placeholder("socket", name, lambda n: b"@socket%d" % n)

    def _path(self, path: bytes) -> bytes:
        if path.startswith(b"/dev/mapper/"):
            return b"/dev/mapper/" + self._given(path[12:])
        if path == b"/memfd":  # its name is gone already
            return path
        if _ORDINARY.match(path):
            return path
        return self._placeholder("path", path, lambda n: b"/srv/path%d" % n)

    def _mount(self, line: bytes) -> bytes:
        """A mount whose source is neither a device nor the name of its type names something of this host."""
        if b" cgroup " not in line:  # there, name= is that of a hierarchy
            line = _WHOSE.sub(rb"\1=scrubbed", line)
        words = line.split(b" ")
        if words[0] == b"device" and len(words) > 1 and not words[1].startswith(b"/"):  # in mountstats
            kind = words[words.index(b"fstype") + 1] if b"fstype" in words[:-1] else b""
            if words[1] not in (kind, b"none", b"rootfs", b"overlay", b"udev", b"tmpfs", b"cgroup", b"proc", b"sysfs"):
                words[1] = self._placeholder("source", words[1], lambda n: b"source%d" % n)
            return b" ".join(words)
        at = words.index(b"-") + 2 if b"-" in words else 0
        if len(words) > at and words[at] and not words[at].startswith(b"/"):
            kinds = (words[at - 1] if at else words[min(2, len(words) - 1)], b"none", b"rootfs", b"overlay", b"device")
            if words[at] not in kinds and words[at] not in (
                b"udev",
                b"tmpfs",
                b"cgroup",
                b"proc",
                b"sysfs",
                b"devtmpfs",
            ):
                words[at] = self._placeholder("source", words[at], lambda n: b"source%d" % n)
        return b" ".join(words)

    def _comm(self, kind: str, data: bytes) -> bytes:
        if kind == "stat":
            head, _, rest = data.partition(b"(")
            name, _, tail = rest.rpartition(b")")
            return head + b"(" + self._name(name, _flags(tail)) + b")" + tail
        if kind == "comm":
            return self._name(data.rstrip(b"\n"), 0) + b"\n"
        first, newline, rest = data.partition(b"\n")
        if kind == "sched":
            name, opening, tail = first.rpartition(b" (")
            return (self._name(name, 0) + opening + tail if opening else first) + newline + rest
        return b"Name:\t" + self._name(first.partition(b":")[2].strip(), 0) + newline + rest

    def _name(self, name: bytes, flags: int) -> bytes:
        if name in _KNOWN_NAMES or flags & 0x200000 or ("comm", name) in self._names:
            return self._names.setdefault(("comm", name), name)
        return self._placeholder("comm", name, lambda n: b"program%d" % n)

    def _arguments(self, data: bytes) -> bytes:
        program, *arguments = data.split(b"\0")
        name = posixpath.basename(program)
        kept = name if name in _KNOWN_NAMES else self._name(name, 0) if name else b""
        return b"\0".join([kept, *(b"argument" if argument else b"" for argument in arguments)])

    def _kernel_arguments(self, data: bytes) -> bytes:
        """Names of parameters, and values that are numbers or words of the kernel; what is for init may be anything."""
        words, end, init = [], b"", _PARAMETER.findall(data)
        while init and not end:
            word = init.pop(0)
            end = word if word == b"--" else b""
            words.append(word if end else self._parameter(word))
        return b" ".join([*words, *(b"argument" for _ in init)]) + b"\n"

    @staticmethod
    def _parameter(word: bytes) -> bytes:
        name, equals, value = word.partition(b"=")
        if not re.fullmatch(rb"[A-Za-z0-9_.-]{1,64}", name):
            return b"scrubbed"
        if not equals or (_HARMLESS.fullmatch(value) and not is_secret(name.decode())):
            return word
        return name + b"=scrubbed"


def _flags(tail: bytes) -> int:
    columns = tail.split()
    return int(columns[6]) if len(columns) > 6 and columns[6].isdigit() else 0
