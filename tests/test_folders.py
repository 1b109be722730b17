"""Directories of small files: what is listed, what is opened, what becomes a row, and what is only parsed again."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import pytest

from procpulse import Bundle, Failure, Reason, Tree
from procpulse.fields import info, label
from procpulse.source import Link, Names, Read, Reading, Request, Source, Unreadable
from procpulse.tree import Folder, glob, is_pattern, natural
from tests.cases import HOST, Files, answer, failure, folder, read, reading


class Thing(msgspec.Struct, frozen=True):
    """What a folder held."""

    name: Annotated[str, label("Name of the folder.")]
    wild: Annotated[list[str], info("What the wildcards stood for.")]
    entries: Annotated[dict[str, Any], info("Content by relative path.")]


def parse(this: Folder) -> Thing:
    return Thing(this.name, list(this.wild), dict(this.entries))


def tree(path: str, *files: str, **more: Any) -> Tree[Thing]:
    return Tree("things", path, files, Thing, parse, **more)


def entries(path: str, files: tuple[str, ...], there: Files) -> dict[str, dict[str, Any]]:
    """What each row holds, by the name of its folder."""
    return {row.name: row.entries for row in read(tree(path, *files), there)}


def asked(source: Source[Any], there: Mapping[str, Any]) -> list[Request]:
    """Everything that a source asks for."""
    steps = source.steps(Reading(HOST))
    seen: list[Request] = []
    try:
        requests = next(steps)
        while True:
            seen += requests
            requests = steps.send([answer(there, {}, request) for request in requests])
    except StopIteration:
        return seen


def opened(source: Source[Any], there: Mapping[str, Any]) -> list[str]:
    """The files that a source asks for, below /sys."""
    return sorted(request.path.removeprefix("/sys/") for request in asked(source, there) if isinstance(request, Read))


# Which directories are rows.

PORTS = {
    "/sys/bus/a/ports/1/state": b"up",
    "/sys/bus/a/ports/10/state": b"down",
    "/sys/bus/a/ports/2/state": b"up",
    "/sys/bus/b10/ports/1/state": b"up",
    "/sys/bus/b9/ports/1/state": b"up",
    "/sys/bus/c/other": b"",
    "/sys/bus/version": b"1",
}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        pytest.param("/sys/bus/a", [[]], id="no wildcard, one row"),
        pytest.param("/sys/bus/a/ports/*", [["1"], ["2"], ["10"]], id="one, in natural order"),
        pytest.param("/sys/bus/*/ports/*", [["a", "1"], ["a", "2"], ["a", "10"], ["b9", "1"], ["b10", "1"]], id="two"),
        pytest.param("/sys/bus/b[0-9]+/ports/?", [["b9", "1"], ["b10", "1"]], id="sets and single characters"),
        pytest.param(
            "/sys/bus/[ab]*/ports/[12]", [["a", "1"], ["a", "2"], ["b9", "1"], ["b10", "1"]], id="a set of two"
        ),
        pytest.param("/sys/bus/z*", [], id="nothing that matches"),
    ],
)
def test_wildcards_of_the_path(path: str, rows: list[list[str]]) -> None:
    files = ("state", "ports/1/state") if path == "/sys/bus/a" else ("state",)
    assert [row.wild for row in read(tree(path, *files), PORTS)] == rows


def test_a_wildcard_in_the_middle_of_a_path() -> None:
    there = {"/sys/a1/x/n": b"1", "/sys/a2/y/n": b"2", "/sys/a3/x/n": b"3", "/sys/a4": b""}
    assert [(row.name, row.wild) for row in read(tree("/sys/a[0-9]/x", "n"), there)] == [("x", ["a1"]), ("x", ["a3"])]


def test_every_directory_below() -> None:
    there = {
        "/sys/cg/n": b"0", "/sys/cg/a/n": b"1", "/sys/cg/a/b/n": b"2", "/sys/cg/c/other": b"", "/sys/cg/link@": b"a",
        "/sys/cg/file": b"",
    }  # fmt: skip
    source = tree("/sys/cg/**", "n")
    assert [(row.name, row.entries["n"]) for row in read(source, there)] == [("cg", b"0"), ("a", b"1"), ("b", b"2")]
    listed = [request for request in asked(source, there) if isinstance(request, Names)]
    assert all(request.folders for request in listed), "links are not followed"
    assert {request.path for request in listed} == {"/sys/cg", "/sys/cg/a", "/sys/cg/a/b", "/sys/cg/c"}


def test_every_directory_below_each() -> None:
    there = {"/sys/x1/n": b"0", "/sys/x1/a/n": b"1", "/sys/x2/n": b"2", "/sys/y/n": b"3"}
    rows = read(tree("/sys/x*/**", "n"), there)
    assert [(row.wild, row.name) for row in rows] == [(["x1"], "x1"), (["x2"], "x2"), (["x1"], "a")]


def test_no_directory_at_all() -> None:
    assert failure(tree("/sys/class/x/*", "n"), {}) == Failure(Reason.MISSING, "/sys/class/x", "ENOENT")
    assert failure(tree("/sys/class/x/**", "n"), {}) == Failure(Reason.MISSING, "/sys/class/x", "ENOENT")


def test_a_directory_that_may_not_be_listed() -> None:
    no = Failure(Reason.DENIED, "/sys/bus", "EACCES")
    assert failure(tree("/sys/bus/*", "n"), {"/sys/bus/": no}) == no
    below = Failure(Reason.DENIED, "/sys/bus/b9/ports", "EACCES")
    rows, this = reading(tree("/sys/bus/*/ports/*", "state"), PORTS | {"/sys/bus/b9/ports/": below})
    assert [row.wild for row in rows] == [["a", "1"], ["a", "2"], ["a", "10"], ["b10", "1"]]
    assert this.failures == {"*": below}


def test_one_of_several_that_is_gone() -> None:
    there = {"/sys/x1/n": b"0", "/sys/x2/n": b"2", "/sys/x2/": Failure(Reason.MISSING, "/sys/x2", "ENOENT")}
    assert [row.name for row in read(tree("/sys/x*/**", "n"), there)] == ["x1", "x2"]


def test_one_below_that_may_not_be_listed() -> None:
    no = Failure(Reason.DENIED, "/sys/cg/a", "EACCES")
    rows, this = reading(tree("/sys/cg/**", "n"), {"/sys/cg/n": b"0", "/sys/cg/a/n": b"1", "/sys/cg/a/": no})
    assert [row.name for row in rows] == ["cg", "a"]
    assert this.failures == {"*": no}


def test_hostile_names() -> None:
    [row] = read(tree("/sys/x/*", "n", "d/"), {"/sys/x/e\x1b\udcff/n": b"1", "/sys/x/e\x1b\udcff/d/\u202e\udc80": b""})
    assert (row.name, row.wild, row.entries["d/"]) == ("e\\x1b\\xff", ["e\\x1b\\xff"], ["\\u202e\\x80"])


# What is opened in each.

DEVICE = {
    "/sys/dev/d0/name": b"d0\n",
    "/sys/dev/d0/reset": b"never read this\n",
    "/sys/dev/d0/temp1_input": b"1\n",
    "/sys/dev/d0/temp10_input": b"10\n",
    "/sys/dev/d0/temp2_input": b"2\n",
    "/sys/dev/d0/temp2_input_max": b"3\n",
    "/sys/dev/d0/ports/1/counters/rx": b"11\n",
    "/sys/dev/d0/ports/1/counters/tx": b"12\n",
    "/sys/dev/d0/ports/1/state": b"up\n",
    "/sys/dev/d0/ports/2/counters/rx": b"21\n",
    "/sys/dev/d0/ports/2/gids/0": b"::\n",
    "/sys/dev/d0/slaves/sda@": b"../../sda",
    "/sys/dev/d0/slaves/sdb@": b"../../sdb",
    "/sys/dev/d0/driver@": b"../../bus/drivers/x",
    "/sys/dev/d0/device/numa_node": b"0\n",
    "/sys/dev/d0/device/driver@": b"../../bus/drivers/y",
}
TEMPERATURES = {"temp1_input": b"1\n", "temp2_input": b"2\n", "temp10_input": b"10\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(("name",), {"name": b"d0\n"}, id="a name"),
        pytest.param(("name", "gone"), {"name": b"d0\n"}, id="a name that is not there"),
        pytest.param(("device/numa_node",), {"device/numa_node": b"0\n"}, id="a path"),
        pytest.param(("temp[0-9]+_input",), TEMPERATURES, id="a pattern"),
        pytest.param(("temp?_input",), {"temp1_input": b"1\n", "temp2_input": b"2\n"}, id="one character"),
        pytest.param(("temp1*", "temp*_input", "temp2_input"), TEMPERATURES, id="patterns that overlap"),
        pytest.param(
            ("ports/*/counters/*",),
            {"ports/1/counters/rx": b"11\n", "ports/1/counters/tx": b"12\n", "ports/2/counters/rx": b"21\n"},
            id="wildcards in several levels",
        ),
        pytest.param(
            ("ports/*/counters/rx", "ports/*/state", "ports/1/state"),
            {"ports/1/counters/rx": b"11\n", "ports/1/state": b"up\n", "ports/2/counters/rx": b"21\n"},
            id="several below one wildcard, one of them named as well",
        ),
        pytest.param(("slaves/",), {"slaves/": ["sda", "sdb"]}, id="names in a directory"),
        pytest.param(
            ("ports/*/",), {"ports/1/": ["counters", "state"], "ports/2/": ["counters", "gids"]}, id="in each"
        ),
        pytest.param(("driver@",), {"driver@": b"../../bus/drivers/x"}, id="the target of a link"),
        pytest.param(
            ("slaves/*@", "device/driver@"),
            {"slaves/sda@": b"../../sda", "slaves/sdb@": b"../../sdb", "device/driver@": b"../../bus/drivers/y"},
            id="the targets of some",
        ),
    ],
)
def test_allow_list(files: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert entries("/sys/dev/*", files, DEVICE) == {"d0": expected}


def test_nothing_else_is_opened() -> None:
    source = tree("/sys/dev/*", "name", "temp[0-9]+_input", "ports/*/counters/r*", "slaves/", "driver@")
    assert opened(source, DEVICE) == [
        "dev/d0/name", "dev/d0/ports/1/counters/rx", "dev/d0/ports/2/counters/rx", "dev/d0/temp10_input",
        "dev/d0/temp1_input", "dev/d0/temp2_input",
    ]  # fmt: skip
    assert [request for request in asked(source, DEVICE) if isinstance(request, Link)] == [Link("/sys/dev/d0/driver")]


def test_what_two_patterns_match_is_opened_once() -> None:
    source = tree("/sys/dev/*", "temp1*", "temp*_input", "temp2_input")
    assert opened(source, DEVICE) == ["dev/d0/temp10_input", "dev/d0/temp1_input", "dev/d0/temp2_input"]


def test_no_directory_is_listed_without_need() -> None:
    requests = asked(tree("/sys/dev/d0", "name", "device/numa_node"), DEVICE)
    assert not any(isinstance(request, Names) for request in requests)


def test_each_directory_is_listed_once() -> None:
    source = tree("/sys/dev/*", "temp[0-9]+_input", "fan[0-9]+_input", "ports/*/state", "ports/*/counters/*")
    listed = [request.path for request in asked(source, DEVICE) if isinstance(request, Names)]
    assert sorted(listed) == sorted(set(listed))


def test_a_directory_inside_that_may_not_be_listed_costs_its_own_files() -> None:
    no = Failure(Reason.DENIED, "/sys/dev/d0/ports/1/counters", "EACCES")
    rows, this = reading(tree("/sys/dev/*", "name", "ports/*/counters/*"), DEVICE | {f"{no.path}/": no})
    assert rows[0].entries == {"name": b"d0\n", "ports/2/counters/rx": b"21\n"}
    assert this.failures == {"ports/*/counters": no}


@pytest.mark.parametrize(
    ("slow", "waiting"),
    [
        pytest.param(False, set(), id="nothing"),
        pytest.param(True, {"name", "temp1_input", "slaves", "driver"}, id="everything"),
        pytest.param(("temp[0-9]_input", "driver@"), {"temp1_input", "driver"}, id="some of it"),
    ],
)
def test_slow_files(slow: Any, waiting: set[str]) -> None:
    source = tree("/sys/dev/*", "name", "temp[0-9]_input", "slaves/", "driver@", slow=slow)
    there = {path: data for path, data in DEVICE.items() if "temp2" not in path}
    requests = [request for request in asked(source, there) if request.path.startswith("/sys/dev/d0/")]
    assert {request.path.removeprefix("/sys/dev/d0/") for request in requests if request.slow} == waiting
    assert source.slow is (slow is True)


# Rows over time.


class Parser:
    """Counts how often a folder is parsed."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, this: Folder) -> Thing:
        self.calls += 1
        return parse(this)


