"""/sys/devices/system/cpu/vulnerabilities/*: known holes in the CPUs, and what the kernel does about each.

    retbleed: Mitigation: Enhanced IBRS
    gather_data_sampling: Vulnerable: No microcode

https://docs.kernel.org/admin-guide/hw-vuln/index.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.text import inert
from procpulse.tree import Bundle, Folder


class CpuVulnerability(msgspec.Struct, frozen=True, gc=False):
    """One known hole."""

    name: Annotated[str, label("Its code name, such as spectre_v2.")]
    state: Annotated[str, info("Where the host stands: not affected, vulnerable, mitigated or unknown.")]
    mitigation: Annotated[
        str | None,
        info("What is done about it, or what is wanting; all that the kernel says where its state is not clear."),
    ] = None
    text: Annotated[str | None, info("All that the kernel says, such as KVM: Mitigation: VMX disabled.")] = None


_STATES = {
    "Not affected": "not affected", "Vulnerable": "vulnerable", "Processor vulnerable": "vulnerable",
    "Mitigation": "mitigated", "Unknown": "unknown",
}  # fmt: skip
_STATE = re.compile(rf"(?:KVM: )?({'|'.join(_STATES)})(?:[:;,] *(.*)| \((.*)\))?")


def _vulnerability(name: str, data: bytes) -> CpuVulnerability:
    text = inert(data.strip())
    known = _STATE.fullmatch(text)
    more = known[2] or known[3] if known else None
    if known is None or (known[1] == "Mitigation" and not more):
        return CpuVulnerability(name, "unknown", text or None, text or None)
    return CpuVulnerability(name, _STATES[known[1]], more or None, text)


def parse(folder: Folder) -> list[CpuVulnerability]:
    return [
        _vulnerability(inert(name.encode("utf-8", "surrogateescape")), folder.raw(name) or b"")
        for name in folder.found("*")
    ]


CPU_VULNERABILITIES: Bundle[list[CpuVulnerability]] = Bundle(
    "cpu_vulnerabilities",
    "/sys/devices/system/cpu/vulnerabilities",
    ("*",),
    list[CpuVulnerability],
    parse,
)
