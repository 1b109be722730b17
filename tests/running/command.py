"""The command `procpulse` as a child process, as pip installs it."""

import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND = (sys.executable, "-m", "procpulse")
START_SECONDS = 30.0


class Serving:
    """A server that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path):
        self.process = process
        self.port = port
        self.log = log
        self.ended = False
        """Whether the test has ended it, and looked how it did."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def drop(self, sent: bytes, read: int = 0, reset: bool = False) -> None:
        """Send something, read so many bytes of the answer, and hang up; with `reset` in the rudest way there is."""
        with suppress(OSError), self.connect() as client:
            client.sendall(sent)
            if read:
                client.settimeout(0.1)
                with suppress(TimeoutError):
                    client.recv(read)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def healthy(self) -> bool:
        """Whether it answers a request of a new client."""
        with suppress(OSError), self.connect() as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            return client.recv(100).startswith(b"HTTP/1.1 200")
        return False

    def alive(self) -> None:
        """Fail, with what it said, where it ended or does not answer."""
        code = self.process.poll()
        assert code is None, f"the server ended with {code}: {self.log.read_text()[-2000:]}"
        assert self.healthy(), self.log.read_text()[-2000:]


@contextmanager
def serving(tmp_path: Path, *arguments: str, descriptors: int | None = None) -> Iterator[Serving]:
    """`procpulse serve` on a free port; it has to be there still, and to end by SIGTERM, when the test is done.

    Args:
        tmp_path: Where it runs, and where its log is.
        arguments: Its arguments.
        descriptors: How many descriptors it may have at most.
    """
    limited = () if descriptors is None else ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh")
    log = tmp_path / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*limited, *COMMAND, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=file,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline().decode()
            assert "://127.0.0.1:" in line, log.read_text()
            server = Serving(process, int(line.rstrip("/\n").rpartition(":")[2]), log)
            yield server
            if server.ended:
                return
            assert process.poll() is None, f"it ended with {process.returncode}: {log.read_text()[-2000:]}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()[-2000:]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def wait_for(condition: object, seconds: float = 20.0) -> None:
    """Wait until something holds, as long as a busy machine may need."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