class Over:
    """A tree that is read again and again, with what it remembers."""

    def __init__(self) -> None:
        self.parser = Parser()
        self.source = Tree("things", "/sys/x/*", ("n",), Thing, self.parser)
        self.memory: dict[Any, Any] = {}

    def read(self, names: list[tuple[str, int]], *answers: bytes | Failure) -> tuple[list[Thing], list[Read]]:
        """One read: names and inodes of the directory, then the content of each file; also what was asked for."""
        steps = self.source.steps(Reading(HOST, self.memory))
        assert list(next(steps)) == [Names("/sys/x")]
        requests = steps.send([names])
        try:
            steps.send(list(answers))
        except StopIteration as stop:
            return stop.value, [request for request in requests if isinstance(request, Read)]
        raise AssertionError("it asks for more")


def test_the_same_bytes_are_the_same_row() -> None:
    over = Over()
    [first], _ = over.read([("a", 1)], b"1")
    [second], _ = over.read([("a", 1)], b"1")
    assert first is second
    assert over.parser.calls == 1


def test_other_bytes_are_another_row() -> None:
    over = Over()
    over.read([("a", 1), ("b", 2)], b"1", b"2")
    rows, _ = over.read([("a", 1), ("b", 2)], b"1", b"3")
    assert [row.entries for row in rows] == [{"n": b"1"}, {"n": b"3"}]
    assert over.parser.calls == 3


