"""The commands and arguments that the other machine needs, as lines that can be copied."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from harness.guest.qemu import redir_argv
from harness.usbip.description import BUSID
from harness.usbip.server import PORT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["qemu_arguments", "usbip_commands"]


def qemu_arguments(path: Path, *, connect: bool) -> list[str]:
    """Arguments for QEMU, an option a line, with a host controller of the device's own.

    Their ids have the socket's name in them, so that a QEMU can have several devices.
    """
    argv = redir_argv(re.sub(r"[^A-Za-z0-9_-]", "-", f"-{path.name}"), path, listens=connect)
    options = [shlex.join(argv[at : at + 2]) for at in range(0, len(argv), 2)]
    return [f"{option} \\" for option in options[:-1]] + options[-1:]


def usbip_commands(host: str, port: int) -> list[str]:
    """Commands for root on the machine that is to have the device."""
    usbip = "usbip" if port == PORT else f"usbip --tcp-port {port}"
    return [
        "modprobe vhci-hcd",
        f"{usbip} attach --remote={shlex.quote(host)} --busid={BUSID}",
        "usbip detach --port=0    # and away",
    ]
