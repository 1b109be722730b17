"""Answers on their way: in pieces, each of which waits for the one before, and so many at a time.

A server takes whatever it is given into its buffers. An answer of megabytes to a client that reads nothing would be
copied there whole; in pieces it stays where it is, shared by all who asked for it.
"""

from collections import Counter

from procpulse.web.connections import LOOPBACK, address_key
from procpulse.web.guard import Message, Receive, Scope, Send, refuse

PIECE = 64 << 10
"""Bytes that are sent at once."""
PER_ADDRESS = 8
"""Long answers that one address may be getting at a time."""
OF_LOOPBACK = 64
MOST_BYTES = 32 << 20
"""Bytes of all long answers that are under way, each counted once, however many clients get it."""


class Answers:
    """The long answers of an application that are under way."""

    def __init__(self) -> None:
        self._of_address: Counter[str] = Counter()
        self._bodies: dict[int, list[int]] = {}
        """By identity of a body: its length, and how many clients get it."""
        self._bytes = 0

    def begin(self, key: str, body: bytes | None) -> bool:
        """Note that an answer begins; False where it may not.

        Args:
            key: Who gets it.
            body: What it keeps in memory while it is sent; None for nothing that is not there anyway.
        """
        if self._of_address[key] >= (OF_LOOPBACK if key == LOOPBACK else PER_ADDRESS):
            return False
        if body is not None:
            known = self._bodies.get(id(body))
            if known is not None:
                known[1] += 1
            elif self._bytes and self._bytes + len(body) > MOST_BYTES:
                return False
            else:
                self._bodies[id(body)] = [len(body), 1]
                self._bytes += len(body)
        self._of_address[key] += 1
        return True

    def end(self, key: str, body: bytes | None) -> None:
        """Note that an answer is over, however that came."""
        self._of_address[key] -= 1
        if not self._of_address[key]:
            del self._of_address[key]
        if body is not None:
            known = self._bodies[id(body)]
            known[1] -= 1
            if not known[1]:
                del self._bodies[id(body)]
                self._bytes -= known[0]


class Answer:
    """One answer.

    Args:
        answers: Those of the application.
        scope: The request.
        receive: Its messages.
        send: Where the answer goes.
    """

    def __init__(self, answers: Answers, scope: Scope, receive: Receive, send: Send):
        self._answers = answers
        self._scope = scope
        self._receive = receive
        self._send = send
        self._key = address_key(scope.get("client"))
        self._held: Message | None = None
        """How a long answer starts, until its body is seen."""
        self._begun: tuple[bytes | None] | None = None
        self._refused = False

    async def send(self, message: Message) -> None:
        """As that of ASGI."""
        if self._refused:
            return
        if message["type"] == "http.response.start" and self._scope["method"] != "HEAD" and _length(message) > PIECE:
            self._held = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._held is not None:
            held, self._held = self._held, None
            pinned = body if len(body) > PIECE else None
            if not self._answers.begin(self._key, pinned):
                self._refused = True
                await refuse(self._scope, self._receive, self._send, 503, "too many answers at a time", retry_after="1")
                return
            self._begun = (pinned,)
            await self._send(held)
        if len(body) <= PIECE:
            await self._send(message)
            return
        for start in range(0, len(body), PIECE):
            end = start + PIECE
            await self._send(
                {"type": "http.response.body", "body": body[start:end], "more_body": more or end < len(body)}
            )

    def end(self) -> None:
        """The answer is over."""
        if self._begun is not None:
            self._answers.end(self._key, *self._begun)
            self._begun = None


def _length(message: Message) -> int:
    for name, value in message.get("headers", ()):
        if bytes(name).lower() == b"content-length":
            return int(value)
    return 0
