import pytest

from procpulse.source import Malformed
from procpulse.sources import CPUINFO
from procpulse.sources.proc.cpuinfo import Cpuinfo, CpuinfoCpu
from tests.cases import parse

X86 = """\
processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 106
model name	: Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz
stepping	: 6
microcode	: 0xd0003a5
cpu MHz		: 2600.125
cache size	: 49152 KB
physical id	: 1
siblings	: 64
core id		: 31
cpu cores	: 32
apicid		: 255
initial apicid	: 254
fpu		: yes
cpuid level	: 27
flags		: fpu vme avx512f
vmx flags	: vnmi ept
bugs		: spectre_v1 mmio_stale_data
bogomips	: 4000.00
clflush size	: 64
cache_alignment	: 128
address sizes	: 46 bits physical, 57 bits virtual
power management:

"""
EXPECTED_X86 = CpuinfoCpu(
    0, "GenuineIntel", "6", "106", "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", "6", "0xd0003a5", 2_600_125_000,
    49152 * 1024, 1, 31, 64, 32, 255, 254, 27, 4000.0, 64, 128, "46 bits physical, 57 bits virtual",
    ["fpu", "vme", "avx512f"], ["spectre_v1", "mmio_stale_data"], {"fpu": "yes", "vmx flags": "vnmi ept"},
)  # fmt: skip

