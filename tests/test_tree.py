"""What trees promise of the files that they open: which, how often, and which not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from procpulse import Reason, Roots
from procpulse.fields import counter, info, label
from procpulse.reader import Reader
from procpulse.source import Failure, Link, Read, Request
from procpulse.tree import Bundle, Folder, Tree


class Thing(msgspec.Struct, frozen=True):
    """A device."""

    name: Annotated[str, label("Its name.")]
    model: Annotated[str | None, info("Never changes.")] = None
    events: Annotated[int | None, counter("Change.")] = None
    speed: Annotated[str | None, info("Wakes the device.")] = None
    parent: Annotated[str | None, info("Where its link leads.")] = None


def parse(folder: Folder) -> Thing:
    above = folder.link("@")
    return Thing(
        folder.name,
        folder.text("model"),
        folder.number("events"),
        folder.text("link/speed"),
        above.split("/")[-2] if above else None,
    )


FILES = ("@", "model", "events", "link/speed")


class Host:
    """A tree of plain files, and what is asked for when it is read."""

    def __init__(self, tree: Path):
        self.sys = tree / "sys"
        self.asked: list[Request] = []
        self.reader = Reader(
            Roots(proc=str(tree / "proc"), sys=str(self.sys)), observe=lambda request, _: self.asked.append(request)
        )

    def write(self, path: str, text: str) -> None:
        place = self.sys / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def read(self, source: Tree[Thing]) -> tuple[list[Thing], list[str], dict[str, Failure]]:
        """The rows, the paths below /sys of the files that were read, and what failed."""
        self.asked.clear()
        result = self.reader.read_sync([source], lambda _: 30.0)[source.name]
        assert result.failure is None
        paths = [request.path for request in self.asked if isinstance(request, Read)]
        paths = [path.removeprefix("/sys/") for path in paths if path.startswith("/sys/")]
        return result.value, sorted(paths), result.failures


@pytest.fixture
def host(tree: Path) -> Iterator[Host]:
    host = Host(tree)
    for name in ("thing0", "thing1"):
        host.write(f"bus/{name}/model", f"Model of {name}\n")
        host.write(f"bus/{name}/events", "5\n")
        host.write(f"bus/{name}/link/speed", "fast\n")
        host.write(f"bus/{name}/power/runtime_status", "active\n")
    yield host
    host.reader.close()


def test_only_what_the_list_names_is_opened(host: Host) -> None:
    host.write("bus/thing0/reset", "1\n")
    rows, paths, _ = host.read(Tree("things", "/sys/bus/thing*", ("model",), Thing, parse))
    assert rows == [Thing("thing0", "Model of thing0"), Thing("thing1", "Model of thing1")]
    assert paths == ["bus/thing0/model", "bus/thing1/model"]


def test_where_the_directory_itself_is_a_link(host: Host) -> None:
    (host.sys / "class").mkdir()
    (host.sys / "class/thing0").symlink_to("../bus/thing0")
    rows, _, _ = host.read(Tree("things", "/sys/class/thing*", FILES, Thing, parse))
    assert rows == [Thing("thing0", "Model of thing0", 5, "fast", "bus")]
    assert Link("/sys/class/thing0") in host.asked


def test_nothing_is_read_in_those_that_lack_a_directory(host: Host) -> None:
    host.write("bus/thing1/bonding/mode", "1\n")
    rows, paths, _ = host.read(Tree("things", "/sys/bus/thing*", ("events",), Thing, parse, inside="bonding"))
    assert rows == [Thing("thing1", events=5)]
    assert paths == ["bus/thing1/events"]


def test_what_never_changes_is_read_once(host: Host) -> None:
    source = Tree("things", "/sys/bus/thing*", ("model", "events"), Thing, parse, once=("model",))
    first, paths, _ = host.read(source)
    assert paths == ["bus/thing0/events", "bus/thing0/model", "bus/thing1/events", "bus/thing1/model"]
    host.write("bus/thing1/events", "6\n")
    second, paths, _ = host.read(source)
    assert paths == ["bus/thing0/events", "bus/thing1/events"]
    assert second == [Thing("thing0", "Model of thing0", 5), Thing("thing1", "Model of thing1", 6)]
    assert second[0] is first[0]


def test_another_device_of_the_same_name_is_read_anew(host: Host) -> None:
    source = Tree("things", "/sys/bus/thing*", ("model", "events"), Thing, parse, once=("model",))
    host.read(source)
    (host.sys / "bus/thing1").rename(host.sys / "bus/gone")
    host.write("bus/thing1/model", "Other\n")
    host.write("bus/thing1/events", "5\n")
    rows, paths, _ = host.read(source)
    assert rows == [Thing("thing0", "Model of thing0", 5), Thing("thing1", "Other", 5)]
    assert paths == ["bus/thing0/events", "bus/thing1/events", "bus/thing1/model"]


def test_what_failed_is_asked_again_and_told_again(host: Host) -> None:
    host.write("bus/thing1/model", "x" * 5000)
    source = Tree("things", "/sys/bus/thing*", ("model", "events"), Thing, parse, once=("model",))
    for _ in range(2):
        rows, paths, failures = host.read(source)
        assert rows == [Thing("thing0", "Model of thing0", 5), Thing("thing1", None, 5)]
        assert "bus/thing1/model" in paths
        assert failures["model"].reason is Reason.MALFORMED


def test_a_device_that_sleeps_is_not_woken(host: Host) -> None:
    source = Tree("things", "/sys/bus/thing*", FILES, Thing, parse, wakes=("link/speed",))
    host.write("bus/thing1/power/runtime_status", "suspended\n")
    rows, paths, _ = host.read(source)
    assert [thing.speed for thing in rows] == ["fast", None]
    assert "bus/thing1/link/speed" not in paths
    host.write("bus/thing1/power/runtime_status", "active\n")
    rows, _, _ = host.read(source)
    assert [thing.speed for thing in rows] == ["fast", "fast"]


def test_who_says_whether_it_sleeps_is_asked_once(host: Host) -> None:
    """Also where the row tells it, and wherever it cannot be read."""
    said = []

    def status(folder: Folder) -> Thing:
        said.append(folder.text("power/runtime_status"))
        return parse(folder)

    files = (*FILES, "power/runtime_status")
    source = Tree("things", "/sys/bus/thing*", files, Thing, status, wakes=("link/speed",))
    host.write("bus/thing1/power/runtime_status", "suspended\n")
    rows, paths, _ = host.read(source)
    assert [thing.speed for thing in rows] == ["fast", None]
    assert said == ["active", "suspended"]
    assert [path for path in paths if path.startswith("bus/thing1/power")] == ["bus/thing1/power/runtime_status"]
    (host.sys / "bus/thing0/power/runtime_status").unlink()
    host.write("bus/thing1/power/runtime_status", "x" * 5000)
    rows, paths, failures = host.read(source)
    assert [thing.speed for thing in rows] == ["fast", "fast"]
    assert said[2:] == [None, None]
    assert len(paths) == len(set(paths))
    assert failures["power/runtime_status"].reason is Reason.MALFORMED


def test_a_device_that_does_not_say_whether_it_sleeps_is_asked(host: Host) -> None:
    (host.sys / "bus/thing1/power/runtime_status").unlink()
    rows, _, _ = host.read(Tree("things", "/sys/bus/thing*", FILES, Thing, parse, wakes=("link/speed",)))
    assert [thing.speed for thing in rows] == ["fast", "fast"]


def test_a_bundle_of_which_much_is_missing_is_read_anew_each_time(host: Host) -> None:
    files = ("model", "events", "one", "two", "three", "four")
    bundle = Bundle("thing", "/sys/thing", files, Thing, parse)

    def read() -> Thing | str:
        result = host.reader.read_sync([bundle], lambda _: 30.0)["thing"]
        return result.value if result.failure is None else result.failure.detail

    assert read() == "ENOENT"
    for events in range(4):  # four of the files stay missing: from the second time on the folder is listed first
        host.write("thing/events", f"{events}\n")
        assert read() == Thing("thing", events=events)
    host.write("thing/model", "late\n")
    assert read() == Thing("thing", "late", 3)
    (host.sys / "thing/events").unlink()
    (host.sys / "thing/model").unlink()
    assert [read() for _ in range(3)] == ["ENOENT"] * 3
    host.write("thing/events", "9\n")
    assert [read() for _ in range(3)] == [Thing("thing", events=9)] * 3
