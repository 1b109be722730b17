"""What `/metrics` answers: the newest sample as Prometheus metrics, and how the server itself does."""

from collections.abc import Iterator

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as BaseCollector

from procpulse.encode.prometheus import Collector
from procpulse.snapshot import Snapshot
from procpulse.web.hub import Hub


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

    def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics in the format that a client likes best, and its media type."""
        encoder, media = choose_encoder(accept)
        latest = self._newest()
        key = (self._hub.run, -1 if latest is None else latest.seq)
        made = self._made.get(media)
        if made is None or made[0] != key:
            if len(self._made) > 4:
                self._made.clear()
            made = self._made[media] = key, encoder(self)
        return made[1], media

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
