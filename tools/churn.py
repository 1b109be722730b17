"""Devices and processes that come, are renamed and go, for tests and for `tools/soak.py`. Needs root.

    yes | pv -qL 100 | python tools/churn.py > /dev/null

Makes a step for each byte of its standard input and answers with a byte when it is done; leaves nothing behind when
the input ends. Interfaces are made in the network namespace that it runs in: give it one of its own.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

LOOP_SET_FD, LOOP_CLR_FD = 0x4C00, 0x4C01
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
ZRAM_CONTROL = Path("/sys/class/zram-control")
FIRST_LOOP = 4000  # far from what the machine itself uses


def links(ip: "subprocess.Popen[str]", name: str) -> Iterator[None]:
    """A pair of interfaces: made, renamed, made again under the same name, removed."""
    assert ip.stdin is not None
    for command in (
        f"link add {name}a type veth peer name {name}b",
        f"link set {name}a name {name}c",
        f"link del {name}c",
        f"link add {name}a type veth peer name {name}b",
        f"link set {name}a up",
        f"link del {name}a",
    ):
        ip.stdin.write(command + "\n")
        ip.stdin.flush()
        yield


def loop(number: int) -> Iterator[None]:
    """A loop device: made, given a file, taken from it, removed."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileExistsError):
            fcntl.ioctl(control, LOOP_CTL_ADD, number)
        yield
        node = Path(f"/dev/loop{number}")
        made = not node.exists()
        if made:
            os.mknod(node, 0o600 | 0o060000, os.makedev(7, number))
        with tempfile.TemporaryFile() as file:
            file.truncate(1 << 20)
            device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, LOOP_SET_FD, file.fileno())
                yield
                fcntl.ioctl(device, LOOP_CLR_FD)
            finally:
                os.close(device)
                if made:
                    node.unlink()
    finally:
        for _ in range(50):  # it is busy until whoever looked at it last has closed it
            try:
                fcntl.ioctl(control, LOOP_CTL_REMOVE, number)
            except OSError:
                time.sleep(0.01)
            else:
                break
        os.close(control)
    yield


def zram() -> Iterator[None]:
    """A zram device: made and removed. Reading `hot_add` is what makes one."""
    number = int((ZRAM_CONTROL / "hot_add").read_text())
    try:
        yield
        Path(f"/sys/block/zram{number}/disksize").write_text("1048576")
        yield
    finally:
        (ZRAM_CONTROL / "hot_remove").write_text(str(number))
    yield


def forks(count: int) -> None:
    """So many processes that end at once."""
    for _ in range(count):
        if not os.fork():
            os._exit(0)


def rounds(ip: "subprocess.Popen[str]") -> Generator[None, None, None]:
    """Everything again and again, a step at a time."""
    number = 0
    while True:
        number = (number + 1) % 64
        yield from links(ip, f"pp{number}")
        yield from loop(FIRST_LOOP + number)
        if ZRAM_CONTROL.exists():
            yield from zram()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--forks", type=int, default=4, help="processes a step")
    options = parser.parse_args()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ip = subprocess.Popen(["ip", "-force", "-batch", "-"], stdin=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    steps = rounds(ip)
    try:
        while os.read(0, 1):
            next(steps)
            forks(options.forks)
            os.write(1, b".")
    finally:
        steps.close()
        assert ip.stdin is not None
        ip.stdin.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