def test_a_file_that_comes_or_goes_is_another_row() -> None:
    over = Over()
    over.read([("a", 1)], Failure(Reason.DENIED, "/sys/x/a/n", "EACCES"))
    [row], _ = over.read([("a", 1)], b"1")
    assert row.entries == {"n": b"1"}
    [row], _ = over.read([("a", 1)], Failure(Reason.UNSUPPORTED, "/sys/x/a/n", "EIO"))
    assert row.entries == {}


def test_another_device_of_the_same_name_is_another_row() -> None:
    over = Over()
    [first], [before] = over.read([("a", 1)], b"1")
    [second], [after] = over.read([("a", 7)], b"1")
    assert first is not second
    assert before.path == after.path
    assert before.identity != after.identity, "a file that was kept open belongs to the one that is gone"


def test_a_device_that_vanishes_while_it_is_read_is_no_row() -> None:
    over = Over()
    gone = Failure(Reason.MISSING, "/sys/x/b/n", "ENODEV")
    rows, _ = over.read([("a", 1), ("b", 2)], b"1", gone)
    assert [row.name for row in rows] == ["a"]


def test_a_device_on_its_way_out_is_no_row_and_no_failure() -> None:
    files = tree("/sys/x/*", "n", "m")
    lost = {f"/sys/x/b/{name}": Failure(Reason.UNSUPPORTED, f"/sys/x/b/{name}", "EINVAL") for name in "nm"}
    rows, this = reading(files, {"/sys/x/a/n": b"1", **lost})
    assert [row.name for row in rows] == ["a"]
    assert this.failures == {}