CASES = [
    pytest.param(X86, Cpuinfo([EXPECTED_X86]), id="x86"),
    pytest.param(
        "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x1\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n"
        "processor\t: 2\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x51\n\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, bogomips=50.0, flags=["fp", "asimd"],
                    more={
                        "CPU implementer": "0x41", "CPU architecture": "8", "CPU variant": "0x1", "CPU part": "0xd0c",
                        "CPU revision": "1",
                    },
                ),
                CpuinfoCpu(2, bogomips=50.0, flags=["fp", "asimd"], more={"CPU implementer": "0x51"}),
            ]
        ),
        id="arm64, one CPU offline",
    ),
    pytest.param(
        "processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nBogoMIPS\t: 38.40\nFeatures\t: half thumb \n"
        "CPU architecture: 7\n\nHardware\t: BCM2835\nRevision\t: a02082\nSerial\t\t: 00000000c0ffee42\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, model_name="ARMv7 Processor rev 4 (v7l)", bogomips=38.4, flags=["half", "thumb"],
                    more={"CPU architecture": "7"},
                )
            ],
            {"Hardware": "BCM2835", "Revision": "a02082", "Serial": "00000000c0ffee42"},
        ),
        id="arm",
    ),
    pytest.param(
        "Processor\t: ARMv6-compatible processor rev 5 (v6l)\nBogoMIPS\t: 791.34\nFeatures\t: swp half\n\n"
        "Hardware\t: ARM-Versatile PB\n",
        Cpuinfo(
            [],
            {
                "Processor": "ARMv6-compatible processor rev 5 (v6l)", "BogoMIPS": "791.34", "Features": "swp half",
                "Hardware": "ARM-Versatile PB",
            },
        ),
        id="arm, of old, without numbers of CPUs",
    ),
    pytest.param(
        "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\nclock\t\t: 2900.000000MHz\n"
        "revision\t: 2.2 (pvr 004e 1202)\n\n"
        "timebase\t: 512000000\nplatform\t: pSeries\nmodel\t\t: IBM,8375-42A\nmachine\t\t: CHRP IBM,8375-42A\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, model_name="POWER9 (architected), altivec supported", frequency_hz=2_900_000_000,
                    more={"revision": "2.2 (pvr 004e 1202)"},
                )
            ],
            {
                "timebase": "512000000", "platform": "pSeries", "model": "IBM,8375-42A",
                "machine": "CHRP IBM,8375-42A",
            },
        ),
        id="ppc64",
    ),
    pytest.param(
        "vendor_id       : IBM/S390\n# processors    : 2\nbogomips per cpu: 3033.00\nfeatures\t: esan3 zarch sie \n"
        "cache0          : level=1 type=Data scope=Private size=96K\n"
        "processor 0: version = FF,  identification = 2733E8,  machine = 2964\n"
        "processor 1: version = FF,  identification = 2733E9,  machine = 2964\n\n"
        "cpu number      : 0\ncpu MHz dynamic : 5000\ncpu MHz static  : 5200\n\n"
        "cpu number      : 1\nphysical id     : 2\ncore id         : 3\ncpu MHz dynamic : 4999\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, frequency_hz=5_000_000_000,
                    more={"version": "FF", "identification": "2733E8", "machine": "2964", "cpu MHz static": "5200"},
                ),
                CpuinfoCpu(
                    1, frequency_hz=4_999_000_000, physical_id=2, core_id=3,
                    more={"version": "FF", "identification": "2733E9", "machine": "2964"},
                ),
            ],
            {
                "vendor_id": "IBM/S390", "# processors": "2", "bogomips per cpu": "3033.00",
                "features": "esan3 zarch sie", "cache0": "level=1 type=Data scope=Private size=96K",
            },
        ),
        id="s390x",
    ),
    pytest.param(
        "vendor_id : IBM/S390\nprocessor 5: version = 00,  identification = 123456,  machine = 2817\n",
        Cpuinfo(
            [CpuinfoCpu(5, more={"version": "00", "identification": "123456", "machine": "2817"})],
            {"vendor_id": "IBM/S390"},
        ),
        id="s390x, a machine that does not tell its clock",
    ),
    pytest.param(
        "processor\t: 1\nhart\t\t: 2\nisa\t\t: rv64imafdc_zicsr\nmmu\t\t: sv39\nuarch\t\t: sifive,u74-mc\n"
        "mvendorid\t: 0x489\nhart isa\t: rv64imafdc_zicsr\n\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    1,
                    more={
                        "hart": "2", "isa": "rv64imafdc_zicsr", "mmu": "sv39", "uarch": "sifive,u74-mc",
                        "mvendorid": "0x489", "hart isa": "rv64imafdc_zicsr",
                    },
                )
            ]
        ),
        id="riscv",
    ),
    pytest.param(
        "system type\t\t: MediaTek MT7621\nmachine\t\t\t: A router\nprocessor\t\t: 0\ncpu model\t\t: MIPS 1004Kc V2.15\n"
        "BogoMIPS\t\t: 583.68\nisa\t\t\t: mips1 mips2\npackage\t\t\t: 0\ncore\t\t\t: 1\n\n"
        "processor\t\t: 1\ncpu model\t\t: MIPS 1004Kc V2.15\n\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, model_name="MIPS 1004Kc V2.15", physical_id=0, core_id=1, bogomips=583.68,
                    more={"isa": "mips1 mips2"},
                ),
                CpuinfoCpu(1, model_name="MIPS 1004Kc V2.15"),
            ],
            {"system type": "MediaTek MT7621", "machine": "A router"},
        ),
        id="mips",
    ),
    pytest.param(
        "system type\t\t: generic-loongson-machine\n\nprocessor\t\t: 0\npackage\t\t\t: 0\ncore\t\t\t: 3\n"
        "CPU Family\t\t: Loongson-64bit\nModel Name\t\t: Loongson-3A5000-HV\nCPU Revision\t\t: 0x11\n"
        "CPU MHz\t\t\t: 2500.00\nBogoMIPS\t\t: 5000.00\nAddress Sizes\t\t: 48 bits physical, 48 bits virtual\n"
        "Features\t\t: cpucfg lasx\n\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, family="Loongson-64bit", model_name="Loongson-3A5000-HV", frequency_hz=2_500_000_000,
                    physical_id=0, core_id=3, bogomips=5000.0, address_sizes="48 bits physical, 48 bits virtual",
                    flags=["cpucfg", "lasx"], more={"CPU Revision": "0x11"},
                )
            ],
            {"system type": "generic-loongson-machine"},
        ),
        id="loongarch",
    ),
    pytest.param(
        "processor\t: 0\ncpu MHz\t\t: unknown\ncache size\t: 2 MB\ncore id\t\t: none\nsiblings\t:\nbogomips\t: 1e3\n\n",
        Cpuinfo(
            [
                CpuinfoCpu(
                    0, more={"cpu MHz": "unknown", "cache size": "2 MB", "core id": "none", "bogomips": "1e3"},
                )
            ]
        ),
        id="what a field cannot hold is kept as text, and never 0",
    ),
    pytest.param(
        b"processor : 0\nmodel name : a\x1b[2J\xff\nnew\xe2\x80\xae: b\x07\n\n",
        Cpuinfo([CpuinfoCpu(0, model_name="a\\x1b[2J\\xff", more={"new\\u202e": "b\\x07"})]),
        id="hostile text",
    ),
    pytest.param(
        "cpu\t\t\t: TI UltraSparc IIi\nncpus probed\t: 1\n",
        Cpuinfo([], {"cpu": "TI UltraSparc IIi", "ncpus probed": "1"}),
        id="an architecture that lists no CPUs",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_cpuinfo(text: str | bytes, expected: Cpuinfo) -> None:
    assert parse(CPUINFO, text) == expected


@pytest.mark.parametrize("text", ["\n", "no colon at all\n"], ids=["blank", "nothing with a colon"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(CPUINFO, text)


def test_many_cpus_and_long_lines() -> None:
    flags = " ".join(f"flag{i}" for i in range(10_000))
    text = "".join(f"processor\t: {i}\nflags\t\t: {flags}\n\n" for i in range(64))
    assert len(text) > 1 << 22
    assert CPUINFO.cap > len(text), "the reader takes it whole"
    cpus = parse(CPUINFO, text).cpus
    assert [cpu.processor for cpu in cpus] == list(range(64))
    assert cpus[-1].flags[-1] == "flag9999"
