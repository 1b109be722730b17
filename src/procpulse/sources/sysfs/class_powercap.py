"""/sys/class/powercap/*: energy that parts of the host used, as they count it themselves (RAPL), and limits of power.

    name: package-0, energy_uj: 190447120338, max_energy_range_uj: 262143328850, constraint_0_name: long_term

The energy starts again at 0 after `max_energy_range_uj`: on a busy server every few minutes. Its delta takes that into
account, as long as it is read more often than twice in that time. Since Linux 5.10 only root can read it.

https://docs.kernel.org/power/powercap/powercap.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.tree import Folder, Tree

_NAME = re.compile(r"([a-z]+)(?:-([0-9]{1,9}))?(?:-die-([0-9]{1,9}))?")


class PowerConstraint(msgspec.Struct, frozen=True, gc=False):
    """A limit of the power that a zone may draw, on average over some time."""

    constraint: Annotated[int, label("Number of the constraint.")]
    name: Annotated[str | None, info("Its name: long_term, short_term or peak_power.")] = None
    power_limit_uw: Annotated[int | None, gauge("The limit.")] = None
    time_window_us: Annotated[int | None, gauge("Time over which power is averaged.")] = None
    max_power_uw: Annotated[int | None, gauge("Highest limit that may be set.")] = None


class PowerZone(msgspec.Struct, frozen=True):
    """One part of the host whose energy is counted."""

    zone: Annotated[
        str, label("Name of the zone's folder, such as intel-rapl:0:1; the parts of the name are its parents.")
    ]
    name: Annotated[str | None, info("What it is, such as package-0, core, uncore, dram or psys.")] = None
    domain: Annotated[str | None, info("The same without a number, such as package.")] = None
    package: Annotated[int | None, info("Number of the CPU package, where the name holds one.")] = None
    die: Annotated[int | None, info("Number of the die in its package, where the name holds one.")] = None
    enabled: Annotated[bool | None, info("Whether power is limited here.")] = None
    energy_uj: Annotated[
        int | None, counter("Energy used; for root only since Linux 5.10.", wraps_at="max_energy_range_uj")
    ] = None
    max_energy_range_uj: Annotated[int | None, gauge("Energy after which its count starts again at 0.")] = None
    power_uw: Annotated[int | None, gauge("Power drawn at this moment; most zones count energy only.")] = None
    max_power_range_uw: Annotated[int | None, gauge("Highest power that can be measured.")] = None
    constraints: Annotated[list[PowerConstraint], group("Limits of power.")] = []


def parse(folder: Folder) -> PowerZone:
    name = folder.text("name")
    match = _NAME.fullmatch(name) if name else None
    constraints = sorted({int(file.split("_")[1]) for file in folder.found("constraint_*")})
    return PowerZone(
        folder.name,
        name,
        match[1] if match else name,
        int(match[2]) if match and match[2] else None,
        int(match[3]) if match and match[3] else None,
        folder.flag("enabled"),
        folder.number("energy_uj"),
        folder.number("max_energy_range_uj"),
        folder.number("power_uw"),
        folder.number("max_power_range_uw"),
        [_constraint(folder, number) for number in constraints],
    )


def _constraint(folder: Folder, number: int) -> PowerConstraint:
    prefix = f"constraint_{number}_"
    return PowerConstraint(
        number,
        folder.text(f"{prefix}name"),
        folder.number(f"{prefix}power_limit_uw"),
        folder.number(f"{prefix}time_window_us"),
        folder.number(f"{prefix}max_power_uw"),
    )


_LIMITS = ("name", "power_limit_uw", "time_window_us", "max_power_uw")
FILES = (
    "name", "enabled", "energy_uj", "max_energy_range_uj", "power_uw", "max_power_range_uw",
    *(f"constraint_[0-9]_{name}" for name in _LIMITS),
)  # fmt: skip
CLASS_POWERCAP = Tree("class_powercap", "/sys/class/powercap/*:*", FILES, PowerZone, parse, slow=True, cadence=1.0)
