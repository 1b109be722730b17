import pytest

from procpulse import Failure, Reason
from procpulse.sources import CPU_VULNERABILITIES
from procpulse.sources.sysfs.cpu_vulnerabilities import CpuVulnerability
from procpulse.text import inert
from tests.cases import Files, failure, read, reading

C = "/sys/devices/system/cpu/vulnerabilities"


@pytest.mark.parametrize(
    ("line", "state", "mitigation"),
    [
        pytest.param("Not affected\n", "not affected", None, id="not affected"),
        pytest.param("Vulnerable\n", "vulnerable", None, id="nothing is done"),
        pytest.param("Vulnerable: No microcode\n", "vulnerable", "No microcode", id="something is wanting"),
        pytest.param(
            "Vulnerable: Clear CPU buffers attempted, no microcode; SMT vulnerable\n",
            "vulnerable",
            "Clear CPU buffers attempted, no microcode; SMT vulnerable",
            id="done in vain",
        ),
        pytest.param(
            "Vulnerable, IBPB: disabled, STIBP: disabled\n",
            "vulnerable",
            "IBPB: disabled, STIBP: disabled",
            id="mitigations=off, before kernel 6.9",
        ),
        pytest.param(
            "Vulnerable; IBPB: disabled; STIBP: disabled; BHI: Vulnerable\n",
            "vulnerable",
            "IBPB: disabled; STIBP: disabled; BHI: Vulnerable",
            id="mitigations=off, kernel 6.9",
        ),
        pytest.param("Mitigation: PTI\n", "mitigated", "PTI", id="mitigated"),
        pytest.param(
            "Mitigation: Enhanced / Automatic IBRS; IBPB: conditional; PBRSB-eIBRS: SW sequence\n",
            "mitigated",
            "Enhanced / Automatic IBRS; IBPB: conditional; PBRSB-eIBRS: SW sequence",
            id="mitigated in several ways",
        ),
        pytest.param(
            "Unknown: Dependent on hypervisor status\n",
            "unknown",
            "Dependent on hypervisor status",
            id="in a guest",
        ),
        pytest.param(
            "KVM: Mitigation: Split huge pages\n",
            "mitigated",
            "Split huge pages",
            id="for guests of KVM",
        ),
        pytest.param(
            "KVM: Mitigation: VMX unsupported\n", "mitigated", "VMX unsupported", id="in a machine without KVM"
        ),
        pytest.param("KVM: Vulnerable\n", "vulnerable", None, id="guests of KVM can do harm"),
        pytest.param(
            "Unknown (XEN PV detected, hypervisor mitigation required)\n",
            "unknown",
            "XEN PV detected, hypervisor mitigation required",
            id="in a guest of Xen",
        ),
        pytest.param("Processor vulnerable\n", "vulnerable", None, id="without KVM"),
        pytest.param("Mitigation\n", "unknown", "Mitigation", id="cut"),
        pytest.param("Something new\n", "unknown", "Something new", id="a word of later kernels"),
        pytest.param(b"Mitigation: \x1b[31m\xff\n", "mitigated", "\\x1b[31m\\xff", id="hostile"),
        pytest.param("", "unknown", None, id="empty"),
    ],
)
def test_states(line: str | bytes, state: str, mitigation: str | None) -> None:
    text = inert(line.strip() if isinstance(line, bytes) else line.strip().encode()) or None
    assert read(CPU_VULNERABILITIES, {f"{C}/mds": line}) == [CpuVulnerability("mds", state, mitigation, text)]


def test_all_that_the_kernel_knows_of() -> None:
    files = {
        f"{C}/spectre_v2": "Mitigation: Retpolines\n",
        f"{C}/l1tf": "Not affected\n",
        f"{C}/spectre_v1": "Vulnerable\n",
    }
    assert read(CPU_VULNERABILITIES, files) == [
        CpuVulnerability("l1tf", "not affected", None, "Not affected"),
        CpuVulnerability("spectre_v1", "vulnerable", None, "Vulnerable"),
        CpuVulnerability("spectre_v2", "mitigated", "Retpolines", "Mitigation: Retpolines"),
    ]


def test_one_that_cannot_be_read_costs_its_own_row() -> None:
    path = f"{C}/mds"
    files: Files = {f"{C}/l1tf": "Not affected\n", path: Failure(Reason.DENIED, path, "EACCES")}
    rows, this = reading(CPU_VULNERABILITIES, files)
    assert rows == [CpuVulnerability("l1tf", "not affected", None, "Not affected")]
    assert this.failures == {"mds": Failure(Reason.DENIED, path, "EACCES")}


def test_a_kernel_that_tells_none() -> None:
    assert failure(CPU_VULNERABILITIES, {}).reason is Reason.MISSING
