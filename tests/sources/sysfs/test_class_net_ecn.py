from procpulse import Failure, Reason
from procpulse.sources import CLASS_NET_ECN
from procpulse.sources.sysfs.class_net_ecn import EcnNotification, EcnReaction, NetEcn
from tests.cases import Files, failure, read, reading

E = "/sys/class/net/ens1f0np0/ecn"
FILES: Files = {
    **{f"{E}/roce_np/enable/{priority}": "1\n" for priority in range(7)},
    f"{E}/roce_np/enable/7": "0\n",
    f"{E}/roce_np/min_time_between_cnps": "4\n",
    f"{E}/roce_np/cnp_dscp": "48\n",
    f"{E}/roce_np/cnp_802p_prio": "6\n",
    f"{E}/roce_rp/enable/3": "1\n",
    f"{E}/roce_rp/clamp_tgt_rate": "0\n",
    f"{E}/roce_rp/clamp_tgt_rate_after_time_inc": "1\n",
    f"{E}/roce_rp/dce_tcp_g": "1019\n",
    f"{E}/roce_rp/dce_tcp_rtt": "2\n",
    f"{E}/roce_rp/initial_alpha_value": "1023\n",
    f"{E}/roce_rp/rate_reduce_monitor_period": "4\n",
    f"{E}/roce_rp/rate_to_set_on_first_cnp": "0\n",
    f"{E}/roce_rp/rpg_ai_rate": "5\n",
    f"{E}/roce_rp/rpg_byte_reset": "32767\n",
    f"{E}/roce_rp/rpg_gd": "11\n",
    f"{E}/roce_rp/rpg_hai_rate": "50\n",
    f"{E}/roce_rp/rpg_max_rate": "0\n",
    f"{E}/roce_rp/rpg_min_dec_fac": "60\n",
    f"{E}/roce_rp/rpg_min_rate": "1\n",
    f"{E}/roce_rp/rpg_threshold": "3\n",
    f"{E}/roce_rp/rpg_time_reset": "300\n",
    "/sys/class/net/lo/mtu": "65536\n",
}
ENABLED = {"0": True, "1": True, "2": True, "3": True, "4": True, "5": True, "6": True, "7": False}
NP = EcnNotification(ENABLED, 4, 48, 6)
RP = EcnReaction({"3": True}, False, True, 1019, 2, 1023, 4, 0, 5, 32767, 11, 50, 0, 60, 1, 3, 300)


def test_an_adapter() -> None:
    assert read(CLASS_NET_ECN, FILES) == [NetEcn("ens1f0np0", NP, RP)]


def test_one_point_only() -> None:
    files = {path: data for path, data in FILES.items() if "roce_rp" not in path}
    assert read(CLASS_NET_ECN, files) == [NetEcn("ens1f0np0", NP)]


def test_garbage_costs_its_own_field() -> None:
    path = f"{E}/roce_np/enable/2"
    files = {**FILES, f"{E}/roce_np/enable/1": "on\n", path: Failure(Reason.UNSUPPORTED, path, "EIO")}
    [row], this = reading(CLASS_NET_ECN, files)
    enabled = {priority: flag for priority, flag in ENABLED.items() if priority not in "12"}
    assert row == NetEcn("ens1f0np0", EcnNotification(enabled, 4, 48, 6), RP)
    assert {failed.reason for failed in this.failures.values()} == {Reason.UNSUPPORTED}
    assert sum(failed.count for failed in this.failures.values()) == 2


def test_no_such_adapter() -> None:
    assert read(CLASS_NET_ECN, {"/sys/class/net/lo/mtu": "65536\n"}) == []
    assert failure(CLASS_NET_ECN, {}).reason is Reason.MISSING