def test_some_files_that_answer_einval_are_failures_of_a_device_that_stays() -> None:
    lost = Failure(Reason.UNSUPPORTED, "/sys/x/a/m", "EINVAL")
    rows, this = reading(tree("/sys/x/*", "n", "m"), {"/sys/x/a/n": b"1", "/sys/x/a/m": lost})
    assert [row.entries for row in rows] == [{"n": b"1"}]
    assert this.failures == {"m": lost}


class Again:
    """A tree that is read again and again, and what it asks for each time."""

    def __init__(self, *files: str) -> None:
        self.source = tree("/sys/x/*", *files)
        self.memory: dict[Any, Any] = {}

    def read(self, there: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
        """The entries of the rows, and the paths below /sys/x that were asked for."""
        steps = self.source.steps(Reading(HOST, self.memory))
        seen: list[Request] = []
        try:
            requests = next(steps)
            while True:
                seen += requests
                requests = steps.send([answer(there, {}, request) for request in requests])
        except StopIteration as stop:
            return [row.entries for row in stop.value], [r.path[7:] + "/" * isinstance(r, Names) for r in seen[1:]]


def test_a_directory_in_which_much_is_missing_is_listed_first() -> None:
    again = Again("n", "q/1", "q/2", "q/3", "q/4")
    there = {"/sys/x/a/n": b"7", "/sys/x/a/q/1": b"1"}
    entries = [{"n": b"7", "q/1": b"1"}]
    assert again.read(there) == (entries, ["a/n", "a/q/1", "a/q/2", "a/q/3", "a/q/4"])
    assert again.read(there) == (entries, ["a/q/", "a/n", "a/q/1"])
    assert again.read(there) == (entries, ["a/q/", "a/n", "a/q/1"])


def test_what_comes_later_is_found() -> None:
    again = Again("n", "q/1", "q/2", "q/3")
    there = {"/sys/x/a/n": b"7"}
    for _ in range(3):
        assert again.read(there)[0] == [{"n": b"7"}]
    there["/sys/x/a/q/2"] = b"2"
    assert again.read(there)[0] == [{"n": b"7", "q/2": b"2"}]
    del there["/sys/x/a/q/2"]
    assert again.read(there)[0] == [{"n": b"7"}]


def test_what_is_listed_anyway_is_not_asked_for_in_vain() -> None:
    again = Again("[tuv]", "dev/a", "dev/b", "m", "n")
    there = {"/sys/x/a/n": b"7", "/sys/x/a/t": b"1"}
    assert again.read(there) == ([{"n": b"7", "t": b"1"}], ["a/", "a/n", "a/t"])
    there["/sys/x/a/dev/b"] = b"2"
    assert again.read(there)[0] == [{"n": b"7", "t": b"1", "dev/b": b"2"}]
    there["/sys/x/a/u"] = b"3"
    assert again.read(there)[0] == [{"n": b"7", "t": b"1", "dev/b": b"2", "u": b"3"}]


def test_a_directory_that_may_not_be_listed_may_be_read() -> None:
    again = Again("q/1", "q/2", "q/3", "q/4")
    there: dict[str, Any] = {"/sys/x/a/q/1": b"1"}
    again.read(there)
    there["/sys/x/a/q/"] = Failure(Reason.DENIED, "/sys/x/a/q", "EACCES")
    assert again.read(there)[0] == [{"q/1": b"1"}]


class Seldom:
    """A tree with a file that is dear, read at times that the test tells."""

    def __init__(self) -> None:
        self.source = tree("/sys/x/*", "n", "dear", seldom=("dear",), every=10)
        self.memory: dict[Any, Any] = {}

    def read(self, second: float, there: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool, dict[str, Failure]]:
        """The entries of the rows, whether the dear file was asked for, and what failed."""
        this = Reading(HOST, self.memory, now_ns=int(second * 1e9))
        steps = self.source.steps(this)
        seen: list[Request] = []
        try:
            requests = next(steps)
            while True:
                seen += requests
                requests = steps.send([answer(there, {}, request) for request in requests])
        except StopIteration as stop:
            dear = any(isinstance(request, Read) and request.path.endswith("/dear") for request in seen)
            return [row.entries for row in stop.value], dear, this.failures


def test_what_is_dear_is_read_in_its_own_time() -> None:
    seldom = Seldom()
    for second, value, dear in ((0, b"1", True), (9, b"1", False), (10, b"10", True), (19.5, b"10", False)):
        there = {"/sys/x/a/n": b"7", "/sys/x/a/dear": str(int(second) or 1).encode()}
        assert seldom.read(second, there) == ([{"n": b"7", "dear": value}], dear, {})


def test_what_is_dear_and_failed_is_told_every_time_and_asked_for_in_its_turn() -> None:
    seldom = Seldom()
    lost = Failure(Reason.UNSUPPORTED, "/sys/x/a/dear", "EIO")
    there = {"/sys/x/a/n": b"7", "/sys/x/a/dear": lost}
    assert seldom.read(0, there) == ([{"n": b"7"}], True, {"dear": lost})
    assert seldom.read(5, there) == ([{"n": b"7"}], False, {"dear": lost})
    assert seldom.read(10, there | {"/sys/x/a/dear": b"1"}) == ([{"n": b"7", "dear": b"1"}], True, {})


def test_a_device_that_comes_later_has_its_own_time() -> None:
    seldom = Seldom()
    there = {"/sys/x/a/n": b"7", "/sys/x/a/dear": b"1"}
    seldom.read(0, there)
    there |= {"/sys/x/b/n": b"8", "/sys/x/b/dear": b"2"}
    assert seldom.read(5, there) == ([{"n": b"7", "dear": b"1"}, {"n": b"8", "dear": b"2"}], True, {})


def test_one_that_comes_back_is_parsed_anew() -> None:
    over = Over()
    over.read([("a", 1)], b"1")
    assert over.read([])[0] == []
    over.read([("a", 1)], b"1")
    assert over.parser.calls == 2, "nothing is remembered of what is gone"


def test_one_of_which_everything_is_denied_is_a_row_still() -> None:
    rows, this = reading(tree("/sys/x/*", "n"), {"/sys/x/a/n": Failure(Reason.DENIED, "/sys/x/a/n", "EACCES")})
    assert [row.entries for row in rows] == [{}]
    assert this.failures["n"].reason is Reason.DENIED


def test_failures_of_one_kind_are_counted() -> None:
    lost = [f"/sys/x/a{i}/temp{i}_input" for i in range(3)]
    there = {path: Failure(Reason.UNSUPPORTED, path, "EIO") for path in lost}
    _, this = reading(tree("/sys/x/*", "temp[0-9]_input"), there)
    assert this.failures == {"temp*_input": Failure(Reason.UNSUPPORTED, "/sys/x/a0/temp0_input", "EIO", 3)}


def test_in_a_tree_of_plain_files_nothing_vanishes() -> None:
    steps = tree("/sys/x/*", "n").steps(Reading(HOST, plain=True))
    next(steps)
    steps.send([[("a", 1)]])
    with pytest.raises(StopIteration) as stop:
        steps.send([Failure(Reason.MISSING, "/sys/x/a/n", "ENOENT")])
    assert stop.value.value == [Thing("a", ["a"], {})]


# What parsers say.


def test_a_folder_that_is_no_row_after_all() -> None:
    source = Tree("things", "/sys/x/*", ("n",), Thing, lambda this: parse(this) if this.raw("n") == b"1" else None)
    assert [row.name for row in read(source, {"/sys/x/a/n": b"0", "/sys/x/b/n": b"1"})] == ["b"]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ValueError("odd"), "odd"),
        (KeyError("n"), "no n"),
        (IndexError("at 5"), "at 5"),
        (ValueError("a\x1b"), "a\\x1b"),
    ],
)
def test_a_folder_that_makes_no_sense_costs_its_own_row(error: Exception, detail: str) -> None:
    def strict(this: Folder) -> Thing:
        if this.raw("n") == b"x":
            raise error
        return parse(this)

    source = Tree("things", "/sys/x/*", ("n",), Thing, strict)
    rows, this = reading(source, {"/sys/x/a/n": b"x", "/sys/x/b/n": b"1"})
    assert [row.name for row in rows] == ["b"]
    assert this.failures == {"*": Failure(Reason.MALFORMED, "/sys/x/a", detail)}


