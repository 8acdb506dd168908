"""``lsusb.txt``: a device as ``lsusb -v`` of usbutils 014 shows it, without plugging it in.

The layout is usbutils'; names come from the machine's usb.ids. Deliberately different: every descriptor is shown, in
the order it stands in, also those libusb refuses a device for or leaves out (lsusb stops there); what is cut short is
``** UNRECOGNIZED`` instead of bytes read from beyond its end; the fields of audio 2.0 and 3.0, video and smart card
descriptors are named as the specifications name them, without lsusb's words for single bits; there is no device
status, no hub port status and no bus.
"""

from __future__ import annotations

from .device import render_lsusb

__all__ = ["render_lsusb"]
