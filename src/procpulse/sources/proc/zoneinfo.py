"""/proc/zoneinfo: memory by NUMA node and zone: what is free, what is kept back, what happened.

    Node 0, zone   Normal
      pages free     57710
            min      12005
            protection: (0, 0, 0, 0, 0)
          nr_free_pages 57710
      pagesets
        cpu: 0
                  count:    312

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import Unit, counter, gauge, group, info, label
from procpulse.source import File, Source
from procpulse.sources.proc.buddyinfo import place
from procpulse.sources.proc.vmstat import is_state
from procpulse.text import inert, integers, keyed, lines, number


class Pageset(msgspec.Struct, frozen=True, gc=False):
    """Free pages that one CPU keeps for itself, so that it need not ask the zone."""

    cpu: Annotated[int, label("Number of the CPU.")]
    count_pages: Annotated[int | None, gauge("Free pages that it keeps now.")]
    high_pages: Annotated[int | None, gauge("Pages from which on it gives some back.")]
    batch_pages: Annotated[int | None, gauge("Pages that it takes or gives back at once.")]
    high_min_pages: Annotated[int | None, gauge("Least that `high` is tuned to (Linux 6.13).")] = None
    high_max_pages: Annotated[int | None, gauge("Most that `high` is tuned to (Linux 6.13).")] = None
    stat_threshold: Annotated[int | None, gauge("Changes that it counts by itself before it tells the zone.")] = None


class Zone(msgspec.Struct, frozen=True):
    """One zone: memory of one node that some devices or uses are limited to."""

    zone: Annotated[str, label("Name of the zone: DMA, DMA32, Normal, HighMem, Movable, Device.")]
    free_pages: Annotated[int | None, gauge("Free pages.")]
    min_pages: Annotated[int | None, gauge("Free pages below which only the most urgent requests are served.")]
    low_pages: Annotated[int | None, gauge("Free pages below which the kernel begins to reclaim.")]
    high_pages: Annotated[int | None, gauge("Free pages at which it stops reclaiming.")]
    spanned_pages: Annotated[int | None, gauge("Pages from its first to its last, with holes.")]
    present_pages: Annotated[int | None, gauge("Pages that are there.")]
    managed_pages: Annotated[int | None, gauge("Pages that the page allocator hands out.")]
    protection_pages: Annotated[
        list[int], info("Free pages kept from requests that could use a higher zone, by that zone.")
    ]
    pages: Annotated[dict[str, int], gauge("Pages by use, such as nr_mlock.", Unit.PAGES)]
    events: Annotated[dict[str, int], counter("Events since boot, such as numa_hit.", bits="long", falls=True)]
    pagesets: Annotated[list[Pageset], group("Free pages that CPUs keep for themselves.")]
    boost_pages: Annotated[int | None, gauge("Pages that the marks are raised by for a while (Linux 5.16).")] = None
    promo_pages: Annotated[
        int | None, gauge("Free pages up to which room is made for pages of slower memory (Linux 6.12).")
    ] = None
    cma_pages: Annotated[int | None, gauge("Pages reserved for contiguous allocations (Linux 5.12).")] = None
    start_pfn: Annotated[int | None, info("Number of its first page; None where it is empty.")] = None


class ZoneinfoNode(msgspec.Struct, frozen=True):
    """One NUMA node and its zones."""

    node: Annotated[int, label("Number of the node.")]
    zones: Annotated[list[Zone], group("Its zones; some may be empty.")]
    pages: Annotated[dict[str, int], gauge("Pages of the whole node by use, such as nr_active_anon.", Unit.PAGES)]
    events: Annotated[
        dict[str, int], counter("Events on the node since boot, such as nr_dirtied.", bits="long", falls=True)
    ]
    unreclaimable: Annotated[bool | None, info("Whether the kernel gave up reclaiming memory here.")] = None


def parse(file: File) -> list[ZoneinfoNode]:
    zones: dict[int, list[Zone]] = {}
    stats: dict[int, dict[str, int]] = {}
    hopeless: dict[int, bool] = {}
    for section in (b"\n" + file.data).split(b"\nNode ")[1:]:
        head, _, rest = section.partition(b"\n  pagesets\n")
        pagesets, _, tail = rest.partition(b"\n  node_unreclaimable:")
        first, *rows = lines(head) or [b""]
        try:
            node, name, _ = place(b"Node " + first)
        except ValueError as error:
            file.lose("zones", error)
            continue
        marks: dict[str, int] = {}
        counts: dict[str, int] = {}
        protection: list[int] = []
        # The statistics of the node stand before those of its first zone that has memory.
        into = stats.setdefault(node, {})
        for row in rows:
            key, _, value = row.strip().partition(b" ")
            value = value.strip()
            if key == b"per-node":
                continue
            if key == b"protection:":
                into = counts
                protection = file.parsed("protection", integers, value.strip(b"()").replace(b",", b" ")) or []
                continue
            if key == b"pages":
                key, _, value = (part.strip() for part in value.partition(b" "))
                into = marks
            name_ = inert(key)
            if into is marks and name_ in marks:
                file.lose("zones", ValueError("a zone without its heading"))
                break
            count = file.parsed("zones", number, value)
            if count is not None:
                into[name_] = count
        start_pfn = None
        if tail:
            facts = dict(keyed(b"node_unreclaimable:" + tail))
            given_up = file.parsed("node_unreclaimable", number, facts[b"node_unreclaimable"])
            if given_up is not None:
                hopeless[node] = given_up != 0
            if b"start_pfn" in facts:
                start_pfn = file.parsed("start_pfn", number, facts[b"start_pfn"])
        pages, events = states_and_events(counts)
        zones.setdefault(node, []).append(
            Zone(
                zone=name,
                free_pages=marks.get("free"),
                min_pages=marks.get("min"),
                low_pages=marks.get("low"),
                high_pages=marks.get("high"),
                spanned_pages=marks.get("spanned"),
                present_pages=marks.get("present"),
                managed_pages=marks.get("managed"),
                protection_pages=protection,
                pages=pages,
                events=events,
                pagesets=_pagesets(file, pagesets),
                boost_pages=marks.get("boost"),
                promo_pages=marks.get("promo"),
                cma_pages=marks.get("cma"),
                start_pfn=start_pfn,
            )
        )
    if not zones:
        raise ValueError("no zones")
    return [
        ZoneinfoNode(node, inside, *states_and_events(stats[node]), unreclaimable=hopeless.get(node))
        for node, inside in zones.items()
    ]


def states_and_events(rows: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows as in vmstat, as (pages by use, events)."""
    pages: dict[str, int] = {}
    events: dict[str, int] = {}
    for key, value in rows.items():
        (pages if is_state(key) else events)[key] = value
    return pages, events


