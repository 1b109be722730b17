"""The page in a real browser, on a real server of this host.

Screenshots are kept in build/dashboard/.
"""

import json
import os
import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools import dashboard

from tests import conftest
from tests.dashboard.browser import Server, Tab, opened, serving, until

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=\"document.title='owned'\">"
NOTHING = "\N{EN DASH}"
"""What stands where nothing is known."""


def test_it_shows_this_host_and_moves(tab: Tab) -> None:
    host = os.uname()
    assert tab.text("#host") == host.nodename
    assert f"Linux {host.release}" in tab.text("#facts")
    panels = ("cpu", "memory", "pressure", "load", "kernel", "disks", "network")
    before = {name: tab.picture(name) for name in panels}
    seq = int(tab.data("seq") or -1)
    tab.live(after=seq + 1)
    assert [name for name in panels if tab.picture(name) == before[name]] == []
    assert re.fullmatch(r"[0-9.]+ s ago", tab.text("#age"))
    assert tab.page.title().endswith(host.nodename)


def size(value: float) -> str:
    """Memory as the page has it."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    step = 0
    while value >= 1023.5 and step < 4:
        value, step = value / 1024, step + 1
    digits = 0 if step == 0 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {units[step]}"


def test_values_agree_with_the_api(tab: Tab, server: Server) -> None:
    read = """() => ({
        seq: document.documentElement.dataset.seq,
        tiles: Object.fromEntries([...document.querySelectorAll(".tile")].map(
            (tile) => [tile.querySelector("dt").textContent, tile.querySelector(".number").textContent])),
        memory: document.querySelector("#memory .value").textContent,
        switches: document.querySelector("#kernel .value").textContent,
    })"""

    def pair() -> tuple[Any, Any] | None:
        answer = httpx.get(f"{server.url}v1/usage?top=0").json()
        load = httpx.get(f"{server.url}v1/snapshot?sources=loadavg").json()
        shown = tab.page.evaluate(read)
        if not str(answer["seq"]) == str(load["seq"]) == shown["seq"]:
            return None
        return shown, {**answer["usage"], "load": load["values"]["loadavg"]["load1"]}

    shown, usage = until(pair, "one tick on both sides")
    assert shown["memory"] == size(usage["memory"]["used_bytes"])
    busy = usage["cpu"]["busy_ratio"] * 100
    assert float(shown["tiles"]["CPU"]) == pytest.approx(busy, abs=0.0501 if busy < 99.95 else 0.5)
    assert float(shown["tiles"]["Memory"]) == pytest.approx(usage["memory"]["used_ratio"] * 100, abs=0.0501)
    assert float(shown["tiles"]["Load"]) == pytest.approx(usage["load"], abs=0.00501)
    pressure = usage["pressure"]
    if pressure is not None:
        worst = max(pressure[f"{what}_some_ratio"] or 0 for what in ("cpu", "memory", "io"))
        assert float(shown["tiles"]["Pressure"]) == pytest.approx(worst * 100, abs=0.0501 if worst < 0.9995 else 0.5)
    switches = usage["kernel"]["context_switches_per_second"]
    number = float(shown["switches"].rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(shown["switches"][-1], 1)
    assert number == pytest.approx(switches, rel=0.01)


def test_one_crosshair_for_all_charts(tab: Tab) -> None:
    seq = int(tab.data("seq") or -1)
    tab.live(after=seq + 2)
    over = tab.page.locator("#cpu .u-over").first
    box = over.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 20)
    where = """() => [...document.querySelectorAll(".crosshair")].map((line) => {
        const over = line.parentElement.getBoundingClientRect();
        return line.hidden ? null : (line.getBoundingClientRect().left - over.left) / over.width;
    })"""
    places = tab.page.evaluate(where)
    assert len(places) >= 8
    assert all(place == pytest.approx(1, abs=0.03) for place in places), places
    assert re.match(r"[0-9:]{8} · ", tab.text("#moment"))
    tab.page.mouse.move(5, 5)
    until(lambda: tab.text("#moment") == "", "no crosshair")
    # The same by keys: one sample back, then away.
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowLeft")
    assert "ago" in tab.text("#moment")
    assert None not in tab.page.evaluate(where)
    tab.page.keyboard.press("Escape")
    assert tab.text("#moment") == ""


ROWS = """() => [...document.querySelectorAll("#processes tbody tr")].map(
    (row) => [...row.children].map((cell) => cell.textContent))"""


def test_processes_are_sorted_and_filtered(tab: Tab) -> None:
    page = tab.page
    until(lambda: len(page.evaluate(ROWS)) > 5, "processes")

    def column(index: int) -> list[str]:
        return [row[index] for row in page.evaluate(ROWS)]

    # By a click, then by keys alone.
    page.get_by_role("button", name="PID").click()
    assert page.locator("th[data-field=pid]").get_attribute("aria-sort") == "ascending"
    until(lambda: column(0)[0] == "1", "all processes, by pid")
    assert column(0) == sorted(column(0), key=int)
    page.locator("th[data-field=rss_bytes] button").focus()
    page.keyboard.press("Enter")
    assert page.locator("th[data-field=rss_bytes]").get_attribute("aria-sort") == "descending"
    assert page.locator("th[data-field=pid]").get_attribute("aria-sort") is None
    largest = max((path for path in Path("/proc").glob("[0-9]*/statm")), key=resident).parent.name
    until(lambda: largest in column(0)[:5], "the largest on top")
    # The filter speaks of all processes, and says when there is none.
    page.keyboard.press("/")
    page.keyboard.type(f"{os.getpid()}")
    until(lambda: all(str(os.getpid()) in row[0] + row[1] for row in page.evaluate(ROWS)), "only what matches")
    until(lambda: str(os.getpid()) in column(0), "this process")
    page.keyboard.type(" no such name")
    until(lambda: column(0) == [], "no rows")
    assert "No process" in tab.text("#processes .empty")
    page.keyboard.press("Escape")
    until(lambda: len(column(0)) > 5, "all of them again")


def resident(path: Path) -> int:
    try:
        return int(path.read_text().split()[1])
    except OSError:
        return 0


def test_a_name_is_text_whatever_it_says(tab: Tab) -> None:
    code = "import time\nopen('/proc/self/comm', 'w').write('<img src=x oner')\ntime.sleep(60)"
    process = subprocess.Popen([EVIL, "-c", code], executable=sys.executable)
    try:
        tab.page.keyboard.press("/")
        tab.page.keyboard.type("<img src=x")
        rows = until(lambda: [row for row in tab.page.evaluate(ROWS) if row[0] == str(process.pid)], "the process")
        assert rows[0][1].startswith(f"<img src=x oner  {EVIL}")
        assert tab.page.locator("#panels img").count() == 0
        assert "owned" not in tab.page.title()
        tab.screenshot("name")
    finally:
        process.kill()
        process.wait()


def test_it_holds_still_when_told_to_or_unseen(tab: Tab, server: Server) -> None:
    page = tab.page
    page.keyboard.press("p")
    assert page.locator("#pause").get_attribute("aria-pressed") == "true"
    assert tab.text("#state") == "Live, paused"
    page.wait_for_timeout(200)
    held, seq = tab.picture("cpu"), tab.data("seq")
    until(lambda: int(tab.data("arrived") or 0) > int(seq or 0) + 1, "samples come in meanwhile")
    assert tab.picture("cpu") == held
    assert tab.data("seq") == seq
    page.keyboard.press("p")
    until(lambda: tab.picture("cpu") != held, "it goes on")
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(100)
    held, seq = tab.picture("cpu"), tab.data("arrived")
    until(lambda: int(tab.data("arrived") or 0) > int(seq or 0) + 1, "samples come in meanwhile")
    assert tab.picture("cpu") == held
    page.evaluate(hide, False)
    until(lambda: tab.picture("cpu") != held, "it goes on")
    # A gap is only where the server has none either: it may have been too busy for a tick.
    times = [frame["time"] for frame in httpx.get(f"{server.url}v1/history").json()["frames"]]
    missed = sum(after - before > 1.6 for before, after in pairwise(times))
    assert int(tab.data("gaps") or 0) <= missed


def test_the_server_is_killed_and_comes_back(chromium: Any) -> None:
    # A line that is refused is on the console of any browser.
    with (
        serving("--cmdline") as server,
        opened(chromium, server.url, may_complain="ERR_CONNECTION|WebSocket|Failed to load") as tab,
    ):
        tab.live(after=2)
        gaps = int(tab.data("gaps") or 0)
        server.end(signal.SIGKILL)
        until(lambda: tab.text("#state") == "Reconnecting", "it says so")
        assert re.search(r"in [0-9]+ s", tab.text("#detail"))
        until(lambda: "alarm" in (tab.page.locator("#age").get_attribute("class") or ""), "its sample is old")
        tab.screenshot("interrupted")
        server.start()
        tab.page.evaluate("dispatchEvent(new Event('online'))")
        until(lambda: tab.text("#state") == "Live", "live again")
        until(lambda: int(tab.data("gaps") or 0) > gaps, "the gap is marked")
        tab.live(after=3)
        # Inside the gap nothing is known: no value is said there.
        seen = []
        for _ in range(12):
            tab.page.keyboard.press("ArrowLeft")
            seen.append(tab.text("#cpu .value"))
        assert NOTHING in seen
        assert any(value != NOTHING for value in seen[seen.index(NOTHING) :]), "what was before the gap is still there"
        tab.screenshot("gap")


def test_a_page_that_is_opened_later_knows_what_was(tab: Tab, server: Server, chromium: Any) -> None:
    frames = httpx.get(f"{server.url}v1/history").json()["frames"]
    assert len(frames) >= 5
    with opened(chromium, server.url) as late:
        late.live()
        for _ in range(5):
            late.page.keyboard.press("ArrowLeft")
        assert late.text("#cpu .value") != NOTHING


def test_a_token_is_asked_for(chromium: Any) -> None:
    with (
        serving(PROCPULSE_TOKEN="correct-horse-battery") as server,
        opened(chromium, server.url, may_complain="401") as tab,
    ):
        tab.page.locator("#lock").wait_for(state="visible")
        assert tab.text("#state") == "Locked"
        tab.page.keyboard.type("wrong")
        tab.page.keyboard.press("Enter")
        until(lambda: tab.text("#lock-error") == "This is not the token.", "it says so")
        tab.page.locator("#token").fill("correct-horse-battery")
        tab.page.keyboard.press("Enter")
        tab.live()
        assert not tab.page.locator("#lock").is_visible()
        assert "horse" not in tab.page.url
        tab.page.locator("#logout").click()
        tab.page.locator("#lock").wait_for(state="visible")
        assert not tab.page.locator("#logout").is_visible()
        assert tab.text("#cpu .value") == NOTHING, "what was shown is gone with the session"


MOUNTED = """
import sys
import procpulse.web
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
uvicorn.run(Starlette(routes=[Mount("/deep/down", procpulse.web.app())]), port=int(sys.argv[1]), log_level="error")
"""


def test_below_any_prefix(chromium: Any) -> None:
    with (
        conftest.serving([sys.executable, "-c", MOUNTED, "{port}"]) as address,
        opened(chromium, f"http://{address}/deep/down/") as tab,
    ):
        tab.live(after=1)
        assert tab.text("#host") == os.uname().nodename


def test_light_and_dark(chromium: Any, server: Server) -> None:
    for scheme in ("light", "dark"):
        with opened(chromium, server.url, color_scheme=scheme) as tab:
            tab.live()
            assert tab.data("theme") == scheme
            before, seq = tab.picture("cpu"), tab.data("seq")
            tab.page.keyboard.press("t")
            assert tab.data("theme") != scheme
            tab.page.wait_for_function("(b) => document.querySelector('#cpu canvas').toDataURL() !== b", arg=before)
            tab.page.reload()
            tab.live(after=int(seq or 0))
            assert tab.data("theme") != scheme, "the choice is remembered"
            tab.page.keyboard.press("t")
            assert tab.data("theme") == scheme
            tab.page.wait_for_timeout(300)
            tab.screenshot(scheme)


def test_a_phone(chromium: Any, server: Server) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
    context = {key: value for key, value in phone.items() if key != "viewport"}
    with opened(chromium, server.url, **context) as tab:
        tab.page.set_viewport_size(phone["viewport"])
        tab.live()
        tab.page.evaluate("document.getElementById('logout').hidden = false")  # as it is after a token
        tab.page.wait_for_timeout(300)
        tab.screenshot("phone")
        assert tab.page.evaluate("document.scrollingElement.scrollWidth") <= 390
        cut = tab.page.evaluate(
            """() => [...document.querySelectorAll("#disks .scroll, #network .scroll, #processes .scroll")]
                .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.closest("section").id)"""
        )
        assert cut == []
        small = tab.page.evaluate(
            """() => [...document.querySelectorAll(".tools button")].filter((b) => b.offsetHeight < 32).length"""
        )
        assert small == 0


def test_it_is_accessible(tab: Tab) -> None:
    """The rules of WCAG 2 A and AA that a program can check; contrast in light and dark."""
    tab.page.evaluate((dashboard.SOURCES / "node_modules/axe-core/axe.min.js").read_text())
    rules = {
        "light": "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}",
        "dark": "{runOnly: {type: 'rule', values: ['color-contrast']}}",
    }
    for scheme, options in rules.items():
        tab.page.emulate_media(color_scheme=scheme)
        tab.page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
        found = tab.page.evaluate(f"axe.run(document, {options})")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
        assert found["passes"]
    for role, name in (("banner", None), ("main", None), ("table", "Processes"), ("status", None)):
        assert tab.page.get_by_role(role, **({"name": name} if name else {})).count() == 1, role


class Line:
    """Stands in for the stream of a server: what comes is what the test sends."""

    def __init__(self, tab: Tab, url: str, sources: list[str]):
        self._tab = tab
        self._open: list[Any] = []
        self.sent = -1
        listed = [{"name": name, "path": "", "here": "yes", "fields": {}} for name in sources]
        tab.page.route("**/v1/sources", lambda route: route.fulfill(json=listed))
        tab.page.route("**/v1/history*", lambda route: route.fulfill(json={"interval": 1, "step": 1, "frames": []}))
        tab.page.route_web_socket(re.compile("/v1/stream"), self._opened)
        tab.page.goto(url)
        until(lambda: tab.page.wait_for_timeout(10) or self._open, "a line")

    def _opened(self, line: Any) -> None:
        self._open.append(line)

    def send(self, time: float, usage: Any, values: Any, whole: Any = None) -> None:
        """One frame: a whole snapshot where it is given, else what changes."""
        self.sent += 1
        frame = {"seq": self.sent, "gap": 0, "usage": usage}
        if whole is not None:
            frame |= {"type": "snapshot", "schema": "", "data": {**whole, "time": time, "values": values}}
        else:
            read_ns = dict.fromkeys(values, round(time * 1e9))
            frame |= {"type": "change", "time": time, "values": values, "gone": [], "read_ns": read_ns}
        self._open[-1].send(json.dumps(frame))

    def arrived(self) -> None:
        """Wait until the page has all of it."""
        page = self._tab.page
        until(lambda: page.wait_for_timeout(20) or self._tab.data("arrived") == str(self.sent), "all of them", 60)


def test_sensors_and_control_groups_where_there_are_any(chromium: Any, server: Server) -> None:
    whole = httpx.get(f"{server.url}v1/snapshot?sources=").json()
    usage = httpx.get(f"{server.url}v1/usage?top=50").json()["usage"]
    usage["cgroups"] = {"/system.slice/<b>web</b>.service": {"cpu_ratio": 0.25, "throttled_ratio": None}}

    def values(tick: int) -> Any:
        group = {"identity": 1, "memory": {"current_bytes": 300 << 20, "max_bytes": 1 << 30}, "pids": {"current": 12}}
        core = {"sensor": "temp1", "label": "Package", "input_mc": 81_000 + tick, "max_mc": 80_000, "crit_mc": 100_000}
        zone = {"zone": 0, "type": "acpitz", "temp_mc": 27_800, "trips": []}
        return {
            "cgroup": [{"path": "/system.slice/<b>web</b>.service", **group}],
            "class_hwmon": [{"chip": "hwmon0", "name": "coretemp", "temperatures": [core]}],
            "class_thermal": [zone],
        }

    with opened(chromium, "about:blank") as tab:
        line = Line(tab, server.url, ["cgroup", "class_hwmon", "class_thermal"])
        for tick in range(20):
            line.send(1_800_000_000 + tick, usage, values(tick), None if tick else whole)
        line.arrived()
        rows = """(id) => [...document.querySelectorAll(`#${id} tbody tr`)].map(
            (row) => [...row.children].map((cell) => cell.textContent))"""
        until(lambda: tab.data("seq") == "19", "drawn")
        [group] = tab.page.evaluate(rows, "cgroups")
        assert group[:3] == ["/system.slice/<b>web</b>.service", "", "25.0 %"]
        assert group[4:7] == ["300 MiB", "1.00 GiB", "12"]
        assert tab.page.evaluate(rows, "temperatures") == [
            ["coretemp Package", "", "81.0 °C", "80.0 °C", "100.0 °C"],
            ["zone 0 acpitz", "", "27.8 °C", NOTHING, NOTHING],
        ]
        assert tab.page.locator("#temperatures .alarm").all_text_contents() == ["81.0 °C"]
        tab.screenshot("sensors")


def test_a_day_does_not_fill_its_memory(chromium: Any, server: Server) -> None:
    """More minutes than it remembers, and more again: it holds no more after the second than after the first."""
    whole = httpx.get(f"{server.url}v1/snapshot?sources=loadavg,meminfo").json()
    usage = httpx.get(f"{server.url}v1/usage?top=5").json()["usage"]

    def rates(number: int) -> Any:
        # Interfaces and processes come and go, as where containers run.
        link = {**next(iter(usage["interfaces"].values())), "name": f"veth{number}"}
        process = {**next(iter(usage["processes"].values())), "pid": 10_000 + number}
        return {
            **usage,
            "cpu": {**usage["cpu"], "busy_ratio": number % 100 / 100},
            "interfaces": {**usage["interfaces"], f"veth{number}": link},
            "processes": {**usage["processes"], str(process["pid"]): process},
        }

    with opened(chromium, "about:blank") as tab:
        line = Line(tab, server.url, ["loadavg", "meminfo"])
        session = tab.context.new_cdp_session(tab.page)
        session.send("Performance.enable")
        line.send(1_800_000_000, rates(0), whole["values"], whole)

        def holds(after: int) -> tuple[float, float]:
            while line.sent < after:
                line.send(1_800_000_001 + line.sent, rates(line.sent + 1), {})
            line.arrived()
            for _ in range(2):
                session.send("HeapProfiler.collectGarbage")
                tab.page.wait_for_timeout(100)
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            return metrics["JSHeapUsedSize"], metrics["Nodes"]

        first, second = holds(1300), holds(2100)
    assert second[0] < first[0] * 1.1 + 500_000, f"{first} -> {second}"
    assert second[1] < first[1] + 200, f"{first} -> {second}"