def test_an_error_of_ours_is_not_hidden() -> None:
    def broken(this: Folder) -> Thing:
        raise TypeError("ours")

    with pytest.raises(TypeError, match="ours"):
        read(Tree("things", "/sys/x/*", ("n",), Thing, broken), {"/sys/x/a/n": b"1"})


def test_what_makes_no_sense_is_said_every_time() -> None:
    source = Tree("things", "/sys/x/*", ("n",), Thing, lambda this: Thing(this.name, [], {"n": this.number("n")}))
    memory: dict[Any, Any] = {}
    for _ in range(2):
        this = Reading(HOST, memory)
        steps = source.steps(this)
        next(steps)
        steps.send([[("a", 1)]])
        with pytest.raises(StopIteration):
            steps.send([b"x"])
        assert this.failures == {"n": Failure(Reason.MALFORMED, "/sys/x/a/n", "not a number: x")}


def test_a_tree_is_not_one_file() -> None:
    with pytest.raises(TypeError, match="things is a tree of files"):
        tree("/sys/x/*", "n").understand(b"1", HOST)


# Bundles.

PAIR = Bundle("pair", "/proc/pair", ("a", "b", "sub/*"), Thing, parse)


def test_a_bundle_is_one_record() -> None:
    there = {"/proc/pair/a": b"1", "/proc/pair/sub/x": b"2", "/proc/pair/c": b"3"}
    assert read(PAIR, there) == Thing("pair", [], {"a": b"1", "sub/x": b"2"})


