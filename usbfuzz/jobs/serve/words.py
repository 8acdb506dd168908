"""What to type on the other side, as lines that can be copied."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from harness.guest.qemu import redir_argv
from harness.usbip.server import BUSID, PORT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["qemu_words", "usbip_words"]


def qemu_words(path: Path, *, connect: bool) -> list[str]:
    """Arguments for QEMU, an option a line, with a host controller of the device's own.

    Their ids have the socket's name in them, so that a QEMU can have several devices.
    """
    words = redir_argv(re.sub(r"[^A-Za-z0-9_-]", "-", f"-{path.name}"), path, listens=connect)
    options = [shlex.join(words[at : at + 2]) for at in range(0, len(words), 2)]
    return [f"{option} \\" for option in options[:-1]] + options[-1:]


def usbip_words(host: str, port: int) -> list[str]:
    """Commands for root on the machine that is to have the device."""
    usbip = "usbip" if port == PORT else f"usbip --tcp-port {port}"
    return [
        "modprobe vhci-hcd",
        f"{usbip} attach --remote={shlex.quote(host)} --busid={BUSID}",
        "usbip detach --port=0    # and away",
    ]
