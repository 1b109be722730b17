"""/proc/sys: settings of the kernel, by name.

    LIMITS = sysctl("fs.file-max", "net.ipv4.conf.eth0/100.rp_filter")
    snap[LIMITS]["fs.file-max"]

https://docs.kernel.org/admin-guide/sysctl/index.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info
from procpulse.source import Failure, Read, Reading, Steps, Unreadable
from procpulse.text import number
from procpulse.tree import Bundle, Folder


class Sysctl(msgspec.Struct, frozen=True, gc=False):
    """Settings of the kernel, under the names that were asked for; each in the one of the three that fits."""

    numbers: Annotated[dict[str, int], gauge("Settings that are one number.")]
    lists: Annotated[dict[str, list[int]], info("Settings that are several numbers, such as a range of ports.")]
    texts: Annotated[dict[str, str], info("Settings that are anything else, as text.")]

    def __getitem__(self, name: str) -> int | list[int] | str:
        """A setting, whatever it is.

        Raises:
            KeyError: it could not be read; the snapshot's `failures` say why.
        """
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str) -> int | list[int] | str | None:
        """A setting, whatever it is; None where it could not be read."""
        for settings in (self.numbers, self.lists, self.texts):
            if name in settings:
                return settings[name]
        return None


def parse(folder: Folder) -> Sysctl:
    found = Sysctl({}, {}, {})
    for name, data in folder.entries.items():
        try:
            values = [_number(word) for word in data.split()]
        except ValueError:
            values = []
        if len(values) == 1:
            found.numbers[name] = values[0]
        elif values:
            found.lists[name] = values
        else:
            found.texts[name] = folder.text(name) or ""
    return found


def _number(word: bytes) -> int:
    if word[:1] == b"0" and len(word) > 1:
        raise ValueError("a mask, not a number")
    return number(word)


class Settings(Bundle[Sysctl]):
    """Files below /proc/sys, and no others.

    Args:
        paths: Where each setting is, by its name.
    """

    def __init__(self, paths: dict[str, str]):
        super().__init__("sysctl", "/proc/sys", tuple(paths.values()), Sysctl, parse, cap=1 << 16)
        self.paths = paths

    def steps(self, reading: Reading) -> Steps[Sysctl]:
        """Read each. One that is missing was asked for by name: it is noted, as any other failure.

        Raises:
            Unreadable: none could be read.
        """
        answers = yield [Read(f"{self.path}/{path}", self.cap) for path in self.paths.values()]
        settings = dict(zip(self.paths, answers, strict=True))
        failures = {name: answer for name, answer in settings.items() if isinstance(answer, Failure)}
        if len(failures) == len(settings):
            raise Unreadable(next(iter(failures.values())))
        reading.failures.update(failures)
        if reading.memory.get("settings") != settings:
            entries = {name: answer for name, answer in settings.items() if name not in failures}
            reading.memory["settings"] = settings
            reading.memory["value"] = self.parse(Folder(self.path, entries, reading.host))
        value: Sysctl = reading.memory["value"]
        return value


def sysctl(*names: str) -> Bundle[Sysctl]:
    """A source of these settings of the kernel.

    Names are written as for sysctl(8): `net.core.somaxconn` or `net/core/somaxconn`. In a name with dots a slash
    stands for a dot, since interfaces may have one in their names: `net.ipv4.conf.eth0/100.rp_filter`.

    Nothing but what is named is ever opened. A few settings cannot be read, only written, and a few act when they are
    read (`vm.stat_refresh` puts every CPU to work): what to name is your choice. A setting that cannot be read is
    absent, and the snapshot's `failures` say why.

    Args:
        *names: The settings.

    Raises:
        ValueError: no name, or one that leads out of /proc/sys.
    """
    if not names:
        raise ValueError("name a setting, such as 'vm.swappiness'")
    settings = Settings({name: _path(name) for name in names})
    settings.made = sysctl, names
    return settings


def _path(name: str) -> str:
    """Where a setting is, below /proc/sys."""
    path = name
    if "." in name.partition("/")[0]:
        path = name.translate({ord("."): "/", ord("/"): "."})
    if not name.isprintable() or any(piece in ("", ".", "..") for piece in path.split("/")):
        raise ValueError(f"not the name of a setting: {name!r}")
    return path


SYSCTL = sysctl(
    "fs.file-max",
    "fs.nr_open",
    "kernel.pid_max",
    "kernel.threads-max",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_max_syn_backlog",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
    "vm.max_map_count",
    "vm.overcommit_memory",
    "vm.swappiness",
)