def _pagesets(file: File, text: bytes) -> list[Pageset]:
    """The rows of all CPUs, column by column: hosts with many CPUs have thousands of these rows."""
    tokens = text.replace(b"vm stats threshold:", b"threshold:").split()
    if not tokens:
        return []
    width = tokens.index(b"cpu:", 1) if tokens.count(b"cpu:") > 1 else len(tokens)
    columns: dict[bytes, list[Any]] = {}
    try:
        for nth, key in enumerate(tokens[:width:2]):
            if set(tokens[2 * nth :: width]) != {key}:
                raise ValueError("the rows of CPUs are not alike")
            columns[key] = integers(b" ".join(tokens[2 * nth + 1 :: width]))
        absent = [None] * len(columns[b"cpu:"])
        return [Pageset(*row) for row in zip(*(columns.get(key, absent) for key in _PAGESET), strict=True)]
    except (ValueError, KeyError):
        return _pagesets_by_row(file, text)


_PAGESET = (b"cpu:", b"count:", b"high:", b"batch:", b"high_min:", b"high_max:", b"threshold:")


def _pagesets_by_row(file: File, text: bytes) -> list[Pageset]:
    """The same, where a row is missing or makes no sense: it costs itself only."""
    found: list[dict[bytes, int | None]] = []
    for name, value in keyed(text):
        key = b"threshold:" if name == b"vm stats threshold" else name + b":"
        if key == b"cpu:" or (found and key in found[-1]):
            found.append({})
        if found and key in _PAGESET:
            found[-1][key] = file.parsed("pagesets", number, value)
    rows = ([row.get(key) for key in _PAGESET] for row in found)
    return [Pageset(row[0], *row[1:]) for row in rows if row[0] is not None]


ZONEINFO = Source("zoneinfo", "/proc/zoneinfo", list[ZoneinfoNode], parse, cap=1 << 26)
