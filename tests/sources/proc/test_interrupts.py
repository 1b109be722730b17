import pytest

from procpulse.source import Malformed
from procpulse.sources import INTERRUPTS
from procpulse.sources.proc.interrupts import Interrupt
from tests.cases import parse

CASES = [
    pytest.param(
        "           CPU0       CPU1       \n"
        "   0:         38          0   IO-APIC   2-edge      timer\n"
        "  16:          5          6   IO-APIC  16-fasteoi   ehci_hcd:usb1, i801_smbus\n"
        "  24:          0       1800   PCI-MSI 114689-edge      virtio5-req.0\n"
        " NMI:          1          2   Non-maskable interrupts\n"
        " ERR:          3\n"
        " MIS:          0\n",
        [
            Interrupt("0", {0: 38, 1: 0}, None, "IO-APIC", "2-edge timer"),
            Interrupt("16", {0: 5, 1: 6}, None, "IO-APIC", "16-fasteoi ehci_hcd:usb1, i801_smbus"),
            Interrupt("24", {0: 0, 1: 1800}, None, "PCI-MSI", "114689-edge virtio5-req.0"),
            Interrupt("NMI", {0: 1, 1: 2}, None, "Non-maskable interrupts"),
            Interrupt("ERR", {}, 3),
            Interrupt("MIS", {}, 0),
        ],
        id="two CPUs, kernel 4.18",
    ),
    pytest.param(
        "           CPU0       CPU2       \n"
        " 28:          7          0 PCI-MSIX-0000:00:01.0   0-edge      virtio0-config\n"
        "130:          0          9  IR-PCI-MSI-0000:00:14.3    0-edge      iwlwifi:default_queue\n",
        [
            Interrupt("28", {0: 7, 2: 0}, None, "PCI-MSIX-0000:00:01.0", "0-edge virtio0-config"),
            Interrupt("130", {0: 0, 2: 9}, None, "IR-PCI-MSI-0000:00:14.3", "0-edge iwlwifi:default_queue"),
        ],
        id="a CPU offline, chips that say which device, kernel 6.18",
    ),
    pytest.param(
        "           CPU0       CPU1       \n"
        " 11:     184220     160338     GICv3  27 Level     arch_timer\n"
        "IPI0:      1204       1338       Rescheduling interrupts\n"
        "Err:          0\n"
        "FIQ:              usb_fiq\n",
        [
            Interrupt("11", {0: 184220, 1: 160338}, None, "GICv3", "27 Level arch_timer"),
            Interrupt("IPI0", {0: 1204, 1: 1338}, None, "Rescheduling interrupts"),
            Interrupt("Err", {}, 0),
            Interrupt("FIQ", {}, None, "usb_fiq"),
        ],
        id="ARM",
    ),
    pytest.param(
        "           CPU0       \n"
        "  8:          1   IO-APIC   8-edge      rtc0\n"
        " LOC:         90   Local timer interrupts\n"
        " ERR:          2\n"
        " MIS:          4\n"
        "FIQ:              usb_fiq\n",
        [
            Interrupt("8", {0: 1}, None, "IO-APIC", "8-edge rtc0"),
            Interrupt("LOC", {0: 90}, None, "Local timer interrupts"),
            Interrupt("ERR", {}, 2),
            Interrupt("MIS", {}, 4),
            Interrupt("FIQ", {}, None, "usb_fiq"),
        ],
        id="one CPU",
    ),
    pytest.param(
        b"      CPU0\n  9:  4294967295   IO-APIC   9-fasteoi   ac\x1b[31mpi \xff\n 10: 0\n",
        [
            Interrupt("9", {0: 4294967295}, None, "IO-APIC", "9-fasteoi ac\\x1b[31mpi \\xff"),
            Interrupt("10", {0: 0}),
        ],
        id="a hostile driver, and a line of nobody",
    ),
    pytest.param("      CPU0\n", [], id="no interrupts"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_interrupts(text: str | bytes, expected: list[Interrupt]) -> None:
    assert parse(INTERRUPTS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  CPUs\n 1: 2 IO-APIC\n",
        "  CPU0\n 1 2 IO-APIC\n",
        "  CPU0 CPU1\n 1: 2 IO-APIC 1-edge i8042\n",
        "  CPU0 CPU1 CPU2\n LOC: 2 3 Local timer interrupts\n",
        "  CPU0\n 1: 18446744073709551616 IO-APIC\n",
    ],
    ids=["empty", "another header", "no name", "a count short", "a count short, of a kind", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(INTERRUPTS, text)
