"""What a server keeps of the past, in bytes, within one budget: frames for clients that come back, and the history.

Frames are kept in a ring per selection. Where all of them are more than the budget, the oldest frames of rings that
nobody reads go first, then those of the largest ring. The history keeps devices one by one for its newest frames only
where there are many, and totals of all frames as long as these fit.
"""

from collections import deque

RING_FRAMES = 120
BUDGET = 16 << 20
"""Bytes of everything that is kept."""
HISTORY_BYTES = 8 << 20
"""Bytes of the history, which are part of it."""
HISTORY_SECONDS = 900.0


class Ring:
    """The newest frames of one selection, each with the ticks that it leads from and to."""

    def __init__(self, memory: "Memory"):
        self._memory = memory
        self._frames: deque[tuple[int, int, bytes]] = deque()
        self.bytes = 0
        self.read = True
        """Whether clients are connected."""

    def add(self, before: int, seq: int, data: bytes) -> None:
        """Keep a frame."""
        self._frames.append((before, seq, data))
        self.bytes += len(data)
        self._memory.used += len(data)
        if len(self._frames) > RING_FRAMES:
            self.drop()
        self._memory.fit()

    def drop(self) -> None:
        """Forget the oldest frame."""
        size = len(self._frames.popleft()[2])
        self.bytes -= size
        self._memory.used -= size

    def since(self, seen: int) -> list[tuple[int, bytes]] | None:
        """The (seq, frame) that follow a tick; None where they are not all there any more."""
        kept = list(self._frames)
        start = next((place for place, (before, _, _) in enumerate(kept) if before == seen), None)
        return None if start is None else [(seq, data) for _, seq, data in kept[start:]]


class HistoryFrame:
    """One frame of the history, as JSON: what is said of the whole host, and of each device."""

    __slots__ = ("devices", "head", "seq", "tail", "when")

    def __init__(self, seq: int, when: float, head: bytes, devices: bytes, tail: bytes):
        self.seq = seq
        self.when = when
        self.head = head
        self.devices = devices
        self.tail = tail

    @property
    def pieces(self) -> tuple[bytes, bytes, bytes]:
        """The frame, to be joined."""
        return self.head, self.devices, self.tail

    @property
    def bytes(self) -> int:
        """How long it is."""
        return len(self.head) + len(self.devices) + len(self.tail)


class Memory:
    """Everything that is kept.

    Args:
        most: Bytes of all of it.
        of_history: Bytes of the history.
    """

    def __init__(self, most: int = BUDGET, of_history: int = HISTORY_BYTES):
        self.most = most
        self._of_history = of_history
        self.used = 0
        self.rings: list[Ring] = []
        """The ring that lost its readers first comes first."""
        self.history: deque[HistoryFrame] = deque()
        self._history_bytes = 0
        self._whole_from = 0
        """The place of the first frame of the history that has its devices."""

    def ring(self) -> Ring:
        """A new ring."""
        ring = Ring(self)
        self.rings.append(ring)
        return ring

    def forget(self, ring: Ring) -> None:
        """Drop a ring with all of its frames."""
        if ring in self.rings:
            self.rings.remove(ring)
            self.used -= ring.bytes

    def read(self, ring: Ring, whether: bool) -> None:
        """Note whether clients read a ring."""
        ring.read = whether
        if ring in self.rings:
            self.rings.remove(ring)
            self.rings.append(ring)

    def fit(self) -> None:
        """Drop the oldest frames until everything fits."""
        while self.used > self.most:
            unread = next((ring for ring in self.rings if not ring.read and ring.bytes), None)
            ring = unread or max(self.rings, key=lambda ring: ring.bytes, default=None)
            if ring is None or not ring.bytes:
                return
            ring.drop()

    def remember(self, frame: HistoryFrame) -> None:
        """Add a frame to the history."""
        self.history.append(frame)
        self._change(frame.bytes)
        while self.history and self.history[0].when < frame.when - HISTORY_SECONDS:
            self._drop_oldest()
        while self._history_bytes > self._of_history and self.history:
            if self._whole_from < len(self.history) - 1:
                old = self.history[self._whole_from]
                self._change(-len(old.devices))
                # Answers that are under way have the frame as it was.
                self.history[self._whole_from] = HistoryFrame(old.seq, old.when, old.head, b"", old.tail)
                self._whole_from += 1
            else:
                self._drop_oldest()
        self.fit()

    def _drop_oldest(self) -> None:
        self._change(-self.history.popleft().bytes)
        self._whole_from = max(0, self._whole_from - 1)

    def _change(self, by: int) -> None:
        self._history_bytes += by
        self.used += by
