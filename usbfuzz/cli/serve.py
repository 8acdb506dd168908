"""``usbfuzz serve``: the device in one's own QEMU, or in any Linux machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from usbfuzz.errors import InputError
from usbfuzz.jobs.serve import serve_connecting, serve_listening, serve_usbip
from usbfuzz.jobs.serve.instructions import qemu_arguments, usbip_commands
from usbfuzz.jobs.serve.usbip import Address
from usbfuzz.load import load_device

from .interrupt import until_interrupted
from .live import Screen

if TYPE_CHECKING:
    from usbfuzz.load import Loaded

__all__ = ["serve_command"]


@click.command("serve")
@click.argument("device")
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Serve a QEMU of your own over this unix socket, which only you can open.",
)
@click.option("--connect", is_flag=True, help="QEMU listens at the socket's path (server=on); we connect.")
@click.option(
    "--usbip",
    metavar="[HOST:]PORT",
    is_flag=False,
    flag_value=str(Address().port),
    callback=lambda _context, _parameter, value: None if value is None else Address.parse(value),
    help="Serve any Linux with vhci_hcd over USB/IP, which is plain TCP; HOST is 127.0.0.1 unless given.",
)
@click.option("--transfers/--no-transfers", default=True, show_default=True, help="Show each transfer.")
def serve_command(device: str, socket: Path | None, connect: bool, usbip: Address | None, transfers: bool) -> int:
    """Serve DEVICE (as for plug) to your own QEMU or Linux machine until Ctrl-C, and show what to type there.

    Each QEMU or kernel that connects gets a new device, one at a time on each way, and may connect again.
    """
    if socket is None and usbip is None:
        raise InputError("serve needs to know to whom: give --socket PATH for a QEMU, --usbip for any Linux, or both")
    if connect and socket is None:
        raise InputError("--connect needs --socket PATH, where QEMU listens")
    loaded = load_device(device)
    loaded.make()  # a device that cannot be made is an error now, not when somebody connects
    console = Console(highlight=False)
    if loaded.case and len(loaded.case.events) > 1:
        _tell(console, f"{loaded.name} is what the case plugs in first; the rest of its schedule is yours to play", [])
    screen = Screen(console, transfers)
    serving = _serve(loaded, socket and socket.absolute(), connect, usbip, console, screen)
    asyncio.run(until_interrupted(serving))
    return 0


async def _serve(
    loaded: Loaded, socket: Path | None, connect: bool, usbip: Address | None, console: Console, screen: Screen
) -> None:
    async with asyncio.TaskGroup() as group:
        if socket is not None and connect:
            _tell(
                console,
                f"{loaded.name} for your QEMU, which listens at {socket}:",
                qemu_arguments(socket, connect=True),
            )
            group.create_task(serve_connecting(loaded, socket, screen))
        elif socket is not None:
            where = f"{loaded.name} at {socket} for your QEMU, which connects there: start it now, and again at will:"
            arguments = qemu_arguments(socket, connect=False)
            group.create_task(serve_listening(loaded, socket, screen, lambda: _tell(console, where, arguments)))
        if usbip is not None:

            def ready(port: int, address: Address = usbip) -> None:
                where = f"{loaded.name} on {address.host}:{port} over USB/IP; where it is wanted, as root, type:"
                _tell(console, where, usbip_commands(address.name, port))

            if not usbip.is_local:
                _tell(console, f"warning: USB/IP has no passwords: who reaches {usbip.host} can use the device", [])
            group.create_task(serve_usbip(loaded, usbip, screen, ready))


def _tell(console: Console, what: str, lines: list[str]) -> None:
    console.print(f"usbfuzz: {what}", style="bold", markup=False, soft_wrap=True)
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
