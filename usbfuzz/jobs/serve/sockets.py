"""A unix socket that only its owner can connect to, at a path of the user's choice."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from usbfuzz.errors import InfraError, InputError

__all__ = ["MAX_PATH", "private_socket"]

MAX_PATH = 107  #: bytes of a unix socket's path, sun_path of unix(7) without its NUL
_ONLY_OWNER = 0o177


@contextlib.contextmanager
def private_socket(path: Path) -> Iterator[socket.socket]:
    """A bound socket, mode 0600, that is removed at the end, unless somebody has put another in its place.

    A socket of the user's that no process serves any more is replaced; anything else at the path is not. Raises
    InputError for a path that cannot be used, InfraError when the system refuses.
    """
    _check_directory(path)
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with listening:
        mask = os.umask(_ONLY_OWNER)
        try:
            listening.bind(str(path))
        except OSError as error:
            raise InfraError(f"{path}: cannot make a socket there: {error.strerror}") from error
        finally:
            os.umask(mask)
        mine = path.lstat()
        try:
            yield listening
        finally:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(path.lstat(), mine):
                    path.unlink()


def _check_directory(path: Path) -> None:
    if len(os.fsencode(path)) > MAX_PATH:
        raise InputError(f"{path}: is longer than the {MAX_PATH} bytes of a socket's path; choose a shorter one")
    try:
        status = path.parent.stat()
    except OSError as error:
        raise InputError(f"{path}: no socket can be made there: {path.parent}: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path}: {path.parent} is not a directory")
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise InputError(
            f"{path}: others can write to {path.parent} and put a socket of theirs there; choose a directory of yours"
        )


def _clear(path: Path) -> None:
    """Remove a socket of the user's that no process listens on; refuse everything else that is in the way."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise InputError(f"{path}: exists and is not a socket; choose another path")
    if status.st_uid != os.getuid():
        raise InputError(f"{path}: is a socket of another user; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise InputError(f"{path}: somebody already serves there; stop it or choose another path")
