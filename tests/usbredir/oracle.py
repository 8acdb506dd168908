"""libusbredirparser as the other end of a session: the implementation QEMU uses, through ctypes.

Its struct and functions are those of /usr/include/usbredirparser.h; the shared library comes with QEMU (on Debian in
libusbredirparser1).
"""

from __future__ import annotations

import ctypes as c
from ctypes.util import find_library
from typing import Any

from harness.channel.said import Sender
from harness.usbredir.constants import Capability, Type
from harness.usbredir.message import MESSAGES, DataMessage, Message
from harness.usbredir.messages import FilterFilter
from harness.usbredir.packets import BulkPacket

ALL_CAPS = Capability(0xFF)
ERROR = 1  #: usbredirparser_error

_V = c.c_void_p
_LOG = c.CFUNCTYPE(None, _V, c.c_int, c.c_char_p)
_IO = c.CFUNCTYPE(c.c_int, _V, _V, c.c_int)
_BARE = c.CFUNCTYPE(None, _V)
_HEAD = c.CFUNCTYPE(None, _V, _V)
_ID = c.CFUNCTYPE(None, _V, c.c_uint64)
_ID_HEAD = c.CFUNCTYPE(None, _V, c.c_uint64, _V)
_PACKET = c.CFUNCTYPE(None, _V, c.c_uint64, _V, _V, c.c_int)
_FILTER = c.CFUNCTYPE(None, _V, _V, c.c_int)

#: Callbacks in the order of struct usbredirparser.
_CALLBACKS: list[tuple[Type, Any]] = [
    (Type.DEVICE_CONNECT, _HEAD),
    (Type.DEVICE_DISCONNECT, _BARE),
    (Type.RESET, _BARE),
    (Type.INTERFACE_INFO, _HEAD),
    (Type.EP_INFO, _HEAD),
    (Type.SET_CONFIGURATION, _ID_HEAD),
    (Type.GET_CONFIGURATION, _ID),
    (Type.CONFIGURATION_STATUS, _ID_HEAD),
    (Type.SET_ALT_SETTING, _ID_HEAD),
    (Type.GET_ALT_SETTING, _ID_HEAD),
    (Type.ALT_SETTING_STATUS, _ID_HEAD),
    (Type.START_ISO_STREAM, _ID_HEAD),
    (Type.STOP_ISO_STREAM, _ID_HEAD),
    (Type.ISO_STREAM_STATUS, _ID_HEAD),
    (Type.START_INTERRUPT_RECEIVING, _ID_HEAD),
    (Type.STOP_INTERRUPT_RECEIVING, _ID_HEAD),
    (Type.INTERRUPT_RECEIVING_STATUS, _ID_HEAD),
    (Type.ALLOC_BULK_STREAMS, _ID_HEAD),
    (Type.FREE_BULK_STREAMS, _ID_HEAD),
    (Type.BULK_STREAMS_STATUS, _ID_HEAD),
    (Type.CANCEL_DATA_PACKET, _ID),
    (Type.CONTROL_PACKET, _PACKET),
    (Type.BULK_PACKET, _PACKET),
    (Type.ISO_PACKET, _PACKET),
    (Type.INTERRUPT_PACKET, _PACKET),
]
_LATER_CALLBACKS: list[tuple[Type, Any]] = [
    (Type.HELLO, _HEAD),
    (Type.FILTER_REJECT, _BARE),
    (Type.FILTER_FILTER, _FILTER),
    (Type.DEVICE_DISCONNECT_ACK, _BARE),
    (Type.START_BULK_RECEIVING, _ID_HEAD),
    (Type.STOP_BULK_RECEIVING, _ID_HEAD),
    (Type.BULK_RECEIVING_STATUS, _ID_HEAD),
    (Type.BUFFERED_BULK_PACKET, _PACKET),
]


class _Parser(c.Structure):
    _fields_ = [
        ("priv", _V),
        ("log", _LOG),
        ("read", _IO),
        ("write", _IO),
        *((kind.name, form) for kind, form in _CALLBACKS),
        *((name, _V) for name in ("alloc_lock", "lock", "unlock", "free_lock")),
        *((kind.name, form) for kind, form in _LATER_CALLBACKS),
    ]


def _library() -> c.CDLL:
    name = find_library("usbredirparser")
    assert name, "libusbredirparser is missing: install libusbredirparser1"
    library = c.CDLL(name)
    library.usbredirparser_create.restype = c.POINTER(_Parser)
    return library


_LIB = _library()
_LIBC = c.CDLL(None)
_LIBC.free.argtypes = [_V]


