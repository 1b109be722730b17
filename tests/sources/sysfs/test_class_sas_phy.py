import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_SAS_PHY
from procpulse.sources.sysfs.class_sas_phy import SasPhy
from tests.cases import Files, failure, read, reading

P = "/sys/class/sas_phy/phy-6:0:4"
PHY = {
    f"{P}/device/port@": "../port-6:0:1",
    f"{P}/sas_address": "0x5000c0de0000207f\n",
    f"{P}/phy_identifier": "4\n",
    f"{P}/device_type": "edge expander\n",
    f"{P}/enable": "1\n",
    f"{P}/initiator_port_protocols": "smp\n",
    f"{P}/target_port_protocols": "sata, smp\n",
    f"{P}/negotiated_linkrate": "12.0 Gbit\n",
    f"{P}/minimum_linkrate": "3.0 Gbit\n",
    f"{P}/minimum_linkrate_hw": "1.5 Gbit\n",
    f"{P}/maximum_linkrate": "6.0 Gbit\n",
    f"{P}/maximum_linkrate_hw": "22.5 Gbit\n",
    f"{P}/invalid_dword_count": "18\n",
    f"{P}/running_disparity_error_count": "16\n",
    f"{P}/loss_of_dword_sync_count": "2\n",
    f"{P}/phy_reset_problem_count": "4294967295\n",
    f"{P}/hard_reset": "",
}
ROW = SasPhy(
    "phy-6:0:4", "port-6:0:1", "0x5000c0de0000207f", 4, "edge expander", True, ["smp"], ["sata", "smp"], "12.0 Gbit",
    12_000_000_000, 3_000_000_000, 1_500_000_000, 6_000_000_000, 22_500_000_000, 18, 16, 2, 4294967295,
)  # fmt: skip


def test_a_phy() -> None:
    assert read(CLASS_SAS_PHY, PHY) == [ROW]


@pytest.mark.parametrize("rate", ["Unknown", "Phy disabled", "Link Rate failed", "Spin-up hold"])
def test_a_link_without_a_speed(rate: str) -> None:
    found, this = reading(CLASS_SAS_PHY, {f"{P}/negotiated_linkrate": rate + "\n", f"{P}/enable": "0\n"})
    assert found == [SasPhy("phy-6:0:4", enabled=False, negotiated_linkrate=rate)]
    assert this.failures == {}


def test_errors_that_the_adapter_does_not_tell() -> None:
    path = f"{P}/invalid_dword_count"
    [phy], this = reading(CLASS_SAS_PHY, PHY | {path: Failure(Reason.UNSUPPORTED, path, "EINVAL")})
    assert phy.invalid_dword_count is None
    assert phy.loss_of_dword_sync_count == 2
    assert this.failures == {"invalid_dword_count": Failure(Reason.UNSUPPORTED, path, "EINVAL")}


def test_phys_in_their_order() -> None:
    names = ("phy-6:10", "phy-6:2", "phy-6:0:1")
    found = read(CLASS_SAS_PHY, {f"/sys/class/sas_phy/{name}/enable": "1\n" for name in names})
    assert [phy.name for phy in found] == ["phy-6:0:1", "phy-6:2", "phy-6:10"]


def test_garbage_and_hostile_names() -> None:
    files: Files = {
        f"{P}/negotiated_linkrate": "1e9 Gbit\n",
        f"{P}/maximum_linkrate": "12.05 Gbit\n",
        f"{P}/invalid_dword_count": "0x12\n",
        f"{P}/device_type": "\x1b[2J\u202e\n",
        f"{P}/device/port@": b"../port-\xff",
    }
    found, this = reading(CLASS_SAS_PHY, files)
    assert found == [SasPhy("phy-6:0:4", "port-\\xff", device_type="\\x1b[2J\\u202e", negotiated_linkrate="1e9 Gbit")]
    assert set(this.failures) == {"negotiated_linkrate", "maximum_linkrate", "invalid_dword_count"}


def test_no_sas() -> None:
    assert failure(CLASS_SAS_PHY, {}).reason is Reason.MISSING
