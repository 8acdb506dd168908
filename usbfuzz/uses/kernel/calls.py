"""What is common to all kinds of nodes: the calls themselves, and constants of opening, polling and mapping."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from . import dvb, inputs, net, serial, sound, storage, usbfs, video
from .table import Request, Struct, Table

__all__ = ["CALLS", "CONSTANTS", "REQUESTS", "STRUCTS", "SYSCALLS", "TABLES", "CallForm"]


@frozen
class CallForm:
    """How a call is written, and what is sent of it."""

    #: ``fd`` something opened, ``map`` a mapping, ``number``, ``data`` bytes or a structure, ``room`` so many bytes to
    #: be written to, ``path`` a pattern of names; those behind a ``?`` may be left out.
    parameters: tuple[str, ...]
    gives: bool = False  #: what it returns can be named, and used by later calls


#: Constants that are no one node's: fcntl.h, poll.h, sys/mman.h, as on all architectures that guests have.
_COMMON = Table.of(
    "\n",
    "\n",
    """
O_RDONLY=0 O_WRONLY=1 O_RDWR=2 O_EXCL=0x80 O_NOCTTY=0x100 O_NONBLOCK=0x800 O_APPEND=0x400
POLLIN=1 POLLPRI=2 POLLOUT=4 POLLERR=8 POLLHUP=0x10
PROT_NONE=0 PROT_READ=1 PROT_WRITE=2 MAP_SHARED=1 MAP_PRIVATE=2
SEEK_SET=0 SEEK_CUR=1 SEEK_END=2 F_SETFL=4 F_SETPIPE_SZ=1031
SHUT_RD=0 SHUT_WR=1 SHUT_RDWR=2
""",
)

TABLES: Mapping[str, Table] = {
    "common": _COMMON,
    "video": video.TABLE,
    "sound": sound.TABLE,
    "input": inputs.TABLE,
    "serial": serial.TABLE,
    "dvb": dvb.TABLE,
    "usbfs": usbfs.TABLE,
    "storage": storage.TABLE,
    "net": net.TABLE,
}

STRUCTS: Mapping[str, Struct] = {name: it for table in TABLES.values() for name, it in table.structs.items()}
REQUESTS: Mapping[str, Request] = {name: it for table in TABLES.values() for name, it in table.requests.items()}
CONSTANTS: Mapping[str, int] = {name: it for table in TABLES.values() for name, it in table.constants.items()}

#: Calls by name. Those that the kernel has go to it as they are; ``open`` and ``node`` look for what the device
#: brought, ``sleep``, ``touch`` (each page of a mapping), ``hold`` and ``repeat`` are the agent's own.
CALLS: Mapping[str, CallForm] = {
    "open": CallForm(("path", "number", "?number"), gives=True),
    "node": CallForm(("path", "?number"), gives=True),
    "close": CallForm(("fd",)),
    "dup": CallForm(("fd",), gives=True),
    "read": CallForm(("fd", "room"), gives=True),
    "write": CallForm(("fd", "data")),
    "pread64": CallForm(("fd", "room", "number")),
    "pwrite64": CallForm(("fd", "data", "number")),
    "lseek": CallForm(("fd", "number", "number")),
    "ioctl": CallForm(("fd", "request"), gives=True),
    "mmap": CallForm(("fd", "number", "number", "number", "number"), gives=True),
    "munmap": CallForm(("map",)),
    "touch": CallForm(("map",)),
    "poll": CallForm(("fd", "number", "number")),
    "fsync": CallForm(("fd",)),
    "fcntl": CallForm(("fd", "number", "number")),
    "socket": CallForm(("number", "number", "number"), gives=True),
    "bind": CallForm(("fd", "data")),
    "connect": CallForm(("fd", "data")),
    "sendto": CallForm(("fd", "data", "?number")),
    "recvfrom": CallForm(("fd", "room", "?number")),
    "setsockopt": CallForm(("fd", "number", "number", "data")),
    "shutdown": CallForm(("fd", "number")),
    "sleep": CallForm(("number",)),
}

#: Those of the kernel, in the order of their numbers in a program as the agent gets it.
SYSCALLS = (
    "close", "dup", "read", "write", "pread64", "pwrite64", "lseek", "ioctl", "mmap", "munmap", "poll", "fsync",
    "fcntl", "socket", "bind", "connect", "sendto", "recvfrom", "setsockopt", "shutdown",
)  # fmt: skip
