"""Every error usbfuzz raises on purpose, and who is at fault.

::

    UsbfuzzError
    ├── InputError          what the user gave
    │   ├── CaseError           a case or device file: path, line, key
    │   ├── KernelError         a kernel that cannot be found, fetched, verified or used
    │   └── EmulatorError       an emulator of which the same is true
    ├── GuestError          what the guest did
    │   └── BootError           it panicked, hung or never became ready while booting
    └── InfraError          what we, or this machine, failed at
        ├── QemuError           QEMU is missing, lacks usb-redir, died, or broke QMP
        ├── ProtocolError       a usbredir rule was about to be broken, or the peer broke one
        └── StorageError        a crash directory, cache or image cannot be written or is in use

The command line maps this tree to exit codes in one place (:attr:`UsbfuzzError.exit_code`).
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BootError",
    "CaseError",
    "EmulatorError",
    "GuestError",
    "InfraError",
    "InputError",
    "KernelError",
    "ProtocolError",
    "QemuError",
    "StorageError",
    "UsbfuzzError",
    "first_of",
]


class UsbfuzzError(Exception):
    """Root of the tree, never raised itself. The message is one sentence for the user: what, where, and what to do."""

    exit_code: ClassVar[int] = 4  #: of the command line; as for :class:`InfraError` unless a class says otherwise


class InputError(UsbfuzzError):
    """What the user gave cannot be used."""

    exit_code = 2


class CaseError(InputError):
    """A case or device file is broken. The message starts ``PATH:LINE: KEY:`` as far as these are known."""


class KernelError(InputError):
    """A kernel is unknown, cannot be fetched or verified, or lacks what a guest needs."""


class EmulatorError(InputError):
    """An emulator is unknown, or cannot be fetched, verified or used."""


class GuestError(UsbfuzzError):
    """The guest did something that ends the job."""

    exit_code = 3


class BootError(GuestError):
    """The kernel panicked, hung or never became ready while booting."""


class InfraError(UsbfuzzError):
    """This machine or usbfuzz itself failed; the guest is not to blame."""

    exit_code = 4


class QemuError(InfraError):
    """QEMU is missing, lacks a feature, died, or did not speak QMP."""


class ProtocolError(InfraError):
    """A usbredir rule was about to be broken by us, or was broken by the peer."""


class StorageError(InfraError):
    """A directory cannot be written, is full, or is in use by another campaign."""


def first_of(error: Exception) -> Exception:
    """The error itself, or the first of a group, groups in groups unfolded: the others are its consequences."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