def test_a_bundle_of_which_nothing_is_there() -> None:
    assert failure(PAIR, {}) == Failure(Reason.MISSING, "/proc/pair", "ENOENT")
    assert failure(PAIR, {"/proc/pair/c": b"3"}) == Failure(Reason.MISSING, "/proc/pair", "ENOENT")


def test_a_bundle_of_which_everything_is_denied() -> None:
    no = Failure(Reason.DENIED, "/proc/pair/a", "EACCES")
    value, this = reading(PAIR, {"/proc/pair/a": no})
    assert value == Thing("pair", [], {})
    assert this.failures == {"a": no}


def test_a_bundle_that_needs_a_file_that_failed_says_why_it_failed() -> None:
    """Not that what is left makes no sense."""

    def needs(this: Folder) -> Thing:
        this.entries["a"]  # KeyError
        return Thing("pair")

    io = Failure(Reason.UNSUPPORTED, "/proc/pair/a", "EIO")
    assert (
        failure(Bundle("pair", "/proc/pair", ("a", "b"), Thing, needs), {"/proc/pair/a": io, "/proc/pair/b": "9"}) == io
    )


def test_a_bundle_that_makes_no_sense() -> None:
    def strict(this: Folder) -> Thing:
        raise ValueError("odd")

    this = Reading(HOST)
    steps = Bundle("pair", "/proc/pair", ("a",), Thing, strict).steps(this)
    next(steps)
    with pytest.raises(Unreadable) as caught:
        steps.send([b"1"])
    assert caught.value.failure == Failure(Reason.MALFORMED, "/proc/pair", "odd")
    assert this.failures == {}, "it is said once"


