"""Daemon threads for reads that may block, so that a hung file costs itself and nothing else.

A few workers take batches of requests and answer them one after the other. A worker that is held up by one file for
longer than its patience is written off: the rest of its batch goes to a fresh worker, and the file is not asked for
again before that read returns. The number of written-off workers is bounded; they are daemons, so neither closing
nor the end of the interpreter waits for them. (`anyio.to_thread` and the default executor cannot do this: an abandoned
thread of theirs gives its token back and lives on, uncounted, and one of them keeps the interpreter alive.)
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

from procpulse.source import Failure, Reason, Request

PATIENCE_NS = 50_000_000
"""How long one file may hold up the others of its batch."""

GRACE_NS = 1_000_000_000
"""How long one file may hold up the others of its device: most that answer late do so within this, and a bus or a
firmware that is busy is not to be asked twice at a time. One that takes longer hangs, and costs itself only."""

_REMEMBERED = 64
"""How many files that hung before are remembered at least."""

_PENDING: Any = object()


class Batch:
    """Requests that are answered in order, and their answers so far."""

    __slots__ = ("_landed", "answers", "deferred", "ended_ns", "left", "over", "requests", "started_ns", "taken")

    def __init__(self, requests: Sequence[Request], landed: "Callable[[Batch], None]"):
        self.requests = requests
        self.answers: list[Any] = [_PENDING] * len(requests)
        self.left = len(requests)
        self.taken = bytearray(len(requests))
        """Which of them some worker has taken on."""
        self.deferred = False
        """Whether some were left for later, as their device is held up."""
        self.over = False
        self.started_ns = 0
        """When a worker began with it."""
        self.ended_ns = 0
        """When its last answer came."""
        self._landed = landed

    def put(self, index: int, answer: Any) -> None:
        """Keep an answer, unless the batch is over."""
        if not self.over and self.answers[index] is _PENDING:
            self.answers[index] = answer
            self.left -= 1
            if not self.left:
                self.over = True
                self.ended_ns = monotonic_ns()
                self._landed(self)


class _Worker:
    """One thread, and what it is doing."""

    __slots__ = ("batch", "index", "since_ns", "written_off")

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.index = 0
        self.since_ns = 0
        self.written_off = False


class _Trouble:
    """A file that hung, and when it may be asked for again."""

    __slots__ = ("delay_ns", "hung_since_ns", "next_ns")

    def __init__(self) -> None:
        self.delay_ns = 0
        self.hung_since_ns = 0
        self.next_ns = 0


class Pool:
    """The slow lane.

    Args:
        perform: Answers one request; may block for ever.
        width: How many workers are at work at a time.
        spare: How many more may be stuck before the lane closes.
    """

    def __init__(self, perform: Callable[[Request], Any], width: int = 2, spare: int = 8):
        self._perform = perform
        self._width = width
        self._spare = spare
        self._lock = threading.Condition()
        self._queue: deque[tuple[Batch, int]] = deque()
        self._workers: set[_Worker] = set()
        self._idle = 0
        self._stuck = 0
        self._trouble: dict[str, _Trouble] = {}
        self._deferred: list[Batch] = []
        """Those of which something was left for later."""
        self._closed = False

    def submit(self, requests: Sequence[Request], landed: Callable[[Batch], None]) -> Batch:
        """Start to answer. `landed(batch)` is called from a worker, or from here when there is nothing to wait for."""
        batch = Batch(requests, landed)
        with self._lock:
            self._queue.append((batch, 0))
            self._hire()
            self._lock.notify()
        return batch

    @property
    def full(self) -> bool:
        """Whether every reader there may be is held up by a hung file, so that nothing is begun any more."""
        return self._stuck >= self._spare + self._width

    def expire(self, batch: Batch, detail: str | None = None) -> None:
        """The deadline of a batch has come: what has no answer yet gets `timeout`, for this reason."""
        with self._lock:
            if batch.over:
                return
            self._queue = deque(item for item in self._queue if item[0] is not batch)
            for worker in self._workers:
                if worker.batch is batch and not worker.written_off:
                    self._write_off(worker, batch.requests[worker.index])
            if detail is None:
                detail = "every reader is held up by a hung file" if self.full else "no answer"
            for i, request in enumerate(batch.requests):
                if not batch.over:
                    batch.put(i, Failure(Reason.TIMEOUT, request.path, detail))

    def watch(self, patience_ns: int = PATIENCE_NS) -> None:
        """Write off the workers that one file has held up for too long, and let others go on with their batches."""
        now = monotonic_ns()
        with self._lock:
            for worker in list(self._workers):
                batch = worker.batch
                if batch is None or worker.written_off or now - worker.since_ns < patience_ns:
                    continue
                self._write_off(worker, batch.requests[worker.index])
                if worker.index + 1 < len(batch.requests) and not batch.over:
                    self._queue.appendleft((batch, worker.index + 1))
            for worker in self._workers:
                if worker.written_off and now - worker.since_ns >= GRACE_NS:
                    self._resume()
                    break
            if self._queue:
                self._hire()
                self._lock.notify_all()

    @property
    def stuck(self) -> dict[str, float]:
        """The files that hang at this moment, and for how many seconds."""
        now = monotonic_ns()
        with self._lock:
            return {p: (now - t.hung_since_ns) / 1e9 for p, t in self._trouble.items() if t.hung_since_ns}

    @property
    def threads(self) -> int:
        """How many threads there are, the stuck ones included."""
        return len(self._workers)

    def close(self) -> None:
        """Let the workers go; does not wait for those that are stuck."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._lock.notify_all()

    # Everything below runs under the lock, but for `_run`.

    def _hire(self) -> None:
        working = len(self._workers) - self._stuck
        if self._closed or self._idle >= len(self._queue) or working >= self._width:
            return
        if len(self._workers) >= self._width + self._spare:
            return
        worker = _Worker()
        self._workers.add(worker)
        threading.Thread(target=self._run, args=(worker,), name="procpulse-reader", daemon=True).start()

    def _write_off(self, worker: _Worker, request: Request) -> None:
        worker.written_off = True
        self._stuck += 1
        if len(self._trouble) >= _REMEMBERED:
            now = monotonic_ns()
            self._trouble = {p: t for p, t in self._trouble.items() if t.hung_since_ns or now < t.next_ns}
        trouble = self._trouble.setdefault(request.path, _Trouble())
        trouble.hung_since_ns = worker.since_ns

    def _resume(self) -> None:
        """Go on with what was left for later."""
        for batch in self._deferred:
            batch.deferred = False
            if not batch.over:
                self._queue.append((batch, 0))
        self._deferred.clear()

    def _held_up(self, request: Request, barred: bool) -> bool:
        """Whether a file of the same device is being waited for; or this very one, by somebody who has not given up."""
        device, now = _device(request), monotonic_ns()
        for worker in self._workers:
            batch = worker.batch
            if not worker.written_off or batch is None or now - worker.since_ns >= GRACE_NS:
                continue
            waited_for = batch.requests[worker.index]
            if barred:
                if waited_for.path == request.path and not batch.over:
                    return True
            elif _device(waited_for) == device:
                return True
        return False

    def _barred(self, request: Request) -> Failure | None:
        """Why a file is not asked for now: it hangs, or it hung a moment ago."""
        trouble = self._trouble.get(request.path)
        if trouble is None:
            return None
        now = monotonic_ns()
        if trouble.hung_since_ns:
            seconds = (now - trouble.hung_since_ns) // 1_000_000_000
            return Failure(Reason.TIMEOUT, request.path, f"no answer for {seconds} s")
        if now < trouble.next_ns:
            return Failure(Reason.TIMEOUT, request.path, "hung before; asked again later")
        return None

    def _returned(self, path: str, late: bool) -> None:
        """A read has returned. One that came after the deadline is tried again at once, then after 1, 2, 4 ... 60 s."""
        trouble = self._trouble.get(path)
        if trouble is None:
            return
        if not late:
            del self._trouble[path]
            return
        trouble.hung_since_ns = 0
        trouble.next_ns = monotonic_ns() + trouble.delay_ns
        trouble.delay_ns = min(max(trouble.delay_ns * 2, 1_000_000_000), 60_000_000_000)

    def _run(self, worker: _Worker) -> None:
        lock = self._lock
        while True:
            with lock:
                self._idle += 1
                while not self._queue and not self._closed:
                    lock.wait()
                self._idle -= 1
                if self._closed:
                    self._workers.discard(worker)
                    return
                batch, index = self._queue.popleft()
                if not batch.started_ns:
                    batch.started_ns = monotonic_ns()
            requests = batch.requests
            while index < len(requests) and not batch.over:
                request = requests[index]
                with lock:
                    if batch.taken[index]:
                        index += 1
                        continue
                    barred = self._barred(request)
                    if self._stuck and self._held_up(request, barred is not None):
                        if not batch.deferred:
                            batch.deferred = True
                            self._deferred.append(batch)
                        index += 1
                        continue
                    batch.taken[index] = True
                    if barred is None:
                        worker.batch, worker.index, worker.since_ns = batch, index, monotonic_ns()
                answer = self._answer(request) if barred is None else barred
                with lock:
                    worker.batch = None
                    late = batch.over
                    batch.put(index, answer)
                    if barred is None:
                        self._returned(request.path, late)
                    if worker.written_off:
                        self._stuck -= 1
                        self._workers.discard(worker)
                        self._resume()
                        self._hire()
                        lock.notify()
                        return
                index += 1

    def _answer(self, request: Request) -> Any:
        """The answer of one request; an error of our own is told, and ends no worker."""
        try:
            return self._perform(request)
        except Exception:
            return Failure(Reason.BUG, request.path, traceback.format_exc())


def _device(request: Request) -> str:
    """What a file of sysfs belongs to: its directory. Anything else stands for itself."""
    return request.path.rpartition("/")[0] if request.path.startswith("/sys/") else request.path
