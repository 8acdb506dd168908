"""Guest images: one initramfs for each kernel, with the agent and the modules that bind USB and HID devices.

::

    Kernel ──manifest (by the lists in policy)──▶ modules ┐
    C sources ──programs──▶ agent, tools ─────────────────┼──build, cpio──▶ Image
    this machine's busybox ───────────────────────────────┘
"""

from __future__ import annotations

from .build import Image, build_image

__all__ = ["Image", "build_image"]
