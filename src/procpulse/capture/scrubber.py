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

from procpulse.capture import addresses, known
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
_DELETED = re.compile(rb"(?:(?: |\\040)\(deleted\)|//deleted)*\Z")
_GROUP_PATH = re.compile(rb"/(?:system|user|init|machine)\.(?:slice|scope)(?:/|\Z)|/(?:docker|kubepods|lxc)(?:[/.]|\Z)")
# Groups that every host has, and what is left of the names of containers and pods without their ids.
_ORDINARY_GROUP = re.compile(
    rb"|(system|user|init|machine|app|background|session)\.(slice|scope)|user-[0-9]+\.slice|user@[0-9]+\.service"
    rb"|session-c?[0-9]+\.scope|(kubelet-)?kubepods(-besteffort|-burstable)?\.slice|docker|kubepods|besteffort|burstable"
    rb"|lxc|unified|cpu|cpuacct|cpu,cpuacct|memory|blkio|pids|cpuset|hugetlb"
    rb"|(docker-|libpod-|cri-containerd-|crio-|nerdctl-)?(\.scope)?|((kubelet-)?kubepods(-besteffort|-burstable)?-)?pod(\.slice)?"
)
_TARGETS = re.compile(r"(/sys/kernel/config/target/(?:core/[^/]+|iscsi)/)([^/]+)(?=/)")
_UNIX = re.compile(rb"(?m)^([0-9a-f]+:(?: +[0-9A-F]+){5} +[0-9]+ +)(\S.*)$")
_MEMORY_FILE = re.compile(rb"/memfd:[^\n]*?(?= \(deleted\)|\n|\Z)")
_OPTION = re.compile(rb'(?:[^,"]|"[^"]*(?:"|\Z))+')
_MAPPED = re.compile(rb"(?m)^([0-9a-f]+-[0-9a-f]+ [r-][w-][x-][ps-] [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+ +)(\S.*)$")
_NUMA_FILE = re.compile(rb"(?m)(?<= file=)\S+")
_NAMED = re.compile(rb"(?m)^((?:name|exp_name|drm-client-name|path)[ \t]*:[ \t]*)(\S.*)$")
_BOARD = re.compile(
    rb"(?mi)^((?:hardware|model|machine|motherboard|platform|board|system type|revision)[ \t]*: *)(?![0-9]+$)(\S.*)$"
)
_STARTED_BY = re.compile(rb"(?m)(, S:[0-9a-f]+, [^,\n]+, )(.*)(/[0-9]+)$")
_MAPS = re.compile(r"/proc/([0-9]+)(?:/task/[0-9]+)?/(maps|smaps|smaps_rollup|numa_maps)")
# Values of kernel parameters that say nothing about whose host it is.
_PARAMETER = re.compile(rb'(?:[^\s"]|"[^"]*(?:"|\Z))+')
_HARMLESS = re.compile(
    rb"-?[0-9]{1,12}[kKMGTP]?|0x[0-9a-fA-F]{1,16}|on|off|auto|yes|no|y|n|always|never|madvise|force|noforce|none|full|lazy"
    rb"|strict|tty[A-Za-z]{0,6}[0-9]*(,[0-9]{1,7}[noe]?[0-9]?r?)?|pt|nobp|acpi|tsc|hpet|performance|voluntary|[a-z]"
)
_LOCAL_VERSION = re.compile(rb"([0-9]+\.[0-9]+\.[0-9]+)[-+~][^\s]*")
_RELEASE = re.compile(rb"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-generic)?")
_LOCAL = re.compile(rb"127\.[0-9.]+|::1")
_CONTAINER = re.compile(rb"[0-9a-f]{64}")
_POD = re.compile(rb"(?<=pod)[0-9a-f]{8}([-_])[0-9a-f]{4}(?:\1[0-9a-f]{4}){2}\1[0-9a-f]{12}")
_MACHINE = re.compile(rb"machine-(?:(?:qemu|lxc)\\x2d[0-9]+\\x2d)?")
_GROUP_KIND = re.compile(rb"(\.[a-z]{4,9})?( \(deleted\))?\Z")


