"""Transfers of recordings that keep the order of what was said, but not when: fwupd's events, umockdev's ioctls."""

from __future__ import annotations

from attrs import field, mutable

from usbfuzz.descriptors.constants import DIRECTION_IN, ClassRequest, Recipient, RequestKind
from usbfuzz.wire import Answer, Setup, TransferType

from .transfers import Transfer

__all__ = ["Untimed"]


@mutable
class Untimed:
    """Transfers in their order.

    What an IN endpoint sends is taken for the reply to what the host sent last, so that it waits for that again.
    """

    transfers: list[Transfer] = field(factory=list)

    def control(self, setup: Setup, payload: bytes, answer: Answer, place: int = 0) -> None:
        """Add a control transfer."""
        self._add(setup.bmRequestType & DIRECTION_IN, TransferType.CONTROL, setup, payload, answer, place)

    def moved(self, bEndpointAddress: int, kind: TransferType, payload: bytes, answer: Answer, place: int = 0) -> None:
        """Add a transfer of another endpoint."""
        self._add(bEndpointAddress & (DIRECTION_IN | 0x0F), kind, None, payload, answer, place)

    def hid_report(self, kind: int, buffer: bytes, interface: int, *, is_in: bool, place: int = 0) -> None:
        """Add a HID report that a program got from a hidraw node, or set.

        ``kind`` is 1 for input, 2 for output, 3 for feature (HID 1.11 §7.2.1). The buffer begins with the report's
        number, which is 0, and not sent, where reports have none (drivers/hid/usbhid/hid-core.c).
        """
        if not buffer:
            return
        report = buffer if buffer[0] else buffer[1:]
        request = ClassRequest.HID_GET_REPORT if is_in else ClassRequest.HID_SET_REPORT
        bmRequestType = (DIRECTION_IN if is_in else 0) | RequestKind.CLASS | Recipient.INTERFACE
        setup = Setup(bmRequestType, request, kind << 8 | buffer[0], interface, len(report) & 0xFFFF)
        self.control(setup, report, Answer(data=report), place)

    def _add(
        self, address: int, kind: TransferType, setup: Setup | None, payload: bytes, answer: Answer, place: int
    ) -> None:
        is_in, now = bool(address & DIRECTION_IN), 2 * len(self.transfers) + 1
        self.transfers.append(
            Transfer(
                bus=0,
                address=0,
                bEndpointAddress=address,
                type=kind,
                setup=setup,
                status=answer.status,
                payload=b"" if is_in else payload,
                data=answer.data if is_in else b"",
                length=len(answer.data) if is_in else 0,
                frames=(),
                submitted_ns=0 if is_in and setup is None else now,
                completed_ns=now + 1,
                place=place,
            )
        )
