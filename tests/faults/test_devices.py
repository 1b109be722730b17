"""Interfaces, loop and zram devices that come and go, counters that fall (F21, F22, F24, F25; P7, P8).

Nothing of a new device is ever counted against an old one of its name, and one that is gone takes nothing with it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from procpulse import Sampler, difference
from procpulse.sources import STAT
from tests.conftest import program
from tests.faults.making import child

Figure = Callable[[str, Any], None]

INTERFACES = """
    import json, subprocess, sys
    from procpulse import Sampler, difference
    from procpulse.sources import CLASS_NET, NET_DEV

    def ip(*lines):
        subprocess.run(["ip", "-force", "-batch", "-"], input="\\n".join(lines), text=True, check=True)

    sampler = Sampler([CLASS_NET, NET_DEV])
    ip("link set lo up", "link add stays type veth peer name other", "link set stays up")
    wrong, lost, seen, failed = 0, 0, 0, set()
    before = None
    for i in range(int(sys.argv[1])):
        # The new one of this name has had less traffic than the old one, or, every third time, more.
        ip(*["link add pp0 type veth peer name pp1", "link set pp0 up", "link set pp1 up"])
        if i % 3:  # an address makes it speak, so that it counts bytes
            ip("addr add 10.9.0.1/24 dev pp0")
        after = sampler.sample_sync()
        failed |= {f.reason for f in after.failures.values() if f.reason in ("bug", "malformed", "exhausted")}
        names = {row.name for row in after[CLASS_NET]}
        lost += not {"stays", "lo", "pp0", "pp1"} <= names
        seen += "pp0" in names
        if before is not None:
            delta = difference(before, after)
            wrong += any(row.name in ("pp0", "pp1") for row in delta[CLASS_NET])
            lost += not any(row.name == "stays" for row in delta[CLASS_NET])
            for row in delta[NET_DEV]:
                wrong += row.rx_bytes < 0 or row.tx_bytes < 0
        before = after
        ip("link set pp0 name pp2", "link del pp2") if i % 2 else ip("link del pp0")
    print(json.dumps({"wrong": wrong, "lost": lost, "seen": seen, "failed": sorted(failed)}))
"""


@pytest.mark.root
def test_interfaces_made_again_under_their_names(figure: Figure) -> None:
    program("ip")
    rounds = 142
    found = child(INTERFACES, unshare=["--net", "--mount"], setup="mount -t sysfs none /sys", arguments=[str(rounds)])
    assert found == {"wrong": 0, "lost": 0, "seen": rounds, "failed": []}
    figure("P7 interfaces made again, wrong deltas", f"{rounds}, {found['wrong']}")


DISKS = """
    import json, os, sys
    from pathlib import Path
    from procpulse import Sampler, difference
    from procpulse.sources import BLOCK, DISKSTATS, ZRAM

    control = Path("/sys/class/zram-control")
    sampler = Sampler([BLOCK, DISKSTATS, ZRAM])
    wrong, seen, lost, failed, before, old = 0, 0, 0, set(), None, 0
    for i in range(int(sys.argv[1])):
        number = int((control / "hot_add").read_text())
        name = f"zram{number}"
        try:
            Path(f"/sys/block/{name}/disksize").write_text("1M")
            if i % 3:  # what was read from it, more or less than from the one before
                node = f"/dev/procpulse-{os.getpid()}"
                major, minor = Path(f"/sys/block/{name}/dev").read_text().split(":")
                os.mknod(node, 0o60600, os.makedev(int(major), int(minor)))
                with open(node, "rb", buffering=0) as disk:
                    os.unlink(node)
                    disk.read(4096 * (1 + i % 5))
            numbered = Path(f"/sys/block/{name}/diskseq").exists()
            after = sampler.sample_sync()
        finally:
            (control / "hot_remove").write_text(str(number))
        failed |= {f.reason for f in after.failures.values() if f.reason in ("bug", "malformed", "exhausted")}
        rows = {row.name for row in after[ZRAM]}
        seen += name in rows
        lost += not {row.name for row in (before or after)[BLOCK]} - {name} <= {row.name for row in after[BLOCK]}
        if before is not None and number == old:
            delta = difference(before, after)
            if numbered:  # since Linux 5.15 the new one is another row
                wrong += sum(row.name == name for source in (BLOCK, ZRAM) for row in delta[source])
            for row in delta[DISKSTATS]:
                wrong += any(isinstance(value := getattr(row, field), int) and value < 0 for field in row.__struct_fields__)
        before, old = after, number
    print(json.dumps({"wrong": wrong, "seen": seen, "lost": lost, "failed": sorted(failed)}))
