"""Transfers of recordings that keep the order of what was said, but not when: fwupd's events, umockdev's ioctls."""

from __future__ import annotations

from attrs import field, mutable

from usbfuzz.descriptors.constants import DIRECTION_IN
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
