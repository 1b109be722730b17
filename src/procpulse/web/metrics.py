"""What `/metrics` answers: the newest sample as Prometheus metrics, and how the server itself does."""

from collections.abc import Callable, Iterator

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector as BaseCollector

from procpulse.encode.prometheus import Collector
from procpulse.snapshot import Snapshot
from procpulse.web.hub import Hub
from procpulse.web.negotiate import accepted

PLAIN, OPEN = "text/plain", "application/openmetrics-text"
ENCODERS: dict[str, tuple[Callable[[BaseCollector], bytes], str]] = {
    PLAIN: (generate_latest, f"{PLAIN}; version=0.0.4; charset=utf-8"),
    OPEN: (generate_openmetrics, f"{OPEN}; version=1.0.0; charset=utf-8"),
}
"""By media type: what writes it, and what the answer says that it is."""
SCRAPED_SECONDS = 900.0
"""How long sampling goes on after a scrape, so that the growth of processes that end meanwhile is counted."""


def media_of(accept: str) -> str:
    """What a scraper likes best; plain text where it says nothing that we understand, since it has to get something."""
    pieces = [piece for piece in accept.split(",") if not _is_of_another_version(piece)]
    if accept.strip() and not pieces:
        return PLAIN
    return accepted(",".join(pieces), (PLAIN, OPEN)) or PLAIN


def _is_of_another_version(piece: str) -> bool:
    kind, *parameters = (word.strip().lower() for word in piece.split(";"))
    versions = [word.partition("=")[2].strip() for word in parameters if word.partition("=")[0].strip() == "version"]
    return kind == OPEN and bool(versions) and versions != ["1.0.0"]


class Metrics(BaseCollector):
    """The metrics of a hub, made once a tick and format.

    Args:
        hub: Where samples come from.
    """

    def __init__(self, hub: Hub):
        self._hub = hub
        self._collector = Collector(newest=self._newest)
        self._run = ""
        self._made: dict[str, tuple[tuple[str, int], bytes]] = {}

    def text(self, media: str) -> bytes:
        """The metrics in a format."""
        encoder, _ = ENCODERS[media]
        latest = self._newest()
        self._hub.keep(SCRAPED_SECONDS)
        key = (self._hub.run, -1 if latest is None else latest.seq)
        made = self._made.get(media)
        if made is None or made[0] != key:
            made = self._made[media] = key, encoder(self)
        return made[1]

    def collect(self) -> Iterator[Metric]:
        """The metrics of the newest sample, and of the server."""
        if not self._run:
            # From the first scrape on, processes are added up at each tick, so that those between scrapes count.
            self._hub.on_tick.append(self._tick)
            self._run = self._hub.run
        yield from self._collector.collect()
        hub = self._hub
        yield GaugeMetricFamily("procpulse_web_clients", "Clients connected to streams.", len(hub.subscribers))
        for name, help in (
            ("ticks", "Samples taken."),
            ("clients", "Clients that connected to streams."),
            ("evicted", "Clients that were put out since they were too slow."),
            ("refused", "Clients that found no place."),
        ):
            stem = "connections" if name == "clients" else name
            yield CounterMetricFamily(f"procpulse_web_{stem}", help, hub.counts[name])

    def _newest(self) -> Snapshot | None:
        pace = self._hub.paces.get(1)
        return None if pace is None else pace.latest

    def _tick(self, snapshot: Snapshot) -> None:
        groups = self._collector.groups
        if self._run != self._hub.run:
            self._run = self._hub.run
            groups.restart()
        groups.update(snapshot)