def test_a_bundle_is_parsed_again_only_when_it_changed() -> None:
    parser = Parser()
    source = Bundle("pair", "/proc/pair", ("a",), Thing, parser)
    memory: dict[Any, Any] = {}
    values = []
    for content in (b"1", b"1", b"2"):
        steps = source.steps(Reading(HOST, memory))
        next(steps)
        with pytest.raises(StopIteration) as stop:
            steps.send([content])
        values.append(stop.value.value)
    assert values[0] is values[1]
    assert values[2].entries == {"a": b"2"}
    assert parser.calls == 2


def test_a_bundle_tells_what_failed_at_every_read() -> None:
    """Also where nothing changed, and what was missing or failed may come back."""
    source = Bundle("pair", "/proc/pair", ("a", "b"), Thing, parse)
    memory: dict[Any, Any] = {}
    io = Failure(Reason.UNSUPPORTED, "/proc/pair/b", "EIO")
    gone = Failure(Reason.MISSING, "/proc/pair/b", "ENOENT")
    found = []
    for second in (io, io, gone, gone, b"2", b"2", io):
        this = Reading(HOST, memory)
        steps = source.steps(this)
        assert [request.path for request in next(steps)] == ["/proc/pair/a", "/proc/pair/b"]
        with pytest.raises(StopIteration) as stop:
            steps.send([b"1", second])
        found.append((stop.value.value.entries, this.failures))
    half, whole = {"a": b"1"}, {"a": b"1", "b": b"2"}
    assert found == [(half, {"b": io})] * 2 + [(half, {})] * 2 + [(whole, {})] * 2 + [(half, {"b": io})]


# Folders.

FOLDER = {
    "word": " two words \n", "empty": "", "blank": " \n", "nul": "x\0\0", "hostile": b"\x1b\xff\n", "number": "-5\n",
    "huge": "18446744073709551615", "over": "18446744073709551616", "hex": "0x1F\n", "bare": "ff", "no": "0\n",
    "yes": "1\n", "never": "N", "always": "Y\n", "maybe": "2", "names/": ["b", "a"],
    "link@": "../../bus/drivers/igc", "directory@": "../a/b/\n", "nowhere@": "",
}  # fmt: skip


def here() -> Folder:
    return folder("/sys/x/d0", FOLDER)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("word", "two words"), ("empty", None), ("blank", None), ("nul", "x"), ("hostile", "\\x1b\\xff"), ("gone", None),
    ],
)  # fmt: skip
def test_text(name: str, found: str | None) -> None:
    assert here().text(name) == found


def test_raw() -> None:
    assert here().raw("word") == b" two words \n"
    assert here().raw("empty") == b""
    assert here().raw("gone") is None


@pytest.mark.parametrize(
    ("method", "name", "found"),
    [
        ("number", "number", None), ("signed", "number", -5), ("number", "huge", 2**64 - 1), ("number", "empty", None), ("number", "gone", None),
        ("hexadecimal", "hex", 31), ("hexadecimal", "bare", 255), ("hexadecimal", "blank", None),
        ("flag", "no", False), ("flag", "yes", True), ("flag", "never", False), ("flag", "always", True),
        ("flag", "gone", None),
    ],
)  # fmt: skip
def test_values(method: str, name: str, found: Any) -> None:
    this = here()
    value = getattr(this, method)(name)
    assert (value, type(value)) == (found, type(found))
    assert this.failures() == {}


@pytest.mark.parametrize(
    ("method", "name", "detail"),
    [
        ("number", "word", "not a number: two words"), ("number", "over", "over 64 bits: 18446744073709551616"),
        ("hexadecimal", "word", "not a hexadecimal number: two words"), ("flag", "maybe", "neither 0 nor 1: 2"),
        ("number", "hostile", "not a number: \\x1b\\xff"),
    ],
)  # fmt: skip
def test_values_that_make_no_sense(method: str, name: str, detail: str) -> None:
    this = here()
    assert getattr(this, method)(name) is None
    assert this.failures() == {name: detail}


def test_parsed() -> None:
    this = here()
    assert this.parsed("word", lambda data: data.split()) == [b"two", b"words"]
    assert this.parsed("blank", lambda data: data.split()) is None
    assert this.parsed("gone", lambda data: data.split()) is None
    assert this.parsed("word", lambda data: {}[data]) is None
    assert this.parsed("number", lambda data: data.split()[1]) is None
    assert this.failures() == {"word": "no b'two words'", "number": "list index out of range"}
    with pytest.raises(AttributeError):
        this.parsed("word", lambda data: data.nonsense)


