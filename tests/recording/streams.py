"""Streams of snapshots that tests record: small, and the same each time."""

import msgspec

from procpulse import Failure, Host, Reason, Snapshot
from procpulse.sources.proc.loadavg import Loadavg
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.processes import Process
from procpulse.sources.proc.swaps import Swap

HOST = Host("host", "boot", "6.18.4", 1_700_000_000)
START = 1_760_000_000.0


def stat(pid: int, ticks: int = 0, comm: str = "worker") -> PidStat:
    return PidStat(
        pid, comm, "S", 1, pid, pid, 0, -1, 64, 10, 0, 0, 0, ticks, ticks // 2, 0, 0, 20, 0, 1, 900, 4096, 8192, 1 << 63
    )


def process(pid: int, ticks: int = 0, identity: int | None = None) -> Process:
    return Process(pid, pid if identity is None else identity, stat(pid, ticks))


def snapshot(seq: int, pids: int = 20, *, time: float | None = None, boot: str = "boot") -> Snapshot:
    """Tick `seq` of a host: a load that changes, swaps that do not, processes some of which work, come and go."""
    table = {pid: process(pid, seq * pid if not pid % 7 else 0) for pid in range(1, pids + 1)}
    if seq % 4 == 3:
        table[1000 + seq] = process(1000 + seq)
        table.pop(2, None)
    now = 1_000_000_000 * (seq + 1)
    return Snapshot(
        seq=seq,
        time=START + seq if time is None else time,
        monotonic_ns=now,
        host=msgspec.structs.replace(HOST, boot_id=boot),
        values={
            "loadavg": Loadavg(seq / 100, 0.5, 0.25, 1, 80, 11_206 + seq),
            "swaps": [Swap("/dev/sda2", "partition", 1 << 30, 4096, -2)],
            "processes": table,
        },
        failures={"pressure": Failure(Reason.MISSING, "/proc/pressure", "ENOENT")} if seq % 5 else {},
        read_ns={"loadavg": now + 10, "swaps": now + 20, "processes": now + 30},
        rows_ns={"processes": [(now + 30, len(table) - 1), (now + 40, 1)]},
        interval=1.0,
    )


def stream(count: int, pids: int = 20) -> list[Snapshot]:
    return [snapshot(seq, pids) for seq in range(count)]
