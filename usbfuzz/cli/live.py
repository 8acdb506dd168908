"""What ``plug``, ``serve`` and ``shell`` show while it happens."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from rich.text import Text

from harness.channel.said import Sender

if TYPE_CHECKING:
    from rich.console import Console

    from harness.channel.said import Said
    from harness.guest.agent_client import UEvent

__all__ = ["Screen"]

_MODULES = "Modules linked in:"


class Screen:
    """A line for each thing that happens: kernel log plain, drivers green, transfers by direction, trouble red."""

    def __init__(self, console: Console, transfers: bool) -> None:
        self.transfers = transfers
        self._console = console
        self._started = time.monotonic()
        self._in_list = False
        self._bound: list[tuple[str, str]] = []
        self._count = 0

    def kernel(self, line: str) -> None:
        """A line of the guest's kernel log; the list of loaded modules is left out, as all are loaded."""
        stamp, bracket, text = line.partition("] ")
        self._in_list = text.startswith(_MODULES) or (self._in_list and text.startswith(" "))
        if not self._in_list:
            self._print("kernel", line, "")
        elif text.startswith(_MODULES):
            self._print("kernel", f"{stamp}{bracket}{_MODULES} …", "")

    def uevent(self, event: UEvent) -> None:
        """A driver bound or unbound, a device node came."""
        match event.kind:
            case "bind" if ":" in event.name:
                self._bound.append((event.name, event.detail))
                self._print("driver", f"{event.detail} bound to {event.name}", "bold green")
            case "unbind" if ":" in event.name:
                self._print("driver", f"unbound from {event.name}", "yellow")
            case "add" if event.detail:
                self._print("node", f"/dev/{event.detail}", "cyan")

    def transfer(self, at: float, said: Said) -> None:
        """A message of the channel."""
        del at
        if said.sender is Sender.GUEST:
            self._count += 1
        if self.transfers:
            arrow, style = ("→", "blue") if said.sender is Sender.GUEST else ("←", "magenta")
            self._print("usb", f"{arrow} {said.line()}", style)

    def note(self, text: str) -> None:
        """Something about the channel or the guest itself."""
        self._print("note", text, "bold")

    def crash(self, title: str) -> None:
        """The kernel crashed, or warned."""
        self._print("crash", title, "bold red")

    def device_error(self, error: Exception) -> None:
        """The device's own code raised this: show it with the innermost line of the traceback."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        self._print("error", f"{type(error).__name__}: {error}{where}", "bold red")

    def summary(self) -> None:
        """Print which drivers bound and how many messages the host sent."""
        drivers = ", ".join(f"{driver} ({name})" for name, driver in self._bound) or "none"
        said = f"; {self._count} messages from the host" if self._count else ""
        self._console.print(f"drivers bound: {drivers}{said}", style="bold", soft_wrap=True)

    def _print(self, what: str, line: str, style: str) -> None:
        stamp = f"{time.monotonic() - self._started:8.3f} {what:<6} "
        self._console.print(Text(stamp, style="dim").append(line.rstrip("\r"), style=style), soft_wrap=True)