def test_names_and_links() -> None:
    this = here()
    assert this.names("names/") == ["b", "a"]
    assert this.names("gone/") is None
    assert this.link("link@") == "../../bus/drivers/igc"
    assert this.target("link@") == "igc"
    assert this.target("directory@") == "b"
    assert (this.link("gone@"), this.target("gone@")) == (None, None)
    assert (this.link("nowhere@"), this.target("nowhere@")) == (None, None)


def test_found_in_natural_order() -> None:
    names = ("temp10_input", "temp2_input", "temp2_max", "sub/temp1_input", "temp_input")
    this = folder("/sys/x", dict.fromkeys(names, ""))
    assert list(this.found("temp[0-9]+_input")) == ["temp2_input", "temp10_input"]
    assert list(this.found("*")) == ["temp2_input", "temp2_max", "temp10_input", "temp_input"]
    assert list(this.found("*/temp1_input")) == ["sub/temp1_input"]
    assert list(this.found("fan*")) == []


def test_folders_inside() -> None:
    this = folder(
        "/sys/x/mlx0",
        {
            "node": "n", "ports/1/state": "up", "ports/1/counters/rx": "11", "ports/1/counters/tx": "x",
            "ports/10/state": "down", "ports/2/gids/0": "::", "ports/2/": ["gids"], "other/1/state": "no",
        },
    )  # fmt: skip
    ports = list(this.folders("ports/*"))
    assert [port.name for port in ports] == ["1", "2", "10"]
    assert [port.path for port in ports] == ["/sys/x/mlx0/ports/1", "/sys/x/mlx0/ports/2", "/sys/x/mlx0/ports/10"]
    assert [port.text("state") for port in ports] == ["up", None, "down"]
    assert ports[0].number("counters/rx") == 11
    assert list(ports[0].found("counters/*")) == ["counters/rx", "counters/tx"]
    [counters] = ports[0].folders("counters")
    assert (counters.path, counters.number("rx")) == ("/sys/x/mlx0/ports/1/counters", 11)
    assert counters.number("tx") is None
    assert this.failures() == {"ports/1/counters/tx": "not a number: x"}, "the whole folder knows"
    assert [deep.name for deep in this.folders("ports/*/*")] == ["counters", "gids"]
    assert list(this.folders("fans/*")) == []


# Patterns and order.


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("eth0", ["eth0"], ["eth", "eth00", "Eth0"]),
        ("*", ["a", "", "a.b", ".x"], ["a/b"]),
        ("cpu*", ["cpu", "cpu0", "cpufreq"], ["acpu", "cpu/0"]),
        ("cpu[0-9]*", ["cpu0", "cpu10", "cpu0x"], ["cpu", "cpufreq"]),
        ("cpu[0-9]+", ["cpu0", "cpu10"], ["cpu", "cpu0x", "cpufreq", "cpu1+"]),
        ("temp[0-9]+_*", ["temp1_input", "temp10_"], ["temp_input", "temp1"]),
        ("?d[ab]", ["sda", "vdb"], ["sdc", "da", "/da"]),
        ("a.b", ["a.b"], ["axb"]),
        ("ports/*/state", ["ports/1/state"], ["ports/1/2/state", "ports//1/state"]),
        ("a+b", ["a+b"], ["aab", "ab"]),
        ("0000:00:*(x)", ["0000:00:1f(x)"], ["0000:00:1fx"]),
    ],
)
def test_glob(pattern: str, matching: list[str], others: list[str]) -> None:
    match = glob(pattern)
    assert [name for name in matching if not match(name)] == []
    assert [name for name in others if match(name)] == []


def test_natural_order() -> None:
    names = ["cpu10", "cpu9", "cpu1", "a1b10", "a1b9", "a", "", "10", "9", "x01", "x1", "nvme10n1", "nvme9n2"]
    assert sorted(names, key=natural) == [
        "", "9", "10", "a", "a1b9", "a1b10", "cpu1", "cpu9", "cpu10", "nvme9n2", "nvme10n1", "x01", "x1",
    ]  # fmt: skip
    assert sorted(["a" + "9" * 5000, "a1"], key=natural)[0] == "a1", "however many digits"


@pytest.mark.parametrize(
    ("path", "whether"),
    [("/sys/block/*", True), ("temp?", True), ("cpu[0-9]+", True), ("plain", False), ("a+b", False), ("", False)],
)
def test_is_pattern(path: str, whether: bool) -> None:
    assert is_pattern(path) is whether
