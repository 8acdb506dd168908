"""The usbredir session of the side that has the device, without I/O.

:class:`Session` walks the state machine of :mod:`.state`, negotiates the capabilities, and refuses to produce what the
protocol forbids or what is known to make QEMU refuse the device or die.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .announce import fatal_to_qemu
from .codec import FrameReader, LocalProtocolError, RemoteProtocolError, decode, encode
from .constants import Capability, Type
from .fast import FastPackets
from .message import MESSAGES, NOTHING
from .messages import EpInfo, Hello
from .state import SessionState, moves_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .codec import Frame
    from .message import Message

__all__ = ["CAPABILITIES", "Session"]

#: What we announce. Not bulk_receiving: with it QEMU buffers bulk IN and changes the byte flow of serial adapters.
CAPABILITIES = (
    Capability.BULK_STREAMS
    | Capability.CONNECT_DEVICE_VERSION
    | Capability.FILTER
    | Capability.DEVICE_DISCONNECT_ACK
    | Capability.EP_INFO_MAX_PACKET_SIZE
    | Capability.IDS_64BITS
    | Capability.BULK_LENGTH_32BITS
)


class Session(FastPackets):
    """One session; ``caps`` is what both sides can do, known after the peer's hello."""

    def __init__(self, version: str, announced: Capability = CAPABILITIES) -> None:
        self.caps = NOTHING
        self._hello = Hello.of(version, announced)
        self._reader = FrameReader()
        self._choose_layouts(NOTHING)
        self._enter(SessionState.START)

    def hello(self) -> bytes:
        """Our greeting, the first thing to send."""
        return self.send(self._hello)

    def send(self, message: Message) -> bytes:
        """The bytes of a message; raises :class:`LocalProtocolError`, and nothing changes, when it must not go."""
        state = self._next(message.TYPE)
        if isinstance(message, EpInfo):
            why = fatal_to_qemu(message)
            if why:
                raise LocalProtocolError(f"usbredir ep_info was not sent: {why}.")
        packed = encode(message, self.caps)
        if state is not self.state:
            self._enter(state)
        return packed

    def receive(self, data: bytes) -> Iterator[Frame]:
        """Frames of the guest side, each legal in its state; raises :class:`RemoteProtocolError` on one that is not.

        A frame's body is still to be decoded: by :meth:`decode`, or by the ``unpack_…`` shortcuts.
        """
        self._reader.feed(data)
        for frame in self._reader:
            state = self._may_receive.get(frame.type)
            if state is None:
                kind = frame.type
                name = MESSAGES[kind].TYPE.name.lower() if kind in MESSAGES else f"type {kind}"
                raise RemoteProtocolError(f"The usbredir peer sent {name} while the session was {self.state.value}.")
            if state is not self.state:
                if frame.type == Type.HELLO:
                    self._greeted(frame)
                self._enter(state)
            yield frame

    def decode(self, frame: Frame) -> Message:
        """The message in a received frame; raises :class:`RemoteProtocolError`."""
        return decode(frame, self.caps)

    def _enter(self, state: SessionState) -> None:
        self.state = state
        self._may_send, self._may_receive = moves_for(self.caps)[state]

    def _greeted(self, frame: Frame) -> None:
        hello = decode(frame, NOTHING)
        assert isinstance(hello, Hello)
        self.caps = hello.capabilities & self._hello.capabilities
        self._reader.use(self.caps)
        self._choose_layouts(self.caps)
