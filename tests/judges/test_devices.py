"""What devices are, against those who have always told: lsblk, lscpu, ip and sensors, on the live host."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from procpulse import read_sync
from procpulse.sources import (
    BLOCK,
    CLASS_HWMON,
    CLASS_NET,
    CPU_ONLINE,
    CPU_TOPOLOGY,
    CPU_VULNERABILITIES,
    NODE,
)
from procpulse.sources.sysfs.class_hwmon import HwmonChip
from procpulse.text import span
from tests.conftest import program


def told(*command: str) -> Any:
    """What a program prints as JSON."""
    done = subprocess.run([program(command[0]), *command[1:]], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_lsblk() -> None:
    columns = "NAME,MAJ:MIN,SIZE,RO,RM,ROTA,SCHED,PHY-SEC,LOG-SEC,RA,RQ-SIZE,DISC-GRAN,DISC-MAX,ZONED,MIN-IO,OPT-IO"
    rows = {row.name: row for row in read_sync(BLOCK)}
    disks = told("lsblk", "--all", "--bytes", "--json", "--nodeps", "--output", columns)["blockdevices"]
    compared = 0
    for disk in disks:
        row = rows.get(disk["name"])
        if row is None or row.queue is None:
            continue  # it came later
        queue = row.queue
        assert disk == {
            "name": row.name,
            "maj:min": row.device,
            "size": row.size_bytes,
            "ro": row.read_only,
            "rm": row.removable,
            "rota": queue.rotational,
            "sched": queue.scheduler if disk["sched"] is not None else None,
            "phy-sec": queue.physical_block_size_bytes,
            "log-sec": queue.logical_block_size_bytes,
            "ra": queue.read_ahead_bytes // 1024 if queue.read_ahead_bytes is not None else None,
            "rq-size": queue.nr_requests if disk["rq-size"] is not None else None,
            "disc-gran": queue.discard_granularity_bytes,
            "disc-max": queue.discard_max_bytes,
            "zoned": queue.zoned,
            "min-io": queue.minimum_io_size_bytes,
            "opt-io": queue.optimal_io_size_bytes,
        }
        compared += 1
    assert compared


def test_lsblk_of_partitions() -> None:
    rows = {row.name: row for row in read_sync(BLOCK)}
    disks = told("lsblk", "--all", "--bytes", "--json", "--output", "NAME,SIZE,TYPE,MAJ:MIN,RO")["blockdevices"]
    for disk in disks:
        parts = [part for part in disk.get("children", []) if part["type"] == "part"]
        found = rows[disk["name"]].partitions if disk["name"] in rows else []
        mine = sorted((part.name, part.size_bytes, part.device, part.read_only) for part in found)
        assert sorted((part["name"], part["size"], part["maj:min"], part["ro"]) for part in parts) == mine


def _flat(entries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Newer versions print a tree."""
    for entry in entries:
        yield entry["field"].rstrip(":"), entry["data"]
        yield from _flat(entry.get("children", []))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_lscpu() -> None:
    facts = dict(_flat(told("lscpu", "--json")["lscpu"]))
    online = read_sync(CPU_ONLINE)
    assert online.online == span(facts["On-line CPU(s) list"].encode())
    assert int(facts["CPU(s)"]) == len(online.present or [])
    holes = {
        f"Vulnerability {row.name.replace('_', ' ').capitalize()}": (row.state, row.mitigation or "")
        for row in read_sync(CPU_VULNERABILITIES)
    }
    words = {"not affected": "Not affected", "vulnerable": "Vulnerable", "mitigated": "Mitigation", "unknown": ""}
    theirs = {field: data for field, data in facts.items() if field.startswith("Vulnerability")}
    assert theirs.keys() == holes.keys()
    for field, data in theirs.items():
        state, rest = holes[field]
        assert words[state] in data
        assert _letters(rest) in _letters(data), "but for its colons, which it replaces"
    nodes = {f"NUMA node{row.node} CPU(s)": span((row.cpulist or "").encode()) for row in read_sync(NODE)}
    assert {field: span(data.encode()) for field, data in facts.items() if field in nodes} == nodes


def test_lscpu_of_cores_and_sockets() -> None:
    """It counts cores and sockets anew from 0: what must agree is which CPUs share one."""
    table = told("lscpu", "--json", "--extended=CPU,CORE,SOCKET,NODE")["cpus"]
    rows = {row.cpu: row for row in read_sync(CPU_TOPOLOGY) if row.core_id is not None}
    assert sorted(rows) == sorted(entry["cpu"] for entry in table)

    def together(key: Any) -> set[frozenset[int]]:
        groups: dict[Any, set[int]] = {}
        for cpu in rows:
            groups.setdefault(key(cpu), set()).add(cpu)
        return {frozenset(group) for group in groups.values()}

    theirs = {entry["cpu"]: entry for entry in table}
    assert together(lambda cpu: theirs[cpu]["core"]) == together(lambda cpu: rows[cpu].thread_siblings_list)
    assert together(lambda cpu: theirs[cpu]["socket"]) == together(lambda cpu: rows[cpu].physical_package_id)


