"""The usbredir side that has the device (usbredirproto.h 0.7), on a unix socket QEMU listens on."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from .device import Device
from .pipes import Pipe, Request
from .spec import Endpoint, Status, Step

__all__ = ["Channel"]

_HELLO, _DEVICE_CONNECT, _DEVICE_DISCONNECT, _RESET, _INTERFACE_INFO, _EP_INFO = range(6)
_SET_CONFIG, _GET_CONFIG, _CONFIG_STATUS, _SET_ALT, _GET_ALT, _ALT_STATUS = range(6, 12)
_START_ISO, _STOP_ISO, _ISO_STATUS, _START_INTERRUPT, _STOP_INTERRUPT, _INTERRUPT_STATUS = range(12, 18)
_ALLOC_STREAMS, _FREE_STREAMS, _STREAMS_STATUS, _CANCEL, _FILTER_REJECT = range(18, 23)
_DISCONNECT_ACK = 24
_CONTROL, _BULK, _ISO, _INTERRUPT = range(100, 104)
_ASKS = (_SET_CONFIG, _GET_CONFIG, _SET_ALT, _GET_ALT, _START_ISO, _START_INTERRUPT, _CONTROL, _BULK, _ISO, _INTERRUPT)

#: bulk_streams, connect_device_version, filter, device_disconnect_ack, ep_info_max_packet_size, 64bits_ids,
#: 32bits_bulk_length. QEMU has them all since 3.0.
_CAPABILITIES = 0x7F
_GREETING = struct.Struct("<III64sI")
_HEADER = struct.Struct("<IIQ")
_CONTROL_FIELDS = struct.Struct("<BBBBHHH")  #: endpoint, request, requesttype, status, value, index, length
_BULK_FIELDS = struct.Struct("<BBHIH")  #: endpoint, status, length, stream_id, length_high
_PACKET_FIELDS = struct.Struct("<BBH")  #: endpoint, status, length
_MAX_CONTROL_IN = 4096  #: QEMU's buffer
_MAX_MESSAGE = (128 << 20) + 1024
_BURST = 16  #: interrupt packets pushed ahead of the guest's polls
_TICK_MS = 10
_ISOCHRONOUS_TYPE, _INTERRUPT_TYPE, _NO_ENDPOINT = 1, 3, 255


class Channel(asyncio.Protocol):
    """One usb-redir device of QEMU. ``requests`` counts what the guest asked of the device that is plugged in."""

    def __init__(self) -> None:
        self.requests = 0
        self.last_request = 0.0
        self.closed = False
        self._device: Device | None = None
        self._transport: Any = None
        self._buffer = bytearray()
        self._greeted = asyncio.Event()
        self._gone = asyncio.Event()
        self._pipes: dict[tuple[int, int], Pipe] = {}
        self._streams: dict[int, asyncio.TimerHandle] = {}

    async def plug(self, device: Device) -> None:
        """Plug a device in, once QEMU has said hello."""
        await asyncio.wait_for(self._greeted.wait(), 60)
        self.requests, self._device = 0, device
        device.wake = self._wake
        raw = device.spec.device[:18].ljust(18, b"\0")
        self._describe(0)
        self._send(_DEVICE_CONNECT, 0, struct.pack("<B3s6s", device.spec.speed, raw[4:7], raw[8:14]))

    async def unplug(self) -> None:
        """Pull the device."""
        if self._device is None or self.closed:
            return
        for pipe in self._pipes.values():
            pipe.clear()
            while pipe.requests:
                pipe.requests.popleft().answer(Status.CANCELLED, b"")
        self._forget()
        self._gone.clear()
        self._send(_DEVICE_DISCONNECT, 0)
        await asyncio.wait_for(self._gone.wait(), 60)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self._transport = transport
        version = b"usbfuzz repro".ljust(64, b"\0")
        self._transport.write(_GREETING.pack(_HELLO, 68, 0, version, _CAPABILITIES))

    def connection_lost(self, exc: Exception | None) -> None:
        """QEMU is gone."""
        self.closed = True
        self._forget()
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        """Cut the stream into messages."""
        self._buffer += data
        if not self._greeted.is_set():
            if len(self._buffer) < 12:
                return
            length = int.from_bytes(self._buffer[4:8], "little")
            if len(self._buffer) < 12 + length:
                return
            if int.from_bytes(self._buffer[76:80], "little") & _CAPABILITIES != _CAPABILITIES:
                raise SystemExit("this QEMU is too old: its usbredir lacks capabilities of version 0.7")
            del self._buffer[: 12 + length]
            self._greeted.set()
        while len(self._buffer) >= _HEADER.size:
            kind, length, number = _HEADER.unpack_from(self._buffer)
            if length > _MAX_MESSAGE:
                self._transport.abort()
                return
            if len(self._buffer) < _HEADER.size + length:
                return
            body = bytes(self._buffer[_HEADER.size : _HEADER.size + length])
            del self._buffer[: _HEADER.size + length]
            self._handle(kind, number, body)

    def _handle(self, kind: int, number: int, body: bytes) -> None:
        if kind == _DISCONNECT_ACK:
            self._gone.set()
        device = self._device
        if device is None:
            return
        if kind in _ASKS:
            self.requests += 1
            self.last_request = asyncio.get_event_loop().time()
        if kind in _HANDLERS:
            getattr(self, _HANDLERS[kind])(device, number, body)

    # Requests of the guest

    def _on_reset(self, device: Device, number: int, body: bytes) -> None:
        device.on_reset()

    def _on_control(self, device: Device, number: int, body: bytes) -> None:
        endpoint, request, kind, _, value, index, length = _CONTROL_FIELDS.unpack_from(body)
        payload = body[_CONTROL_FIELDS.size :]

        def answer(status: int, data: bytes) -> None:
            data = data[: min(length, _MAX_CONTROL_IN)] if endpoint & 0x80 else b""
            size = len(data) if endpoint & 0x80 else 0 if status else len(payload)
            head = _CONTROL_FIELDS.pack(endpoint, request, kind, status, value, index, size)
            self._send(_CONTROL, number, head + data)

        setup = (kind, request, value, index, length)
        self._submit((0, 0), Request(number, lambda: device.on_control(setup, payload), answer))

    def _on_bulk(self, device: Device, number: int, body: bytes) -> None:
        endpoint, _, low, stream, high = _BULK_FIELDS.unpack_from(body)
        length = low | high << 16

        def answer(status: int, data: bytes) -> None:
            if endpoint & 0x80:
                status = status or (Status.BABBLE if len(data) > length else 0)
                data = data[:length]
                size = len(data)
            else:
                data, size = b"", 0 if status else length
            head = _BULK_FIELDS.pack(endpoint, status, size & 0xFFFF, stream, size >> 16)
            self._send(_BULK, number, head + data)

        self._submit((endpoint, stream), Request(number, lambda: _transfer(device, endpoint), answer))

    def _on_interrupt_out(self, device: Device, number: int, body: bytes) -> None:
        endpoint, _, length = _PACKET_FIELDS.unpack_from(body)

        def answer(status: int, data: bytes) -> None:
            self._send(_INTERRUPT, number, _PACKET_FIELDS.pack(endpoint, status, 0 if status else length))

        self._submit((endpoint, 0), Request(number, lambda: device.on_out(endpoint), answer))

    def _on_iso_out(self, device: Device, number: int, body: bytes) -> None:
        if device.on_out(body[0]).status == Status.STALL:
            self._send(_ISO_STATUS, 0, bytes((Status.STALL, body[0])))

    def _on_set_configuration(self, device: Device, number: int, body: bytes) -> None:
        def answer(status: int, data: bytes) -> None:
            if not status:
                self._describe(number)
            self._send(_CONFIG_STATUS, number, bytes((status, device.configuration)))

        self._submit((0, 0), Request(number, lambda: device.on_set_configuration(body[0]), answer))

    def _on_get_configuration(self, device: Device, number: int, body: bytes) -> None:
        def answer(status: int, data: bytes) -> None:
            self._send(_CONFIG_STATUS, number, bytes((status, device.configuration)))

        self._submit((0, 0), Request(number, Step, answer))

    def _on_set_interface(self, device: Device, number: int, body: bytes) -> None:
        interface, alternate = body[0], body[1]

        def answer(status: int, data: bytes) -> None:
            if not status:
                self._describe(number)
            self._send(_ALT_STATUS, number, bytes((status, interface, alternate)))

        self._submit((0, 0), Request(number, lambda: device.on_set_interface(interface, alternate), answer))

    def _on_get_interface(self, device: Device, number: int, body: bytes) -> None:
        def answer(status: int, data: bytes) -> None:
            self._send(_ALT_STATUS, number, bytes((status, body[0], device.alternate.get(body[0], 0))))

        self._submit((0, 0), Request(number, Step, answer))

    def _on_streams(self, device: Device, number: int, body: bytes) -> None:
        count = body[4:8] if len(body) == 8 else bytes(4)
        self._send(_STREAMS_STATUS, number, body[:4] + count + b"\0")

    def _on_cancel(self, device: Device, number: int, body: bytes) -> None:
        for pipe in self._pipes.values():
            for request in pipe.requests:
                if request.number == number:
                    pipe.withdraw(request)
                    return

    # Endpoints whose packets are pushed: interrupt IN and isochronous IN

    def _on_start_iso(self, device: Device, number: int, body: bytes) -> None:
        self._send(_ISO_STATUS, number, bytes((0, body[0])))
        self._start(device, body[0], _ISOCHRONOUS_TYPE, body[1] * body[2])

    def _on_start_interrupt(self, device: Device, number: int, body: bytes) -> None:
        self._send(_INTERRUPT_STATUS, number, bytes((0, body[0])))
        self._start(device, body[0], _INTERRUPT_TYPE, _BURST)

    def _on_stop_iso(self, device: Device, number: int, body: bytes) -> None:
        self._stop(body[0])
        self._send(_ISO_STATUS, number, bytes((0, body[0])))

    def _on_stop_interrupt(self, device: Device, number: int, body: bytes) -> None:
        self._stop(body[0])
        self._send(_INTERRUPT_STATUS, number, bytes((0, body[0])))

    def _start(self, device: Device, address: int, kind: int, burst: int) -> None:
        self._stop(address)
        for setting in device.settings().values():
            for endpoint in setting.endpoints:
                if address & 0x80 and endpoint.address == address and endpoint.type == kind:
                    self._push(device, endpoint, burst)

    def _stop(self, address: int) -> None:
        timer = self._streams.pop(address, None)
        if timer is not None:
            timer.cancel()

    def _push(self, device: Device, endpoint: Endpoint, credit: int) -> None:
        """Push what the device gives, at most ``credit`` packets, and go on at the endpoint's rate."""
        iso = endpoint.type == _ISOCHRONOUS_TYPE
        loop, wait = asyncio.get_event_loop(), _TICK_MS
        for _ in range(credit):
            step = device.on_in(endpoint.address)
            if step.delay_ms:
                wait = step.delay_ms
            if step.status == Status.NEVER:
                return
            if step.status == Status.NAK:
                break
            if step.status == Status.STALL:
                self._send(_ISO_STATUS if iso else _INTERRUPT_STATUS, 0, bytes((Status.STALL, endpoint.address)))
                return
            size = 0xFFFF if iso else endpoint.max_packet_size
            for at in range(0, max(len(step.data), 1), size):
                packet = step.data[at : at + size]
                head = _PACKET_FIELDS.pack(endpoint.address, step.status, len(packet))
                self._send(_ISO if iso else _INTERRUPT, 0, head + packet)
        again = loop.call_later(wait / 1000, lambda: self._push(device, endpoint, 1))
        self._streams[endpoint.address] = again

    # Sending

    def _submit(self, key: tuple[int, int], request: Request) -> None:
        pipe = self._pipes.setdefault(key, Pipe())
        pipe.requests.append(request)
        pipe.serve()

    def _wake(self, address: int) -> None:
        for key, pipe in self._pipes.items():
            if key[0] == address and pipe.naked:
                pipe.clear()
                asyncio.get_event_loop().call_soon(pipe.serve)

    def _forget(self) -> None:
        self._device = None
        for pipe in self._pipes.values():
            pipe.clear()
            pipe.requests.clear()
        self._pipes.clear()
        for address in list(self._streams):
            self._stop(address)

    def _describe(self, number: int) -> None:
        """Interfaces and endpoints, from the settings in effect and never from descriptor bytes."""
        assert self._device is not None
        settings = self._device.settings()
        types, intervals, interfaces = bytearray((_NO_ENDPOINT,) * 32), bytearray(32), bytearray(32)
        types[0] = types[16] = 0
        sizes, streams = [64] * 32, 0
        for interface, setting in settings.items():
            for endpoint in setting.endpoints:
                at = (endpoint.address & 0x80) >> 3 | endpoint.address & 0x0F
                types[at], intervals[at], interfaces[at] = endpoint.type, endpoint.interval, interface
                sizes[at] = endpoint.max_packet_size
                streams = max(streams, endpoint.max_streams)
        tail = struct.pack("<32H32I", *sizes, *[streams] * 32)
        columns = [bytes(settings), *(bytes(s.triple[i] for s in settings.values()) for i in range(3))]
        shown = struct.pack("<I32s32s32s32s", len(settings), *columns)
        first, second = (_EP_INFO, bytes(types + intervals + interfaces) + tail), (_INTERFACE_INFO, shown)
        for kind, body in (second, first) if number else (first, second):
            self._send(kind, 0, body)

    def _send(self, kind: int, number: int, body: bytes = b"") -> None:
        if not self.closed:
            self._transport.write(_HEADER.pack(kind, len(body), number) + body)


def _transfer(device: Device, endpoint: int) -> Step:
    return device.on_in(endpoint) if endpoint & 0x80 else device.on_out(endpoint)


_HANDLERS = {
    _RESET: "_on_reset",
    _CONTROL: "_on_control",
    _BULK: "_on_bulk",
    _INTERRUPT: "_on_interrupt_out",
    _ISO: "_on_iso_out",
    _SET_CONFIG: "_on_set_configuration",
    _GET_CONFIG: "_on_get_configuration",
    _SET_ALT: "_on_set_interface",
    _GET_ALT: "_on_get_interface",
    _ALLOC_STREAMS: "_on_streams",
    _FREE_STREAMS: "_on_streams",
    _CANCEL: "_on_cancel",
    _START_ISO: "_on_start_iso",
    _STOP_ISO: "_on_stop_iso",
    _START_INTERRUPT: "_on_start_interrupt",
    _STOP_INTERRUPT: "_on_stop_interrupt",
}
