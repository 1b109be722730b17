import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.interrupts import Interrupt
from procpulse.sources.proc.pid_interrupts import PID_INTERRUPTS, PidInterrupts
from tests.cases import parse


def test_interrupts() -> None:
    text = "           CPU0       CPU1\n 33:          0         88   PCI-MSI 524288-edge      virtio1\n"
    assert parse(PID_INTERRUPTS, text) == PidInterrupts(
        [Interrupt("33", {0: 0, 1: 88}, None, "PCI-MSI", "524288-edge virtio1")]
    )


@pytest.mark.parametrize("text", ["", "           CPU0       CPU1\n 33\n"], ids=["empty", "a row without a name"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_INTERRUPTS, text)
