"""/sys/class/drm/card*: graphics cards, and what is plugged into their connectors.

    card1-DP-1/status: connected, card1-DP-1/enabled: enabled, card1-DP-1/dpms: On, card1-DP-1/modes: 2560x1440

The list of modes waits while the kernel looks for displays.

https://docs.kernel.org/gpu/drm-uapi.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import group, info, label
from procpulse.text import inert, lines
from procpulse.tree import Folder, Tree


class DrmConnector(msgspec.Struct, frozen=True, gc=False):
    """A connector of a card."""

    name: Annotated[str, label("Name of the connector, such as card0-HDMI-A-1.")]
    status: Annotated[str | None, info("Whether a display is plugged in: connected, disconnected or unknown.")] = None
    enabled: Annotated[str | None, info("Whether it shows something: enabled or disabled.")] = None
    dpms: Annotated[str | None, info("State of its power management: On, Standby, Suspend or Off.")] = None
    modes: Annotated[list[str] | None, info("Resolutions of the display, the preferred one first.")] = None


class DrmCard(msgspec.Struct, frozen=True, gc=False):
    """A graphics card."""

    name: Annotated[str, label("Name of the card, such as card0.")]
    driver: Annotated[str | None, info("Driver, such as amdgpu, i915, xe or nouveau.")] = None
    device: Annotated[str | None, info("Device that it is, such as 0000:03:00.0 on the PCI bus.")] = None
    connectors: Annotated[list[DrmConnector], group("Connectors.")] = []


def _connector(folder: Folder) -> DrmConnector:
    modes = folder.raw("modes")
    return DrmConnector(
        folder.name,
        folder.text("status"),
        folder.text("enabled"),
        folder.text("dpms"),
        # A mode stands there once for each rate at which it can be refreshed.
        None if modes is None else list(dict.fromkeys(inert(mode.strip()) for mode in lines(modes))),
    )


def parse(folder: Folder) -> DrmCard:
    return DrmCard(
        folder.name,
        folder.target("device/driver@"),
        folder.target("device@"),
        [_connector(connector) for connector in folder.folders("card*-*")],
    )


FILES = (
    "device@", "device/driver@", "card[0-9]+-*/status", "card[0-9]+-*/enabled", "card[0-9]+-*/dpms",
    "card[0-9]+-*/modes",
)  # fmt: skip
CLASS_DRM = Tree("class_drm", "/sys/class/drm/card[0-9]+", FILES, DrmCard, parse, slow=("card[0-9]+-*/modes",))
