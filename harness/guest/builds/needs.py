"""What this machine must have to build a kernel: programs, headers, room on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from usbfuzz.arch import Arch
from usbfuzz.errors import InfraError, StorageError

__all__ = ["check_needs", "check_place"]

#: Command, or file: Debian's package of it.
_PACKAGES: Mapping[str, str] = {
    "make": "make",
    "gcc": "gcc",
    "ld": "binutils",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "perl": "perl",
    "tar": "tar",
    "xz": "xz-utils",
    "depmod": "kmod",
    "/usr/include/libelf.h": "libelf-dev",
    "/usr/include/openssl/opensslv.h": "libssl-dev",
}
_COMPILED = frozenset({"gcc", "ld"})  #: those of the kernel's architecture

#: Bytes for everything: 6.12's source takes 1.7 GB, its objects with kasan and kcov about as much, the result twice.
_ROOM = 5_000_000_000
_NOT_IN_PATHS = frozenset(" :\t\n")  #: the kernel's Makefile refuses blanks and colons, see its ``space_escape``


def check_needs(arch: Arch, needs: Mapping[str, str] = _PACKAGES) -> None:
    """Raise InfraError with the one line that installs all that is missing."""
    missing = sorted(_missing(arch, needs.items()))
    if missing:
        raise InfraError(
            f"building a kernel needs {', '.join(missing)}; install with: "
            f"apt-get install -y --no-install-recommends {' '.join(missing)}"
        )


def check_place(directory: Path, *, begun: bool) -> None:
    """Raise StorageError when a build's directory has a name that make cannot take, or its disk too little room."""
    if _NOT_IN_PATHS & set(str(directory)):
        raise StorageError(
            f"{directory}: make cannot build in a directory with a blank or colon in its name; "
            "set USBFUZZ_CACHE to another"
        )
    free = shutil.disk_usage(next(path for path in (directory, *directory.parents) if path.exists())).free
    if free < _ROOM and not begun:
        raise StorageError(
            f"{directory}: building a kernel takes {_ROOM / 1e9:.0f} GB, and {free / 1e9:.1f} GB are free; "
            "free some, or set USBFUZZ_CACHE to a directory on a larger disk"
        )


def _missing(arch: Arch, needs: Iterable[tuple[str, str]]) -> Iterable[str]:
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    for name, package in needs:
        if name.startswith("/"):
            if not Path(name).exists():
                yield package
        elif shutil.which(f"{arch.tool_prefix if name in _COMPILED else ''}{name}", path=path) is None:
            yield f"{package}-{arch.gnu.replace('_', '-')}" if name in _COMPILED and arch.tool_prefix else package
