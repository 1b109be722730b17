import pytest

from procpulse import Failure, Reason
from procpulse.sources import PRESSURE
from procpulse.sources.proc.pressure import Pressure, Stall, Stalls
from tests.cases import failure, read, reading

CPU = "some avg10=12.40 avg60=9.83 avg300=7.05 total=18770332190\n"
FULL = "full avg10=0.08 avg60=0.11 avg300=0.10 total=290337741\n"
SOME = Stall(12.4, 9.83, 7.05, 18770332190)
ALL = Stall(0.08, 0.11, 0.1, 290337741)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"cpu": CPU, "io": CPU + FULL, "memory": CPU + FULL},
            Pressure(Stalls(SOME), Stalls(SOME, ALL), Stalls(SOME, ALL)),
            id="no full for CPUs, no interrupts, kernel 4.20",
        ),
        pytest.param(
            {"cpu": CPU + FULL, "io": CPU + FULL, "memory": CPU + FULL, "irq": FULL},
            Pressure(Stalls(SOME, ALL), Stalls(SOME, ALL), Stalls(SOME, ALL), Stalls(None, ALL)),
            id="all of it, kernel 6.18",
        ),
        pytest.param(
            {"memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551615 avg900=1.00\nmost avg10=1\n"},
            Pressure(memory=Stalls(Stall(0.0, 0.0, 0.0, 18446744073709551615))),
            id="columns and rows of a kernel to come",
        ),
        pytest.param({"cpu": FULL + CPU}, Pressure(Stalls(SOME, ALL)), id="the other way round"),
    ],
)
def test_pressure(files: dict[str, str], expected: Pressure) -> None:
    assert read(PRESSURE, {f"/proc/pressure/{name}": text for name, text in files.items()}) == expected


def test_a_kernel_without_it() -> None:
    assert failure(PRESSURE, {}) == Failure(Reason.MISSING, "/proc/pressure", "ENOENT")


def test_a_kernel_that_was_told_not_to() -> None:
    names = ("cpu", "io", "memory")
    files = {f"/proc/pressure/{n}": Failure(Reason.UNSUPPORTED, f"/proc/pressure/{n}", "EOPNOTSUPP") for n in names}
    value, this = reading(PRESSURE, files)
    assert value == Pressure()
    assert this.failures["io"] == files["/proc/pressure/io"]


@pytest.mark.parametrize(
    "text",
    [
        "most avg10=1\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00\n",
        "some avg10=0.00 avg60 avg300=0.00 total=1\n",
        "some avg10=nan avg60=0.00 avg300=0.00 total=1\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1.5\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551616\n",
        "x",
    ],
    ids=["neither row", "no total", "no value", "not a number", "a fraction", "over 64 bits", "garbage"],
)
def test_garbage_costs_its_own_resource(text: str) -> None:
    value, this = reading(PRESSURE, {"/proc/pressure/cpu": text, "/proc/pressure/irq": FULL})
    assert value == Pressure(irq=Stalls(None, ALL))
    assert this.failures["cpu"].reason is Reason.MALFORMED
