"""Sockets that a service manager opened before the server was started, by systemd's protocol (sd_listen_fds(3))."""

import os
import socket

_FIRST = 3


def inherited() -> list[socket.socket]:
    """The listening sockets that were passed to this very process; none where it was started in another way.

    The variables that tell of them are removed: no child of ours is meant.

    Raises:
        ValueError: what was passed is no listening stream socket.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    found: list[socket.socket] = []
    try:
        for fd in range(_FIRST, _FIRST + int(count)):
            os.set_inheritable(fd, False)
            listener = socket.socket(fileno=fd)
            found.append(listener)
            stream = listener.type == socket.SOCK_STREAM
            if not stream or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ValueError(f"descriptor {fd}, passed by LISTEN_FDS, does not listen for connections")
            listener.setblocking(False)
    except OSError as error:
        raise ValueError(f"a descriptor passed by LISTEN_FDS is no socket: {error.strerror}") from None
    return found
