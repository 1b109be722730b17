"""/sys/class/net/*/ecn: congestion control of RDMA over Ethernet, on adapters of Mellanox with the maker's driver.

    roce_np/cnp_dscp: 48, roce_np/enable/3: 1, roce_rp/rpg_threshold: 1

The adapter is asked for each of them.

https://docs.nvidia.com/doca/sdk/explicit+congestion+notification/index.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.tree import Folder, Tree


class EcnNotification(msgspec.Struct, frozen=True, gc=False):
    """The notification point: it sees marked packets come in and tells the sender."""

    enable: Annotated[dict[str, bool], info("Whether it works, by priority.")] = {}
    min_time_between_cnps_us: Annotated[int | None, gauge("Shortest time between two notifications of a flow.")] = None
    cnp_dscp: Annotated[int | None, info("DSCP of the notifications.")] = None
    cnp_802p_prio: Annotated[int | None, info("Priority of the notifications, after 802.1p.")] = None


class EcnReaction(msgspec.Struct, frozen=True, gc=False):
    """The reaction point: it sends more slowly when it is told to."""

    enable: Annotated[dict[str, bool], info("Whether it works, by priority.")] = {}
    clamp_tgt_rate: Annotated[bool | None, info("Whether each cut of the rate moves its target, too.")] = None
    clamp_tgt_rate_after_time_inc: Annotated[
        bool | None, info("Whether a cut moves the target even after the rate grew by time.")
    ] = None
    dce_tcp_g: Annotated[int | None, gauge("How fast the estimate of congestion follows, in 1/1,024.")] = None
    dce_tcp_rtt_us: Annotated[int | None, gauge("Time between updates of the estimate of congestion.")] = None
    initial_alpha_value: Annotated[int | None, gauge("Estimate of congestion that a flow begins with, in 1/1,024.")] = (
        None
    )
    rate_reduce_monitor_period_us: Annotated[int | None, gauge("Shortest time between two cuts of the rate.")] = None
    rate_to_set_on_first_cnp: Annotated[
        int | None, gauge("Rate after the first notification, in Mbit/s; 0 for that of the port.")
    ] = None
    rpg_ai_rate: Annotated[int | None, gauge("Step of the careful growth of the rate, in Mbit/s.")] = None
    rpg_byte_reset_bytes: Annotated[int | None, gauge("Bytes sent after which the rate grows.")] = None
    rpg_gd: Annotated[int | None, gauge("How much a notification cuts the rate, as a power of 2.")] = None
    rpg_hai_rate: Annotated[int | None, gauge("Step of the fast growth of the rate, in Mbit/s.")] = None
    rpg_max_rate: Annotated[int | None, gauge("Highest rate of a flow, in Mbit/s; 0 for that of the port.")] = None
    rpg_min_dec_fac_percent: Annotated[int | None, gauge("Most of the rate that one cut takes away.")] = None
    rpg_min_rate: Annotated[int | None, gauge("Lowest rate of a flow, in Mbit/s.")] = None
    rpg_threshold: Annotated[int | None, gauge("Steps of recovery before the rate grows beyond its target.")] = None
    rpg_time_reset_us: Annotated[int | None, gauge("Time without notification after which the rate grows.")] = None


class NetEcn(msgspec.Struct, frozen=True, gc=False):
    """Congestion control of one adapter."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    roce_np: Annotated[EcnNotification | None, group("The notification point.")] = None
    roce_rp: Annotated[EcnReaction | None, group("The reaction point.")] = None


_NP = ("min_time_between_cnps", "cnp_dscp", "cnp_802p_prio")
_RP = (
    "dce_tcp_g", "dce_tcp_rtt", "initial_alpha_value", "rate_reduce_monitor_period", "rate_to_set_on_first_cnp",
    "rpg_ai_rate", "rpg_byte_reset", "rpg_gd", "rpg_hai_rate", "rpg_max_rate", "rpg_min_dec_fac", "rpg_min_rate",
    "rpg_threshold", "rpg_time_reset",
)  # fmt: skip


def _enable(folder: Folder) -> dict[str, bool]:
    priorities = {name.removeprefix("enable/"): folder.flag(name) for name in folder.found("enable/*")}
    return {priority: flag for priority, flag in priorities.items() if flag is not None}


def parse(folder: Folder) -> NetEcn | None:
    points = {point.name: point for point in folder.folders("ecn/*")}
    if not points:
        return None
    np, rp = points.get("roce_np"), points.get("roce_rp")
    return NetEcn(
        folder.name,
        None if np is None else EcnNotification(_enable(np), *[np.number(name) for name in _NP]),
        None if rp is None else EcnReaction(
            _enable(rp), rp.flag("clamp_tgt_rate"), rp.flag("clamp_tgt_rate_after_time_inc"),
            *[rp.number(name) for name in _RP],
        ),
    )  # fmt: skip


FILES = (
    "ecn/roce_np/enable/[0-9]", *(f"ecn/roce_np/{name}" for name in _NP), "ecn/roce_rp/enable/[0-9]",
    "ecn/roce_rp/clamp_tgt_rate", "ecn/roce_rp/clamp_tgt_rate_after_time_inc",
    *(f"ecn/roce_rp/{name}" for name in _RP),
)  # fmt: skip
CLASS_NET_ECN = Tree("class_net_ecn", "/sys/class/net/*", FILES, NetEcn, parse, slow=True, inside="ecn")
