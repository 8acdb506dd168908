"""``usbfuzz plug``: one device, one kernel, live."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from harness.guest.qemu import Mode
from harness.prepare import prepare
from harness.usbredir.constants import Sender, WireStatus
from harness.usbredir.packets import BulkPacket, ControlPacket, InterruptPacket, IsoPacket
from usbfuzz.case import load
from usbfuzz.cli.options import kernel_option, kernel_param_option, progress
from usbfuzz.descriptors.constants import StandardRequest
from usbfuzz.plug import plug
from usbfuzz.replay import recorded_kernel

if TYPE_CHECKING:
    from harness.guest.agent_client import UEvent
    from harness.usbredir.message import Message
    from usbfuzz.case.model import Case

__all__ = ["plug_command"]

_BYTES_SHOWN = 24


@click.command("plug")
@click.argument("device", type=click.Path(path_type=Path))
@kernel_option("Kernel to plug it into; by default the one named in the file, else debian:5.10.223.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.REALTIME.value,
    show_default=True,
    callback=lambda _context, _parameter, value: Mode(value),
    help="How time passes.",
)
@click.option("--transfers/--no-transfers", default=True, show_default=True, help="Show each transfer.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="Stop by itself after this long.")
@kernel_param_option
def plug_command(
    device: Path, kernel: str | None, mode: Mode, transfers: bool, seconds: float | None, kernel_params: tuple[str, ...]
) -> int:
    """Plug DEVICE (a device or case file) into a guest and show kernel log, drivers and transfers until Ctrl-C."""
    case = load(device)
    watcher = _Screen(Console(highlight=False), transfers)
    asyncio.run(_run(case, kernel or recorded_kernel(case), mode, kernel_params, watcher, seconds))
    return 0


async def _run(
    case: Case, kernel: str, mode: Mode, params: tuple[str, ...], watcher: _Screen, seconds: float | None
) -> None:
    config = await prepare(kernel, mode=mode, kernel_params=params, on_progress=progress)
    task = asyncio.ensure_future(plug(case, config, watcher, seconds=seconds, on_progress=progress))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    watcher.summary()


class _Screen:
    """Prints what happens, a line each: kernel log plain, drivers green, transfers dim."""

    def __init__(self, console: Console, transfers: bool) -> None:
        self._console = console
        self._transfers = transfers
        self._started = time.monotonic()
        self._bound: list[tuple[str, str]] = []
        self._count = 0

    def kernel(self, line: str) -> None:
        self._print("kernel", line, "")

    def uevent(self, event: UEvent) -> None:
        match event.kind:
            case "bind" if ":" in event.name:
                self._bound.append((event.name, event.detail))
                self._print("driver", f"{event.detail} bound to {event.name}", "bold green")
            case "unbind" if ":" in event.name:
                self._print("driver", f"unbound from {event.name}", "yellow")
            case "add" if event.detail:
                self._print("node", f"/dev/{event.detail}", "cyan")

    def transfer(self, at: float, sender: Sender, message: Message) -> None:
        del at
        if sender is Sender.GUEST:
            self._count += 1
        if self._transfers:
            arrow, style = ("→", "blue") if sender is Sender.GUEST else ("←", "magenta")
            self._print("usb", f"{arrow} {_describe(sender, message)}", style)

    def summary(self) -> None:
        """What bound, and how much was said."""
        drivers = ", ".join(f"{driver} ({name})" for name, driver in self._bound) or "none"
        self._console.print(f"drivers bound: {drivers}; {self._count} messages from the host", style="bold")

    def _print(self, what: str, line: str, style: str) -> None:
        stamp = f"{time.monotonic() - self._started:8.3f} {what:<6} "
        self._console.print(Text(stamp, style="dim").append(line.rstrip("\r"), style=style), soft_wrap=True)


def _describe(sender: Sender, message: Message) -> str:
    """One line for one message: what is asked, or how it was answered."""
    match message:
        case ControlPacket() if sender is Sender.GUEST:
            return _control(message)
        case ControlPacket() | BulkPacket() | InterruptPacket() | IsoPacket():
            kind = type(message).__name__.removesuffix("Packet").lower()
            where = "" if isinstance(message, ControlPacket) else f" 0x{message.endpoint:02x}"
            status = WireStatus(message.status).name.lower()
            return (
                f"{kind}{where} {status if message.status else ''} {_bytes(message.payload, message.length)}".replace(
                    "  ", " "
                )
            )
        case _:
            values = " ".join(f"{name}={_value(getattr(message, name))}" for name in message.FIELDS)
            return f"{message.TYPE.name.lower()} {values}"


def _control(message: ControlPacket) -> str:
    request = message.request
    standard = not message.requesttype & 0x60 and request in StandardRequest._value2member_map_
    name = StandardRequest(request).name if standard else f"request 0x{request:02x}"
    setup = f"{message.requesttype:02x} {request:02x} wValue {message.value:04x} wIndex {message.index:04x}"
    data = f": {_bytes(message.payload, message.length)}" if message.payload else f" wLength {message.length}"
    return f"control {name} [{setup}]{data}"


def _bytes(payload: bytes, length: int) -> str:
    shown = payload[:_BYTES_SHOWN].hex(" ")
    more = " …" if len(payload) > _BYTES_SHOWN else ""
    return f"{length} bytes {shown}{more}".rstrip()


def _value(value: object) -> str:
    if isinstance(value, tuple):
        known = [f"{index}:{item}" for index, item in enumerate(value) if item not in (0, 255)]
        return "{" + " ".join(known) + "}"
    return str(value)
