"""The firmware that drivers ask for: given to a guest before a round, taken away after it, and names that were missed.

A kernel looks for a file below /lib/firmware/updates, then below /lib/firmware, where nothing else is (``fw_path`` of
drivers/base/firmware_loader/main.c); so a guest gets its files there while it runs, and its image stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from harness.guest.place import Place
from usbfuzz.case.model import Firmware, is_firmware_name
from usbfuzz.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from harness.guest.agent_client import Agent

__all__ = ["CASES", "LARGEST", "USERS", "FirmwareShelf", "give", "missed", "missed_by", "take_away"]

#: Bytes of one file: half of a guest's memory is for its files, and the largest of a USB device has one and a half MiB.
LARGEST = 16 << 20
USERS = "/lib/firmware"  #: for files of the user's, which stay as long as a guest lives
CASES = "/lib/firmware/updates"  #: for files of cases, which go after a round
_PIECE = 1 << 20  #: bytes of a program's input
_WRITE_S = 60.0  #: guest seconds
#: Programs are applets of the shell.
_PUT = 'mkdir -p "${0%/*}" && cat >>"$0"'
#: What request_firmware() says of a name it finds nowhere, behind the device that it is for; ENOENT is -2.
_MISSED = re.compile(r"(?:(\S{1,200}): )?Direct firmware load for (\S{1,200}) failed with error -2$", re.MULTILINE)
#: Names of one round: a driver that asks for more does so on what a device says.
_MOST = 16


async def give(agent: Agent, files: Iterable[Firmware], root: str = CASES) -> None:
    """Let the guest's kernel find these files, as far as it has room for them; raises QemuError, GuestError."""
    for file in files:
        for at in range(0, max(len(file.data), 1), _PIECE):
            command = ("sh", "-c", _PUT, f"{root}/{file.name}")
            await agent.run(command, _WRITE_S, file.data[at : at + _PIECE])


async def take_away(agent: Agent) -> None:
    """Have the guest's kernel find none any more; raises QemuError, GuestError."""
    await agent.run(("sh", "-c", f"rm -rf {CASES}"), _WRITE_S)


def missed(console: str) -> tuple[str, ...]:
    """Names that drivers asked for and did not get, each once; those that no file can have are left out."""
    return tuple(dict.fromkeys(name for _, name in _MISSED.findall(console) if is_firmware_name(name)))[:_MOST]


def missed_by(console: str, ports: Collection[int]) -> tuple[str, ...]:
    """The same of drivers of the devices on some ports, as far as the log says whose they are."""
    mine = (name for device, name in _MISSED.findall(console) if (place := Place.of(device)) and place.port in ports)
    return tuple(dict.fromkeys(name for name in mine if is_firmware_name(name)))[:_MOST]


class FirmwareShelf:
    """A directory with firmware, as /lib/firmware of a machine is one."""

    def __init__(self, directory: Path) -> None:
        """Raises InputError when it is not one."""
        if not directory.is_dir():
            raise InputError(f"{directory}: not a directory of firmware files")
        self._directory = directory.resolve()

    def find(self, names: Iterable[str]) -> Iterator[tuple[str, Firmware | str]]:
        """Each name with its file, or with the reason why it cannot be given."""
        for name in names:
            yield name, self._file(name)

    def _file(self, name: str) -> Firmware | str:
        path = (self._directory / name).resolve()  # a link may lead elsewhere in the directory, and not out of it
        if not path.is_relative_to(self._directory):
            return "leads out of the directory"
        try:
            if not path.is_file():
                return "is not there"
            if path.stat().st_size > LARGEST:
                return f"has more than {LARGEST >> 20} MiB"
            return Firmware(name, path.read_bytes())
        except OSError as error:
            return f"cannot be read ({error.strerror})"
