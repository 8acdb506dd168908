"""Guest images: the agent, the modules that bind USB and HID devices, and what they need, as one initramfs a kernel."""

from __future__ import annotations

from .build import Image, build_image

__all__ = ["Image", "build_image"]