class Oracle:
    """A parser on the given side. What it received is in ``received``, what it complained about in ``errors``."""

    def __init__(self, side: Sender, caps: Capability) -> None:
        self.side = side
        self.received: list[Message] = []
        self.errors: list[str] = []
        self.shared = Capability(0)
        self._own = caps | (Capability.DEVICE_DISCONNECT_ACK if side is Sender.GUEST else Capability(0))
        self._in = b""
        self._out = bytearray()
        self._parser = _LIB.usbredirparser_create()
        self._keep = self._callbacks()
        for name, callback in self._keep.items():
            setattr(self._parser.contents, name, callback)
        words = (c.c_uint32 * 1)(int(caps))
        _LIB.usbredirparser_init(self._parser, b"oracle", words, 1, 1 if side is Sender.HOST else 0)

    def close(self) -> None:
        """Free the parser."""
        _LIB.usbredirparser_destroy(self._parser)

    def feed(self, data: bytes) -> None:
        """Let it read these bytes."""
        self._in += data
        while self._in and _LIB.usbredirparser_do_read(self._parser) != -1:
            pass

    def output(self) -> bytes:
        """What it wants to write."""
        while _LIB.usbredirparser_has_data_to_write(self._parser):
            assert _LIB.usbredirparser_do_write(self._parser) == 0
        out = bytes(self._out)
        self._out.clear()
        return out

    def send(self, message: Message) -> None:
        """Make it send a message, given as one."""
        function = getattr(_LIB, f"usbredirparser_send_{message.TYPE.name.lower()}")
        form = dict(_CALLBACKS + _LATER_CALLBACKS)[message.TYPE]
        arguments: list[Any] = [self._parser]
        if form in (_ID, _ID_HEAD, _PACKET):
            arguments.append(c.c_uint64(message.id))
        if form in (_HEAD, _ID_HEAD, _PACKET):
            # A full-size header: the function itself cuts it to what the capabilities allow.
            arguments.append(c.create_string_buffer(_full(message)))
        if form is _PACKET:
            assert isinstance(message, DataMessage)
            # NULL without data, or it is taken for unexpected data.
            arguments += [message.payload or None, len(message.payload)]
        function(*arguments)

    def _callbacks(self) -> dict[str, Any]:
        def write(_: int, data: int, count: int) -> int:
            self._out += c.string_at(data, count)
            return count

        def read(_: int, data: int, count: int) -> int:
            taken, self._in = self._in[:count], self._in[count:]
            c.memmove(data, taken, len(taken))
            return len(taken)

        def log(_: int, level: int, text: bytes) -> None:
            if level == ERROR:
                self.errors.append(text.decode(errors="replace"))

        found: dict[str, Any] = {"log": _LOG(log), "read": _IO(read), "write": _IO(write)}
        for kind, form in _CALLBACKS + _LATER_CALLBACKS:
            found[kind.name] = form(self._receiver(kind, form))
        return found

    def _receiver(self, kind: Type, form: Any) -> Any:
        def bare(_: int) -> None:
            self._got(kind)

        def head(_: int, fields: int) -> None:
            self._got(kind, 0, fields)

        def with_id(_: int, number: int, fields: int = 0) -> None:
            self._got(kind, number, fields)

        def packet(_: int, number: int, fields: int, data: int | None, length: int) -> None:
            payload = c.string_at(data, length) if data else b""
            _LIBC.free(data)
            self._got(kind, number, fields, payload)

        def rules(_: int, text: int, count: int) -> None:
            _LIBC.free(text)
            self.received.append(FilterFilter(payload=b"%d rules\0" % count))

        return {_BARE: bare, _HEAD: head, _ID: with_id, _ID_HEAD: with_id, _PACKET: packet, _FILTER: rules}[form]

    def _got(self, kind: Type, number: int = 0, fields: int = 0, payload: bytes = b"") -> None:
        found = MESSAGES[kind]
        if kind is Type.HELLO:
            return
        caps = self.shared
        raw = c.string_at(fields, found.layout(caps).size) if fields else b""
        rest = {"payload": payload} if issubclass(found, DataMessage) else {}
        self.received.append(found.parse(found.layout(caps).unpack(raw), id=number, **rest))


def _full(message: Message) -> bytes:
    """The type header with every field there is."""
    if isinstance(message, BulkPacket):
        return BulkPacket.LAYOUT.pack(*message.values(ALL_CAPS))
    values = message.values(ALL_CAPS)
    layout = message.LAYOUT
    missing = len(layout.unpack(bytes(layout.size))) - len(values)
    return layout.pack(*values, *(0,) * missing)