class Scrubber:
    """Replaces what could identify a host, its users and its programs.

    Args:
        host_name: The host's name, which becomes `host` wherever it occurs.
    """

    def __init__(self, host_name: str = ""):
        self._host = host_name.encode()
        self._names: dict[tuple[str, bytes], bytes] = {}
        self._spaces: dict[str, addresses.AddressSpace] = {}

    def file(self, path: str, data: bytes) -> bytes:
        """The content of a file, scrubbed."""
        name = posixpath.basename(path)
        if _SECRET_FILES.search(name):
            zeros = re.sub(rb"[A-Za-z0-9]", b"0", data)
            # Zeros alone mean in many files that there is none.
            return re.sub(rb"0(?=[^0]*\Z)", b"1", zeros) if name.endswith("uuid") else zeros
        if path == "/proc/sys/kernel/hostname":
            return b"host\n"
        if re.fullmatch(r"/proc/(self|[0-9]+)(/task/[0-9]+)?/cgroup", path):
            return re.sub(rb"(?m)^([^:\n]*:)([^:\n]*:)(.*)$", self._membership, data)
        if name == "environ":
            return re.sub(rb"[^\0]+", b"VARIABLE=scrubbed", data)
        if _GIVEN_NAMES.fullmatch(path):
            given = data.strip()
            return data.replace(given, self._given(given)) if given else data
        if name in ("backing_dev", "backing_file", "udev_path"):
            given = data.rstrip(b"\n")
            return (self._whole_path(given) if given.startswith(b"/") else self.text(given)) + data[len(given) :]
        if name == "cmdline":
            return self._kernel_arguments(data) if path == "/proc/cmdline" else self._arguments(data)
        process = re.fullmatch(r"/proc/[0-9]+(?:/task/[0-9]+)?/(stat|comm|status|sched)", path)
        if process:
            data = self._comm(process[1], data)
        if path == "/proc/sys/kernel/osrelease":
            return _LOCAL_VERSION.sub(rb"\1-generic", data)
        if path == "/proc/version":
            return _version(data)
        if path == "/proc/cpuinfo":
            data = re.sub(rb"(?m)^(Serial\s*:\s*)(\S+)", lambda line: line[1] + b"0" * len(line[2]), data)
            return self.text(_BOARD.sub(rb"\1scrubbed", data))
        if name in ("mounts", "mountinfo", "mountstats", "swaps"):
            return b"\n".join(self._mount(name, line) for line in data.split(b"\n"))
        mapped = _MAPS.fullmatch(path)
        if mapped:
            return self._mappings(mapped[1], mapped[2], data)
        if "/fdinfo/" in path or name == "timers":
            data = _NAMED.sub(lambda line: line[1] + self._named(line[2]), addresses.user_values(data))
        if name == "timer_list":
            data = _STARTED_BY.sub(lambda line: line[1] + self._name(line[2], 0) + line[3], data)
        data = addresses.kernel_pointers(path, data)
        if path == "/proc/modules":
            data = re.sub(rb"\b0x[0-9a-f]{8,16}\b", lambda address: b"0x" + b"0" * (len(address[0]) - 2), data)
        if name == "unix":
            data = addresses.kernel_pointers(path, data)
            return _UNIX.sub(lambda line: line[1] + self._socket_name(line[2]), data)
        if "/net/" in path:
            data = _SOCKET.sub(self._keep(_QUIET_ADDRESSES, "address", self._socket_address), data)
            if name == "route":
                data = _ROUTE.sub(self._keep(_QUIET_ADDRESSES, "address", self._socket_address), data)
            if name in ("if_inet6", "ipv6_route", "igmp6", "mcfilter6"):
                data = _IPV6_HEX.sub(self._keep(_QUIET_ADDRESSES, "address6", self._address6), data)
        return self.text(data)

    def link(self, path: str, target: bytes) -> bytes:
        """The target of a link, scrubbed. Links of /sys are its structure, and left alone where nobody chose names."""
        if path.startswith("/sys/kernel/config/"):
            above, slash, last = target.rpartition(b"/")
            return above + slash + self._given(last)
        if path.startswith("/sys") and not target.startswith(b"/"):
            return target
        return self._whole_path(target)

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
        machine = _MACHINE.match(name)
        if machine is not None and end.startswith(b".scope"):
            return machine[0] + self._placeholder("group", name[machine.end() :], lambda n: b"group%d" % n) + end
        return (name if name in known.PROGRAMS else self._placeholder("group", name, lambda n: b"group%d" % n)) + end

    def _pod(self, uid: bytes, dash: bytes) -> bytes:
        name = self._placeholder("pod", uid.replace(b"_", b"-"), lambda n: b"00000000-0000-4000-8000-%012d" % n)
        return name.replace(b"-", dash)

    def text(self, data: bytes) -> bytes:
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
        return _PATH.sub(lambda match: self._path(match[0]), data)

    def _placeholder(self, kind: str, name: bytes, make: Callable[[int], bytes]) -> bytes:
        there = self._names.get((kind, name))
        if there is None:
            number = sum(1 for other, _ in self._names if other == kind) + 1
            there = self._names[kind, name] = make(number)
        return there

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
        new = self._placeholder("ipv6", address.compressed.encode(), lambda n: b"2001:db8::%x" % n)
        return ipaddress.IPv6Address(new.decode()).exploded.encode() if len(text) == 39 else new  # as it was written

    def _given(self, name: bytes) -> bytes:
        return self._placeholder("given", name, lambda n: b"name%d" % n)

    def _target(self, match: re.Match[str]) -> str:
        name = self._given(os.fsencode(match[2])).decode()
        return match[1] + (f"iqn.2003-01.org.example:{name}" if match[1].endswith("/iscsi/") else name)

    def _socket_name(self, name: bytes) -> bytes:
        return self._path(name) if name[:1] == b"/" else self._placeholder("socket", name, lambda n: b"@socket%d" % n)

    def _path(self, path: bytes) -> bytes:
        if path.startswith(b"/dev/mapper/") and path != b"/dev/mapper/control":
            return b"/dev/mapper/" + self._given(path[12:])
        if path == b"/memfd" or known.PATH.fullmatch(path):  # what a memfd was called is gone already
            return path
        if path.startswith(b"/sys/fs/cgroup/"):
            return b"/sys/fs/cgroup/" + self.group(path[15:])
        if path.startswith((b"/sys/devices/", b"/sys/class/", b"/sys/bus/", b"/sys/block/")):
            return path  # names of devices stay
        if _GROUP_PATH.match(path):
            return self.group(path)
        return self._placeholder("path", path, lambda n: b"/srv/path%d" % n)

    def _whole_path(self, path: bytes) -> bytes:
        """What is a path from its first byte to its last, or stands in place of one; blanks are part of it."""
        if path.startswith(b"/memfd:"):
            return _MEMORY_FILE.sub(b"/memfd:name", path)
        if known.KERNEL_OBJECT.fullmatch(path) or not path:
            return path
        end = _DELETED.search(path)
        tail = end[0] if end is not None else b""
        path = path[: len(path) - len(tail)]
        for prefix in (b"/dmabuf:", b"/SYSV"):
            if path.startswith(prefix):
                return prefix + (b"00000000" if prefix == b"/SYSV" else b"name") + tail
        return self._path(path) + tail

    def _named(self, name: bytes) -> bytes:
        return self._whole_path(name) if name.startswith(b"/") else self._given(name)

    def _mappings(self, pid: str, kind: str, data: bytes) -> bytes:
        """Rows of maps and the like: addresses made anew, the last column as a whole."""
        space = self._spaces.setdefault(pid, addresses.AddressSpace())
        if kind == "numa_maps":
            return _NUMA_FILE.sub(lambda file: self._whole_path(file[0]), addresses.numa_maps(data, space))
        return _MAPPED.sub(lambda row: row[1] + self._mapped(row[2]), addresses.maps(data, space))

    def _mapped(self, what: bytes) -> bytes:
        if known.MAPPING.fullmatch(what):
            return what
        kind = re.match(rb"\[(anon|anon_shmem):", what)
        return b"[%s:name]" % kind[1] if kind is not None else self._whole_path(what)

    def _membership(self, line: re.Match[bytes]) -> bytes:
        """One line of a cgroup file: the hierarchy, its controllers or its name, the group."""
        name = line[2]
        if name.startswith(b"name="):
            name = b"name=" + self._hierarchy(name[5:-1]) + b":"
        return line[1] + name + self.group(line[3])

    def _hierarchy(self, name: bytes) -> bytes:
        """The name of a hierarchy of control groups; also that of the directory where it is mounted, as a rule."""
        return name if name in (b"systemd", b"elogind", b"openrc", b"dsystemd") else self._group(name)

    def _mount(self, file: str, line: bytes) -> bytes:
        """A line of a table of mounts, or of swaps: each word by what it is."""
        words = line.split(b" ")
        if file == "swaps":
            return _first_word(line, self._whole_path)
        if file == "mountstats":
            return self._mount_statistics(line, words)
        if file == "mountinfo" and b"-" in words[6:]:
            dash = words.index(b"-", 6)
            kind = words[dash + 1] if dash + 1 < len(words) else b""
            words[3] = self._group_or_path(words[3], kind)
            words[4] = self._whole_path(words[4])
            if dash + 2 < len(words):
                words[dash + 2] = self._source(words[dash + 2], kind)
            words[dash + 3 :] = [self._options(word, kind) for word in words[dash + 3 :]]
        elif len(words) >= 4:
            words[0] = self._source(words[0], words[2])
            words[1] = self._whole_path(words[1])
            words[3] = self._options(words[3], words[2])
        else:
            return self.text(line)
        return b" ".join(words)

    def _mount_statistics(self, line: bytes, words: list[bytes]) -> bytes:
        mounted = re.fullmatch(rb"device (.*) mounted on (.*) with fstype (\S+)(.*)", line)
        if mounted:
            source, place = self._source(mounted[1], mounted[3]), self._whole_path(mounted[2])
            return b"device %s mounted on %s with fstype %s%s" % (source, place, mounted[3], mounted[4])
        label, colon, rest = line.partition(b":")
        if label.strip() == b"opts" and colon:
            return label + colon + b"\t" + self._options(rest.strip(), b"nfs")
        if label.strip() == b"impl_id":
            return label + colon + re.sub(rb"'[^']*'", b"'scrubbed'", rest)
        return self.text(line)

    def _group_or_path(self, root: bytes, kind: bytes) -> bytes:
        return self.group(root) if kind in (b"cgroup", b"cgroup2") else self._whole_path(root)

    def _source(self, source: bytes, kind: bytes) -> bytes:
        """What is mounted. What is neither a device nor a word of the kernel names something of this host."""
        if source.startswith(b"/"):
            return self._whole_path(source)
        usual = (kind, b"none", b"rootfs", b"overlay", b"udev", b"tmpfs", b"cgroup", b"cgroup2", b"proc", b"sysfs")
        if source in (*usual, b"devtmpfs", b"") or re.fullmatch(
            rb"(?:systemd-1|mqueue|debugfs|tracefs|shm|run|bpf)", source
        ):
            return source
        return self._placeholder("source", source, lambda n: b"source%d" % n)

    def _options(self, options: bytes, kind: bytes) -> bytes:
        """Options of a mount: values that may be anybody's become `scrubbed`, addresses and paths placeholders."""
        return b",".join(self._option(word, kind) for word in _OPTION.findall(options))

    def _option(self, word: bytes, kind: bytes) -> bytes:
        name, equals, value = word.partition(b"=")
        if not equals:
            return word if re.fullmatch(rb"[A-Za-z0-9_.-]{1,32}", word) else b"scrubbed"
        if kind == b"cgroup" and name == b"name":
            return b"name=" + self._hierarchy(value)
        if name in known.OPTIONS and known.VALUE.fullmatch(value):
            return word
        if value.startswith(b"/"):
            return name + b"=" + b":".join(self._whole_path(path) for path in value.split(b":"))
        if name in (b"addr", b"clientaddr", b"mountaddr", b"srcaddr", b"ip"):
            address = self.text(value)
            return name + b"=" + (address if address != value or _LOCAL.fullmatch(value) else b"scrubbed")
        return name + b"=scrubbed"

    def _comm(self, kind: str, data: bytes) -> bytes:
        if kind == "stat":
            head, _, rest = data.partition(b"(")
            name, _, tail = rest.rpartition(b")")
            return head + b"(" + self._name(name, _flags(tail)) + b")" + addresses.stat(tail)
        if kind == "comm":
            return self._name(data.rstrip(b"\n"), 0) + b"\n"
        first, newline, rest = data.partition(b"\n")
        if kind == "sched":
            name, opening, tail = first.rpartition(b" (")
            return (self._name(name, 0) + opening + tail if opening else first) + newline + rest
        return b"Name:\t" + self._name(first.partition(b":")[2].strip(), 0) + newline + rest

    def _name(self, name: bytes, flags: int) -> bytes:
        if name in known.PROGRAMS or flags & 0x200000 or ("comm", name) in self._names:
            return self._names.setdefault(("comm", name), name)
        return self._placeholder("comm", name, lambda n: b"program%d" % n)

    def _arguments(self, data: bytes) -> bytes:
        program, *arguments = data.split(b"\0")
        name = posixpath.basename(program)
        kept = name if name in known.PROGRAMS else self._name(name, 0) if name else b""
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
        if name not in known.PARAMETERS:
            name = b"parameter"
        if not equals:
            return name
        keeps = name != b"parameter" and _HARMLESS.fullmatch(value) and not is_secret(name.decode())
        return word if keeps else name + b"=scrubbed"


def _version(data: bytes) -> bytes:
    """/proc/version in its shape, with nothing of who built it, by what, when and for whom."""
    found = _LOCAL_VERSION.sub(rb"\1-generic", data).split(b" ", 3)
    release = found[2] if len(found) > 3 and _RELEASE.fullmatch(found[2]) else b"0.0.0"
    return b"Linux version %s (user@host) (gcc) #1 SMP\n" % release


def _first_word(line: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A line with its first word changed where that is a path, blanks after it as they were."""
    word, blank, rest = line.partition(b"\t") if b" " not in line.partition(b"\t")[0] else line.partition(b" ")
    return change(word) + blank + rest if word.startswith(b"/") else line


def _flags(tail: bytes) -> int:
    columns = tail.split()
    return int(columns[6]) if len(columns) > 6 and columns[6].isdigit() else 0
