"""A file system whose files misbehave as they are told, through /dev/fuse. Needs root and no package.

    with mounted(tmp_path / "fuse", {"proc/loadavg": {"read": "hang"}}) as change:
        ...
        change({"proc/loadavg": {"data": "0.1 0.1 0.1 1/2 3\\n"}})

What a file can do: `data` (text that it holds), `open` and `read` (an errno, or "hang"), `after` (bytes that are read
well before `read` goes wrong), `endless` (its data again and again), `short` (bytes a read at most), `torn` (what it
holds from the second read on). Nothing is cached, so that a change shows at once. The server is a process of its own:
when it ends, every read that hangs fails.
"""

import ctypes
import errno
import json
import os
import select
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MNT_DETACH = 2
DIRECT_IO = 1
LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE, FLUSH, INIT = 1, 2, 3, 5, 14, 15, 17, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, DESTROY, BATCH_FORGET = 27, 28, 29, 34, 36, 38, 42
QUIET = {FORGET, BATCH_FORGET, INTERRUPT}


class Server:
    """Answers the kernel; keeps the requests that hang."""

    def __init__(self, device: int, files: dict[str, dict[str, Any]]):
        self.device = device
        self.nodes: list[str] = ["", ""]  # node 1 is the root
        self.known: dict[str, int] = {"": 1}
        self.files: dict[str, dict[str, Any]] = {}
        self.folders: dict[str, list[str]] = {"": []}
        self.hanging: list[tuple[int, int, int, bytes]] = []
        self.change(files)

    def change(self, files: Mapping[str, dict[str, Any]]) -> None:
        """Files behave anew; what hung in them is answered."""
        for path, behaviour in files.items():
            self.files[path] = behaviour
            folder, _, name = path.rpartition("/")
            while name and name not in self.folders.setdefault(folder, []):
                self.folders[folder].append(name)
                folder, _, name = folder.rpartition("/")
        waiting, self.hanging = self.hanging, []
        for request in waiting:
            self.handle(*request)

    def node(self, path: str) -> int:
        if path not in self.known:
            self.known[path] = len(self.nodes)
            self.nodes.append(path)
        return self.known[path]

    def attributes(self, path: str) -> bytes:
        mode = stat.S_IFDIR | 0o555 if path in self.folders else stat.S_IFREG | 0o444
        return struct.pack("<6Q10I", self.node(path), 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def reply(self, unique: int, data: bytes = b"", error: int = 0) -> None:
        try:
            os.write(self.device, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # the one who asked has been killed
                raise

    def handle(self, opcode: int, unique: int, node: int, body: bytes) -> None:
        path = self.nodes[node]
        behaviour = self.files.get(path, {})
        if opcode == INTERRUPT:
            self.interrupt(*struct.unpack_from("<Q", body))
        if opcode in QUIET:
            return
        if opcode == INIT:
            self.reply(unique, struct.pack("<IIIIHHIIHHII24x", 7, 31, 65536, 0, 64, 48, 65536, 1, 16, 0, 0, 0))
        elif opcode == LOOKUP:
            below = f"{path}/{body[:-1].decode()}".lstrip("/")
            if below in self.files or below in self.folders:
                self.reply(unique, struct.pack("<4QII", self.node(below), 0, 0, 0, 0, 0) + self.attributes(below))
            else:
                self.reply(unique, error=errno.ENOENT)
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("<QII", 0, 0, 0) + self.attributes(path))
        elif opcode in (OPEN, OPENDIR):
            self.act(behaviour.get("open"), (opcode, unique, node, body), lambda: struct.pack("<QII", 0, DIRECT_IO, 0))
        elif opcode == READ:
            offset, size = struct.unpack_from("<8xQI", body)
            wrong = behaviour.get("read") if offset >= behaviour.get("after", 0) else None
            self.act(wrong, (opcode, unique, node, body), lambda: content(behaviour, offset, size))
        elif opcode == READDIR:
            offset, size = struct.unpack_from("<8xQI", body)
            self.reply(unique, self.listing(path, offset, size))
        elif opcode == STATFS:
            self.reply(unique, struct.pack("<5QIII24x4x", 0, 0, 0, 0, 0, 4096, 255, 4096))
        elif opcode in (RELEASE, RELEASEDIR, FLUSH, ACCESS, DESTROY):
            self.reply(unique)
        else:
            self.reply(unique, error=errno.ENOSYS)

    def act(self, wrong: Any, request: tuple[int, int, int, bytes], answer: Callable[[], bytes]) -> None:
        if wrong == "hang":
            self.hanging.append(request)
        elif wrong:
            self.reply(request[1], error=getattr(errno, wrong))
        else:
            self.reply(request[1], answer())

    def interrupt(self, unique: int) -> None:
        """Whoever asked is being killed. Without this answer it could not even die, as with a dead NFS server."""
        if any(request[1] == unique for request in self.hanging):
            self.hanging = [request for request in self.hanging if request[1] != unique]
            self.reply(unique, error=errno.EINTR)

    def listing(self, path: str, offset: int, size: int) -> bytes:
        data = b""
        for i, name in enumerate(self.folders[path][offset:], offset + 1):
            encoded = name.encode()
            below = f"{path}/{name}".lstrip("/")
            kind = stat.S_IFDIR >> 12 if below in self.folders else stat.S_IFREG >> 12
            entry = struct.pack("<QQII", self.node(below), i, len(encoded), kind) + encoded
            entry += b"\0" * (-len(entry) % 8)
            if len(data) + len(entry) > size:
                break
            data += entry
        return data


def content(behaviour: dict[str, Any], offset: int, size: int) -> bytes:
    data = behaviour.get("data", "").encode("utf-8", "surrogateescape")
    if behaviour.get("endless"):
        data = data * (size // len(data) + 2)
        return data[offset % len(behaviour["data"]) :][:size]
    if offset and "torn" in behaviour:
        data = behaviour["torn"].encode("utf-8", "surrogateescape")
    return data[offset : offset + min(size, behaviour.get("short", size))]


def serve(point: str) -> None:
    """Mount, and answer until standard input ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    server = Server(device, json.loads(sys.stdin.readline()))
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"misbehaving", point.encode(), b"fuse", 0, options):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    try:
        while True:
            ready = select.select([device, sys.stdin], [], [])[0]
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                server.change(json.loads(line))
                print("changed", flush=True)
                continue
            request = os.read(device, 1 << 17)
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            server.handle(opcode, unique, node, request[40:])
            if opcode == INIT:
                print("mounted", flush=True)
    finally:
        libc.umount2(point.encode(), MNT_DETACH)


@contextmanager
def mounted(
    point: Path, files: Mapping[str, dict[str, Any]]
) -> Iterator[Callable[[Mapping[str, dict[str, Any]]], None]]:
    """Mount such a file system; yields what changes the behaviour of files."""
    point.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-S", __file__, str(point)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def tell(files: Mapping[str, dict[str, Any]], answer: str = "changed") -> None:
        process.stdin.write(json.dumps(files) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        assert process.stdout.readline().strip() == answer, "the file system does not answer"  # type: ignore[union-attr]

    try:
        tell(files, "mounted")
        yield tell
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        end = time.monotonic() + 5
        while os.path.ismount(point) and time.monotonic() < end:
            ctypes.CDLL(None).umount2(str(point).encode(), MNT_DETACH)


if __name__ == "__main__":
    serve(sys.argv[1])