_COUNTERS = {
    ("rx", "bytes"): "rx_bytes", ("rx", "packets"): "rx_packets", ("rx", "errors"): "rx_errors",
    ("rx", "dropped"): "rx_dropped", ("rx", "multicast"): "multicast", ("rx", "length_errors"): "rx_length_errors",
    ("rx", "crc_errors"): "rx_crc_errors", ("rx", "frame_errors"): "rx_frame_errors",
    ("rx", "fifo_errors"): "rx_fifo_errors", ("rx", "missed_errors"): "rx_missed_errors",
    ("rx", "over_errors"): "rx_over_errors", ("tx", "bytes"): "tx_bytes", ("tx", "packets"): "tx_packets",
    ("tx", "errors"): "tx_errors", ("tx", "dropped"): "tx_dropped", ("tx", "carrier_errors"): "tx_carrier_errors",
    ("tx", "collisions"): "collisions", ("tx", "aborted_errors"): "tx_aborted_errors",
    ("tx", "fifo_errors"): "tx_fifo_errors", ("tx", "window_errors"): "tx_window_errors",
    ("tx", "heartbeat_errors"): "tx_heartbeat_errors",
}  # fmt: skip


def test_ip_link() -> None:
    """Asked before and after, as counters go on: ours are between."""
    command = ("ip", "-s", "-s", "-json", "link")
    first = {link["ifname"]: link for link in told(*command)}
    rows = {row.name: row for row in read_sync(CLASS_NET)}
    last = {link["ifname"]: link for link in told(*command)}
    compared = 0
    for name in first.keys() & rows.keys() & last.keys():
        before, row, after = first[name], rows[name], last[name]
        if not before["ifindex"] == row.ifindex == after["ifindex"] or before["flags"] != after["flags"]:
            continue  # another one by now, or one that changed while it was looked at
        assert row.mtu_bytes == after["mtu"]
        assert row.operstate == after["operstate"].lower()
        assert row.tx_queue_len == after.get("txqlen", 0)
        if "address" in after and after["link_type"] in ("ether", "loopback"):
            assert (row.address, row.broadcast) == (after["address"], after["broadcast"])
        assert row.flags is not None
        assert bool(row.flags & 1) == ("UP" in after["flags"])
        assert row.statistics is not None
        for (way, counter), field in _COUNTERS.items():
            if counter in before["stats64"][way]:
                value = getattr(row.statistics, field)
                assert before["stats64"][way][counter] <= value <= after["stats64"][way][counter], (name, field)
                compared += 1
    assert compared > 10


def _inputs(chip: HwmonChip) -> dict[str, float]:
    """What sensors(1) calls `temp1_input` and so on, in degrees, volts, rotations, watts, amperes."""
    found: dict[str, float] = {}
    for rows, field, factor in (
        (chip.temperatures, "input_mc", 1e-3), (chip.fans, "input_rpm", 1), (chip.voltages, "input_mv", 1e-3),
        (chip.currents, "input_ma", 1e-3), (chip.powers, "input_uw", 1e-6), (chip.energies, "input_uj", 1e-6),
    ):  # fmt: skip
        for row in rows:
            value = getattr(row, field)
            if value is not None:
                found[f"{row.sensor}_input"] = value * factor
    return found


def test_sensors() -> None:
    done = subprocess.run([program("sensors"), "-j", "-A"], capture_output=True, text=True, check=False)
    chips = read_sync(CLASS_HWMON) if done.returncode == 0 else []
    if done.returncode or not chips:
        pytest.skip(f"no sensor chip here: {(done.stderr or done.stdout).strip()}")
    theirs = [
        {name: value for feature in chip.values() if isinstance(feature, dict) for name, value in feature.items()}
        for chip in json.loads(done.stdout).values()
    ]
    for chip in chips:
        mine = _inputs(chip)
        best = max(theirs, key=lambda chip: len(mine.keys() & chip.keys()))
        for name in mine.keys() & best.keys():
            assert mine[name] == pytest.approx(best[name], rel=0.2, abs=5)
        assert mine.keys() & best.keys() == {name for name in best if name.endswith("_input")}
