"""One side of a session: what comes in pieces is one fragment, however the connection cuts it."""

import pytest
from mitmproxy.connection import Client
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from proxy.doors.network.sessions import Side

TEXT = "Grüße an Anna 👋 " * 8


@pytest.mark.parametrize(("frames", "step"), [(1, 1), (1, 7), (3, 1), (3, 10_000)])
def test_fragments_are_counted_and_not_the_pieces_that_they_come_in(frames: int, step: int) -> None:
    app = Connection(ConnectionType.CLIENT)
    size = -(-len(TEXT) // frames)
    parts = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    wire = b"".join(app.send(TextMessage(part, message_finished=part is parts[-1])) for part in parts)
    side = Side(ConnectionType.SERVER, "", Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2)))
    for at in range(0, len(wire), step):
        side.receive_data(wire[at : at + step])
        for event in side.events():
            assert isinstance(event, TextMessage)
            side.taken(event)
    assert side.fragments == frames
    assert side.whole() == TEXT.encode()
    assert (side.fragments, side.whole()) == (0, b"")
