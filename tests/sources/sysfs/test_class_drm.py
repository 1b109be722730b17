from procpulse import Failure, Reason
from procpulse.sources import CLASS_DRM
from procpulse.sources.sysfs.class_drm import DrmCard, DrmConnector
from tests.cases import Files, failure, read, reading

C = "/sys/class/drm"
CARD0: Files = {
    f"{C}/card0/device@": "../../../0000:03:00.0",
    f"{C}/card0/device/driver@": "../../../../bus/pci/drivers/amdgpu",
    f"{C}/card0/card0-DP-1/status": "connected\n",
    f"{C}/card0/card0-DP-1/enabled": "enabled\n",
    f"{C}/card0/card0-DP-1/dpms": "On\n",
    f"{C}/card0/card0-DP-1/modes": "2560x1440\n2560x1440\n1920x1080\n1280x720\n1920x1080\n",
    f"{C}/card0/card0-DP-1/edid": b"\x00\xff\xff\xff",
    f"{C}/card0/card0-DP-10/status": "disconnected\n",
    f"{C}/card0/card0-DP-10/enabled": "disabled\n",
    f"{C}/card0/card0-DP-10/dpms": "Off\n",
    f"{C}/card0/card0-DP-10/modes": "",
    f"{C}/card0/card0-HDMI-A-2/status": "unknown\n",
    f"{C}/card0-DP-1/status": "connected\n",
    f"{C}/renderD128/dev": "226:128\n",
    f"{C}/version": "drm 1.1.0 20060810",
}
CARD0_ROW = DrmCard(
    "card0",
    "amdgpu",
    "0000:03:00.0",
    [
        DrmConnector("card0-DP-1", "connected", "enabled", "On", ["2560x1440", "1920x1080", "1280x720"]),
        DrmConnector("card0-DP-10", "disconnected", "disabled", "Off", []),
        DrmConnector("card0-HDMI-A-2", "unknown"),
    ],
)


def test_a_card_and_what_is_plugged_into_it() -> None:
    assert read(CLASS_DRM, CARD0) == [CARD0_ROW]


def test_cards_in_their_order_and_one_without_connectors() -> None:
    files = {
        **CARD0,
        f"{C}/card10/device/driver@": "../../../../bus/pci/drivers/ast",
        f"{C}/card2/device/driver@": "../../../bus/platform/drivers/simple-framebuffer",
    }
    assert read(CLASS_DRM, files) == [CARD0_ROW, DrmCard("card2", "simple-framebuffer"), DrmCard("card10", "ast")]


def test_a_mode_of_a_hostile_display_is_inert() -> None:
    [card] = read(CLASS_DRM, {f"{C}/card0/card0-DP-1/modes": b"1920x1080\x1b[2J\n\xff\n"})
    assert card.connectors[0].modes == ["1920x1080\\x1b[2J", "\\xff"]


def test_a_connector_that_does_not_answer_costs_its_own_field() -> None:
    modes = f"{C}/card0/card0-DP-1/modes"
    [card], this = reading(CLASS_DRM, {**CARD0, modes: Failure(Reason.TIMEOUT, modes, "no answer")})
    assert card.connectors[0] == DrmConnector("card0-DP-1", "connected", "enabled", "On")
    assert this.failures == {"card*-DP-*/modes": Failure(Reason.TIMEOUT, modes, "no answer")}


def test_no_graphics() -> None:
    assert read(CLASS_DRM, {f"{C}/version": "drm 1.1.0 20060810"}) == []
    assert failure(CLASS_DRM, {}).reason is Reason.MISSING
