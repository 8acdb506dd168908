"""What drivers leaked to devices in a round: each gets the driver's name, and a report on the console.

The report is named after driver and kind of transfer: syzbot's "KMSAN: kernel-usb-infoleak in usb_submit_urb" is one
name for all drivers. Whether it was an address or unwritten memory is not in the title, since the same bug shows
either, as the guest was booted. Nor are endpoint addresses and lengths, which are the device's and not the driver's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from harness.channel.addresses import UNKNOWN_KERNEL, AddressMap
from harness.channel.leaks import Leak, LeakWatch
from harness.guest.place import Place
from usbfuzz.descriptors.constants import Recipient
from usbfuzz.wire import TransferType

from .addresses import address_map
from .drivers import driver_for, matching_module
from .outcome import binds_driver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.channel.protocol import Channel
    from harness.guest.agent_client import Agent, UEvent

__all__ = ["Leaks", "leak_text", "poisons"]

_LINE = "=" * 66
_NOT_STANDARD = 0x60  #: bits of bmRequestType: class or vendor. Standard requests are made by USB core
_ROW = 16  #: bytes of a line of the dump


def poisons(kernel_params: Iterable[str]) -> bool:
    """Whether these words of a kernel's command line have SLUB fill what nobody has written: ``slub_debug=…P…``."""
    options = [word.partition("=") for word in kernel_params]
    return any(name in {"slub_debug", "slab_debug"} and "P" in flags.partition(",")[0] for name, _, flags in options)


@define
class Leaks:
    """The watches of a guest's ports, and what they found; kept over its restores, as the addresses are the same."""

    aliases: Path | None  #: the image's, to name a driver that did not bind
    poisoned: bool = False
    addresses: AddressMap = UNKNOWN_KERNEL
    _watches: list[LeakWatch] = field(factory=list, init=False)

    def listen(self, ports: Sequence[Channel]) -> None:
        """Look through what is sent on these ports from now on."""
        self._watches = [LeakWatch(self.addresses, self.poisoned) for _ in ports]
        for port, watch in zip(ports, self._watches, strict=True):
            port.leaks = watch

    async def told(self, agent: Agent | None, events: Iterable[UEvent]) -> str:
        """What was found since the last call, as text for the console; ``events`` say which drivers bound.

        What looks like an address is held against the guest's own memory, which is read of a guest that leaked, once.
        """
        found = [(port, leak) for port, watch in enumerate(self._watches) for leak in watch.take()]
        if agent is not None and any(leak.address for _, leak in found) and self.addresses is UNKNOWN_KERNEL:
            self.addresses = await address_map(agent)
            for watch in self._watches:
                watch.know(self.addresses)
        bound = {event.name: event.detail for event in events if binds_driver(event)}
        texts = [
            leak_text(leak, self._driver(port, leak, bound), self.addresses)
            for port, leak in found
            if not leak.address or self.addresses.where(leak.address)
        ]
        return "".join(dict.fromkeys(texts))

    def _driver(self, port: int, leak: Leak, bound: dict[str, str]) -> str:
        """The driver bound to the interface it was sent to, else the module that would have been."""
        if leak.setup is not None and not leak.setup.bmRequestType & _NOT_STANDARD:
            return "usbcore"
        number = _interface(leak)
        mine = {name: driver for name, driver in bound.items() if (place := Place.of(name)) and place.port == port}
        driver = driver_for(leak.device, number, mine, bound)
        return driver or matching_module(leak.device, number, self.aliases) or "an unknown driver"


def _interface(leak: Leak) -> int | None:
    """The number of the interface that a transfer belongs to; None for one to the whole device."""
    endpoint = leak.endpoint
    if leak.setup is not None:
        recipient = leak.setup.bmRequestType & 0x1F
        if recipient == Recipient.INTERFACE:
            return leak.setup.wIndex & 0xFF
        if recipient != Recipient.ENDPOINT:
            return None
        endpoint = leak.setup.wIndex & 0xFF
    return next(
        (each.bInterfaceNumber for each in leak.device.layout().endpoints if each.bEndpointAddress == endpoint), None
    )


def leak_text(leak: Leak, driver: str, addresses: AddressMap) -> str:
    """The report that is put into the console, as :mod:`usbfuzz.triage` reads it."""
    how, where = _transfer(leak)
    what = (
        f"Kernel address {leak.address:016x} ({addresses.where(leak.address)})"
        if leak.address
        else f"{len(leak.row)} bytes of memory that nobody has written (the allocator's {leak.row[0]:02x})"
    )
    lines = [
        _LINE,
        f"BUG: usbfuzz: kernel-usb-infoleak in {driver} ({how})",
        f"{what} at offset {leak.offset} of the {leak.length} bytes sent to {where}",
        *_dump(leak),
        _LINE,
    ]
    return "".join(f"{line}\n" for line in lines)


def _transfer(leak: Leak) -> tuple[str, str]:
    """The kind of transfer as a title has it, and the whole of it."""
    if leak.setup is not None:
        setup = leak.setup
        kind = f"{setup.bmRequestType:#04x}/{setup.bRequest:#04x}"
        return (
            f"control {kind}",
            f"endpoint 0 with request {kind} wValue {setup.wValue:#06x} wIndex {setup.wIndex:#06x}",
        )
    types = {each.bEndpointAddress: each.type for each in leak.device.layout().endpoints}
    how = types.get(leak.endpoint, TransferType.BULK).name.lower()
    return how, f"{how} endpoint {leak.endpoint:#04x}"


def _dump(leak: Leak) -> list[str]:
    rows = range(0, len(leak.excerpt), _ROW)
    return [f"  {leak.excerpt_at + at:08x}: {leak.excerpt[at : at + _ROW].hex(' ')}" for at in rows]
