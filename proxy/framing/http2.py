"""How far a client is in what it sends over HTTP/2: only as much as shows that something does not come to its end.

Bytes enter; what they mean is the engine's business. Source: RFC 9113, sections 3.4, 4.1 and 4.3.
"""

PREFACE_BYTES = 24
HEAD_BYTES = 9
HEADERS, CONTINUATION = 0x1, 0x9
END_HEADERS = 0x4


class Units:
    """The units of a connection: the preface, then frames, where a header block with its continuations is one.

    ended: how many are whole. begun: whether a part of the next one has come.
    """

    def __init__(self) -> None:
        self.ended = 0
        self.begun = False
        self._left = PREFACE_BYTES
        self._head = bytearray()
        self._block = False

    def feed(self, data: bytes) -> None:
        """The next bytes of the client."""
        at = 0
        while at < len(data):
            self.begun = True
            if self._left:
                at, self._left = at + self._left, max(0, self._left - (len(data) - at))
            else:
                piece = data[at : at + HEAD_BYTES - len(self._head)]
                self._head += piece
                at += len(piece)
                if len(self._head) < HEAD_BYTES:
                    return
                self._begin(self._head)
                self._head.clear()
            if not self._left and not self._block:
                self.ended += 1
                self.begun = False

    def _begin(self, head: bytearray) -> None:
        self._left = int.from_bytes(head[:3])
        if head[3] in (HEADERS, CONTINUATION):
            self._block = not head[4] & END_HEADERS
