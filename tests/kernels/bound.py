"""Which modules of a kernel bind to USB devices, by their aliases."""

from __future__ import annotations

from harness.guest.kernels import Kernel, ModuleIndex

__all__ = ["bound_by_usb"]


def bound_by_usb(kernel: Kernel) -> set[str]:
    """The loadable modules with an alias for USB or HID devices."""
    index = ModuleIndex.read(kernel.modules)
    return {alias.module for alias in index.aliases if alias.pattern.startswith(("usb:", "hid:"))} & index.paths.keys()
