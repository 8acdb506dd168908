"""Plays a device to the guest: what the guest asks, the device is asked, and what it answers is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.channel.exporter import BaseExporter
from usbfuzz.wire import Answer, Status, TransferType

from .announce import device_connect, ep_info, interface_info
from .constants import Type, WireStatus
from .messages import DeviceDisconnect, GetAltSetting, GetConfiguration, Reset, SetAltSetting, SetConfiguration
from .packets import (
    AllocBulkStreams,
    BulkStreamsStatus,
    CancelDataPacket,
    FreeBulkStreams,
    InterruptPacket,
    InterruptReceivingStatus,
    IsoPacket,
    IsoStreamStatus,
    StartInterruptReceiving,
    StartIsoStream,
    StopInterruptReceiving,
    StopIsoStream,
)
from .state import SessionState
from .streams import Stream
from .transfers import AltSetting, BulkTransfer, Configuration, ControlTransfer, InterruptOut, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.channel.leaks import LeakWatch
    from harness.channel.scheduler import Scheduler
    from usbfuzz.device import Device

    from .codec import Frame
    from .message import Message
    from .session import Session

__all__ = ["Exporter"]

#: What the guest asks of the device; the rest is housekeeping of the channel.
_ASKS = frozenset(
    (
        Type.SET_CONFIGURATION,
        Type.GET_CONFIGURATION,
        Type.SET_ALT_SETTING,
        Type.GET_ALT_SETTING,
        Type.START_ISO_STREAM,
        Type.START_INTERRUPT_RECEIVING,
        Type.CONTROL_PACKET,
        Type.BULK_PACKET,
        Type.ISO_PACKET,
        Type.INTERRUPT_PACKET,
    )
)


class Exporter(BaseExporter[Transfer]):
    """One plugged device."""

    def __init__(
        self,
        session: Session,
        device: Device,
        scheduler: Scheduler,
        write: Callable[[bytes], None],
        clogged: Callable[[], bool],
        on_device_error: Callable[[Exception], None],
        leaks: LeakWatch | None = None,
    ) -> None:
        super().__init__(device, scheduler, on_device_error, leaks)
        self._session = session
        self._write = write
        self._clogged = clogged
        self._streams: dict[int, Stream] = {}

    def connect(self) -> None:
        """Say what the device is, and plug it in. What the device raises when asked for that is passed on."""
        layout = self._device.layout()
        described = (
            ep_info(layout),
            interface_info(layout),
            device_connect(self._device.speed, self._device.device_descriptor()),
        )
        self._write(b"".join(self._session.send(message) for message in described))

    def disconnect(self) -> None:
        """Complete what is pending as cancelled, as usbredirhost does, and unplug the device."""
        if self._session.state is SessionState.CONNECTED:
            self._pipes.drain()
        self.close()
        self._write(self._session.send(DeviceDisconnect()))

    def fail(self) -> None:
        """As the base; what is polled for the guest fails as well."""
        super().fail()
        for endpoint, stream in self._streams.items():
            if endpoint & 0x80:
                stream.again()

    def close(self) -> None:
        """As the base; the streams end too."""
        super().close()
        for stream in self._streams.values():
            stream.stop()
        self._streams.clear()

    def handle(self, frame: Frame) -> None:
        """Answer one message of the guest now, or queue it."""
        kind, number, body = frame
        if kind in _ASKS:
            self.requests += 1
        if kind == Type.CONTROL_PACKET:
            self._pipes.submit(ControlTransfer(number, *self._session.unpack_control(body)))
        elif kind == Type.BULK_PACKET:
            self._pipes.submit(BulkTransfer(number, *self._session.unpack_bulk(body)))
        else:
            self._handle_rare(self._session.decode(frame))

    def _handle_rare(self, message: Message) -> None:
        match message:
            case CancelDataPacket():
                self._pipes.cancel(message.id)
            case InterruptPacket():
                self._pipes.submit(InterruptOut(message))
            case IsoPacket():
                self._iso_out(message)
            case SetConfiguration(configuration=value):
                self._pipes.submit(Configuration(message.id, value))
            case GetConfiguration():
                self._pipes.submit(Configuration(message.id))
            case SetAltSetting(interface=interface, alt=alt):
                self._pipes.submit(AltSetting(message.id, interface, alt))
            case GetAltSetting(interface=interface):
                self._pipes.submit(AltSetting(message.id, interface))
            case AllocBulkStreams(endpoints=mask, no_streams=count):
                self.push(BulkStreamsStatus(mask, count, WireStatus.SUCCESS, id=message.id))
            case FreeBulkStreams(endpoints=mask):
                self.push(BulkStreamsStatus(mask, 0, WireStatus.SUCCESS, id=message.id))
            case Reset():
                self._call(self._device.on_reset)
            case _:
                self._handle_stream(message)

    def _handle_stream(self, message: Message) -> None:
        match message:
            case StartInterruptReceiving(endpoint=endpoint):
                stream = self._stream(endpoint, TransferType.INTERRUPT)
                status = WireStatus.INVAL if stream is None else WireStatus.SUCCESS
                self.push(InterruptReceivingStatus(status, endpoint, id=message.id))
                if stream is not None:
                    stream.start()
            case StopInterruptReceiving(endpoint=endpoint):
                self._stop(endpoint)
                self.push(InterruptReceivingStatus(WireStatus.SUCCESS, endpoint, id=message.id))
            case StartIsoStream(endpoint=endpoint, pkts_per_urb=packets, no_urbs=urbs):
                stream = self._stream(endpoint, TransferType.ISOCHRONOUS, burst=packets * urbs)
                self.push(IsoStreamStatus(WireStatus.SUCCESS, endpoint, id=message.id))
                if stream is not None and endpoint & 0x80:
                    stream.start()
            case StopIsoStream(endpoint=endpoint):
                self._stop(endpoint)
                self.push(IsoStreamStatus(WireStatus.SUCCESS, endpoint, id=message.id))

    # What streams and pipes need

    @property
    def clogged(self) -> bool:
        """QEMU does not read as fast as we write."""
        return self._clogged()

    def push(self, message: Message) -> None:
        """Send a message."""
        self._write(self._session.send(message))

    def poll(self, bEndpointAddress: int, length: int) -> Answer:
        """Ask the device for a packet."""
        if self._pipes.failing:
            return Answer(Status.IO_ERROR)
        answer = self._call(lambda: self._device.on_in(bEndpointAddress, length))
        if self._leaks is not None and answer.data:
            self._leaks.heard(answer.data)
        return answer

    def _complete(self, transfer: Transfer, status: Status, data: bytes) -> None:
        self._write(transfer.answer(self._session, status, data))

    def _iso_out(self, packet: IsoPacket) -> None:
        if self._pipes.failing:
            return
        if self._leaks is not None and self._leaks.suspects(packet.payload):
            self._leaks.look(self._device, packet.endpoint, packet.payload)
        answer = self._call(lambda: self._device.on_out(packet.endpoint, packet.payload))
        if answer.status is Status.STALL:
            self.push(IsoStreamStatus(WireStatus.STALL, packet.endpoint))

    def _stream(self, endpoint: int, kind: TransferType, **options: int) -> Stream | None:
        """A new stream in place of an old one; None when the device has no such endpoint."""
        self._stop(endpoint)
        for layout in self._device.layout().endpoints:
            if layout.bEndpointAddress == endpoint and layout.type is kind:
                stream = self._streams[endpoint] = Stream(layout, self._device.speed, self, **options)
                return stream
        return None

    def _stop(self, endpoint: int) -> None:
        stream = self._streams.pop(endpoint, None)
        if stream is not None:
            stream.stop()

    def _wake(self, bEndpointAddress: int) -> None:
        super()._wake(bEndpointAddress)
        stream = self._streams.get(bEndpointAddress)
        if stream is not None:
            self.scheduler.later(0, stream.wake)
