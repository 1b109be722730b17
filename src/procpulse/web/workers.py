"""Several processes serve one application: one of them answers for all what is counted from tick to tick.

Counters of process groups hold what a process saw grow, and no two processes saw the same: a scraper that comes to
another worker each time would see them fall. So the first worker that is asked takes a name in the abstract namespace of
sockets, and the others hand its answer on. When it ends, the kernel frees the name, and the next that is asked takes it.
Whoever else takes that name, such as another user, is not believed: both sides look at the credentials of the other.
"""

import asyncio
import logging
import multiprocessing
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256

ANSWER_SECONDS = 2.0
"""How long one worker waits for another before it answers by itself."""
LARGEST_ANSWER = 64 << 20
_logger = logging.getLogger("procpulse.web")
_CREDENTIALS = struct.Struct("3i")
_LENGTH = struct.Struct("!Q")


def is_one_of_several() -> bool:
    """Whether this process is a worker of a server that may have others."""
    return multiprocessing.parent_process() is not None or "gunicorn.arbiter" in sys.modules


class Workers:
    """This worker and its siblings: the processes of one user and one parent that serve the same.

    Args:
        what: What is served, so that two applications of one server are told apart.
        answer: Answers a question as this process can.
    """

    def __init__(self, what: str, answer: Callable[[str], Awaitable[bytes]]):
        self._what = what
        self._answer = answer
        self._server: asyncio.Server | None = None

    @property
    def leads(self) -> bool:
        """Whether this worker answers for all."""
        return self._server is not None

    async def ask(self, question: str) -> bytes:
        """The answer of the worker that answers for all; of this one, where that is the same or the name is not ours.

        Args:
            question: One line.

        Raises:
            TimeoutError: the worker that answers does not, in time. To answer in its place would be to contradict it.
        """
        for _ in range(2):
            if self._server is not None or await self._lead():
                break
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._hand_on(question)
            except ConnectionRefusedError:
                continue  # it has just ended: the name is free
            except PermissionError:
                break
            except (OSError, EOFError) as error:
                raise TimeoutError("the worker that answers for all did not") from error
        return await self._answer(question)

    def close(self) -> None:
        """Answer for nobody any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _name(self) -> bytes:
        parent = os.getppid()
        which = f"{os.geteuid()} {parent} {_start(parent)} {self._what}"
        return b"\0procpulse-" + sha256(which.encode()).hexdigest()[:32].encode()

    async def _lead(self) -> bool:
        """Take the name, unless somebody has it."""
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(self._name())
            listener.setblocking(False)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener)
        except OSError:
            listener.close()
            return False
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if _is_sibling(writer.get_extra_info("socket")):
                    question = (await reader.readline()).decode().rstrip("\n")
                    body = await self._answer(question)
                    writer.write(_LENGTH.pack(len(body)) + body)
                    await writer.drain()
        except Exception as error:  # whatever it is, the other has to hear of an end
            _logger.warning("a worker was not answered: %s", error)
        finally:
            writer.close()

    async def _hand_on(self, question: str) -> bytes:
        caller = socket.socket(socket.AF_UNIX)
        caller.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(caller, self._name())
            if not _is_sibling(caller):
                raise PermissionError("this is somebody else")
            reader, writer = await asyncio.open_unix_connection(sock=caller)
        except BaseException:
            caller.close()
            raise
        try:
            writer.write(question.encode() + b"\n")
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            if length > LARGEST_ANSWER:
                raise ConnectionError("too long an answer")
            return await reader.readexactly(length)
        finally:
            writer.close()


def _is_sibling(connection: socket.socket) -> bool:
    """Whether who is at the other end is of the same user and the same parent."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(data)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            parent = int(file.read(4096).rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return False
    return user == os.geteuid() and parent == os.getppid()


def _start(pid: int) -> str:
    """When a process started, so that another one with its pid is not taken for it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read(4096).rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""