"""


@pytest.mark.root
def test_disks_made_again_under_their_numbers(figure: Figure) -> None:
    """Since Linux 5.15 each has a number that is never used again, and is another row; before, and in diskstats, which has
    only the name, what falls has grown by 0 and is named in `resets`."""
    try:
        open("/sys/class/zram-control/hot_remove", "w").close()
    except OSError as error:
        pytest.skip(f"no zram here: {error}")
    rounds = 161
    found = child(DISKS, arguments=[str(rounds)])
    assert found["wrong"] == 0
    assert found["seen"] == rounds
    assert found["failed"] == []
    figure("P7 zram devices made again, negative growth", f"{rounds}, {found['wrong']}")


CPU = "cpu  {0} 0 {0} {1} 0 0 0 0 0 0\n"


def test_a_hundred_resets(tmp_path: Any) -> None:
    """CPU counters that fall, a little and a lot, and a CPU that vanishes and comes back (F21, F24)."""
    from procpulse import Roots

    (tmp_path / "sys").mkdir()
    (tmp_path / "proc").mkdir()
    file = tmp_path / "proc/stat"
    sampler = Sampler([STAT], roots=Roots(proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys")))
    before = None
    resets = 0
    for i in range(100):
        busy, idle = 1000 + i * (-7 if i % 3 else 11), 90_000 - i * 900 if i % 2 else 5
        cpus = [0, 1, 2, 5] if i % 4 else [0, 2]
        rows = "".join(f"cpu{n} {busy} 0 {busy} {idle} {idle} 0 0 {i % 2} 0 0\n" for n in cpus)
        file.write_text(
            CPU.format(busy * len(cpus), idle * len(cpus)) + rows + "ctxt 5\nbtime 1700000000\nprocesses 9\n"
        )
        after = sampler.sample_sync()
        if before is not None:
            delta = difference(before, after)
            resets += len(delta.resets)
            both = {cpu.cpu for cpu in before[STAT].cpus} & {cpu.cpu for cpu in after[STAT].cpus}
            went_on = {cpu.cpu for cpu in delta[STAT].cpus}
            named = {int(reset.row) for reset in delta.resets if reset.row}
            assert went_on | named == both, "a rate only for those that are in both"
            assert not {number for number in named if number not in both}
            for cpu in delta[STAT].cpus:
                assert cpu.user_ticks >= 0
                assert cpu.idle_ticks >= 0
            usage = delta.usage.cpu
            assert usage is None or 0 <= usage.busy_ratio <= 1
            assert usage is None or went_on == both, "what one of them did is not known, so neither is the sum"
        before = after
    assert resets > 100
    sampler.close()


@pytest.mark.root
def test_the_loopback_alone() -> None:
    """A network namespace in which nothing is but a loopback that is down."""
    found = child(
        """
        import json
        from procpulse import catalog, Sampler
        names = [n for n in catalog.modules() if n.startswith(("net_", "class_net"))]
        sampler = Sampler([catalog.source(n) for n in names])
        snap = [sampler.sample_sync() for _ in range(3)][-1]
        print(json.dumps([sorted({f.reason for n, f in snap.failures.items() if "/" not in n}),
                          [row.name for row in snap.values["net_dev"]]]))
        """,
        unshare=["--net", "--mount"],
        setup="mount -t sysfs none /sys",
    )
    assert set(found[0]) <= {"missing", "unsupported"}
    assert "lo" in found[1]
