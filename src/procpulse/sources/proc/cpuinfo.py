"""/proc/cpuinfo: what the CPUs are, in the words of each architecture.

    processor	: 0
    model name	: AMD EPYC
    cpu MHz		: 2596.134
    flags		: fpu vme de pse

https://docs.kernel.org/arch/x86/cpuinfo.html
"""

import re
from typing import Annotated, Any, NamedTuple

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import File, Source
from procpulse.text import decimal, fraction, inert, kib, number


class CpuinfoCpu(msgspec.Struct, frozen=True):
    """One CPU, as far as its architecture tells; the numbers of sockets and cores are better taken from cpu_topology."""

    processor: Annotated[int, label("Number of the CPU; offline ones are missing.")]
    vendor: Annotated[str | None, info("Who made it, such as GenuineIntel.")] = None
    family: Annotated[str | None, info("Family of the CPU.")] = None
    model: Annotated[str | None, info("Model within the family.")] = None
    model_name: Annotated[str | None, info("What its maker calls it.")] = None
    stepping: Annotated[str | None, info("Revision of the model.")] = None
    microcode: Annotated[str | None, info("Version of its microcode.")] = None
    frequency_hz: Annotated[int | None, gauge("How fast it ran lately or, on some architectures, can run.")] = None
    cache_size_bytes: Annotated[int | None, gauge("Size of its last cache.")] = None
    physical_id: Annotated[int | None, info("Number of its socket.")] = None
    core_id: Annotated[int | None, info("Number of its core in the socket.")] = None
    siblings: Annotated[int | None, info("CPUs in the same socket.")] = None
    cores: Annotated[int | None, info("Cores in the same socket.")] = None
    apic_id: Annotated[int | None, info("Number of its interrupt controller.")] = None
    initial_apic_id: Annotated[int | None, info("The same as the firmware left it.")] = None
    cpuid_level: Annotated[int | None, info("Highest basic leaf of the CPUID instruction.")] = None
    bogomips: Annotated[float | None, gauge("The kernel's measure for short delays; says nothing of speed.")] = None
    clflush_size_bytes: Annotated[int | None, gauge("How much one cache flush writes back.")] = None
    cache_alignment_bytes: Annotated[int | None, gauge("Alignment that suits its caches.")] = None
    address_sizes: Annotated[str | None, info("Widths of addresses, in bits.")] = None
    flags: Annotated[list[str], info("What it can do, such as avx2.")] = []
    bugs: Annotated[list[str], info("Faults of the hardware that the kernel knows of, such as spectre_v1.")] = []
    more: Annotated[dict[str, str], info("Everything else, by the architecture's own key.")] = {}


class Cpuinfo(msgspec.Struct, frozen=True):
    """The CPUs, and what their architecture says of the whole machine."""

    cpus: Annotated[list[CpuinfoCpu], group("Each CPU that is online; none where the architecture lists none.")]
    machine: Annotated[dict[str, str], info("Facts of the whole machine, by the architecture's own key.")] = {}


def _mhz(value: bytes) -> int:
    if not value[:1].isdigit():
        raise ValueError("not in MHz")
    return fraction(value.removesuffix(b"MHz"), 6)


def _kb(value: bytes) -> int:
    if not value.endswith(b"KB"):
        raise ValueError("not in KB")
    return kib(value.removesuffix(b"KB").strip())


def _words(value: bytes) -> list[str]:
    return inert(value).split()


# By key, in small letters, as architectures do not agree on capitals: the field and how to read it.
_FIELDS: dict[bytes, tuple[str, Any]] = {
    b"processor": ("processor", number), b"cpu number": ("processor", number),
    b"vendor_id": ("vendor", inert), b"cpu family": ("family", inert), b"model": ("model", inert),
    b"model name": ("model_name", inert), b"cpu model": ("model_name", inert), b"cpu": ("model_name", inert),
    b"stepping": ("stepping", inert), b"microcode": ("microcode", inert), b"cpu mhz": ("frequency_hz", _mhz),
    b"cpu mhz dynamic": ("frequency_hz", _mhz), b"clock": ("frequency_hz", _mhz), b"cache size": ("cache_size_bytes", _kb),
    b"physical id": ("physical_id", number), b"package": ("physical_id", number), b"core id": ("core_id", number),
    b"core": ("core_id", number), b"siblings": ("siblings", number), b"cpu cores": ("cores", number),
    b"apicid": ("apic_id", number), b"initial apicid": ("initial_apic_id", number),
    b"cpuid level": ("cpuid_level", number), b"bogomips": ("bogomips", decimal),
    b"clflush size": ("clflush_size_bytes", number), b"cache_alignment": ("cache_alignment_bytes", number),
    b"address sizes": ("address_sizes", inert), b"flags": ("flags", _words), b"features": ("flags", _words),
    b"bugs": ("bugs", _words),
}  # fmt: skip


# On s390x: `processor 0: version = FF,  identification = 0B1CE8,  machine = 8561`.
_SUMMARY = re.compile(rb"processor ([0-9]{1,9})")


def parse(file: File) -> Cpuinfo:
    cpus: dict[int, tuple[dict[str, Any], dict[str, str]]] = {}
    machine: dict[str, str] = {}
    # The CPUs of a host say nearly the same: each line is understood once.
    known: dict[bytes, _Line] = {}
    for block in file.data.split(b"\n\n"):
        values, more = None, machine
        for row in block.split(b"\n"):
            line = known.get(row)
            if line is None:
                line = known[row] = _line(row)
            if line.field == "processor":
                values, more = cpus.setdefault(line.value, ({}, {}))
            elif line.field == "summary":
                cpu, facts = line.value
                cpus.setdefault(cpu, ({}, {}))[1].update(facts)
            elif line.field and values is not None:
                values[line.field] = line.value
            elif line.key and line.text:
                more[line.key] = line.text
    if not cpus and not machine:
        raise ValueError("nothing with a colon")
    return Cpuinfo([CpuinfoCpu(cpu, **values, more=more) for cpu, (values, more) in cpus.items()], machine)


class _Line(NamedTuple):
    """A line as it is, and the field that it fills if it can be understood."""

    key: str
    text: str
    field: str = ""
    value: Any = None


def _line(row: bytes) -> _Line:
    key, _, value = row.partition(b":")
    key, value = key.strip(), value.strip()
    summary = _SUMMARY.fullmatch(key)
    if summary:
        pairs = (pair.partition("=") for pair in inert(value).split(","))
        facts = {name.strip(): fact.strip() for name, equals, fact in pairs if equals}
        return _Line("", "", "summary", (number(summary[1]), facts))
    name, read = _FIELDS.get(key.lower(), ("", inert))
    line = _Line(inert(key), inert(value))
    if not name or not value:
        return line
    try:
        return line._replace(field=name, value=read(value))
    except ValueError:
        # Another architecture means something else by this key.
        return line


CPUINFO = Source("cpuinfo", "/proc/cpuinfo", Cpuinfo, parse, cap=1 << 24, cadence=60)
