"""Simulated devices: a class whose body is the device's data sheet.

::

    class DeafHeadset(Device):
        \"\"\"Headset that refuses to tell its sampling rate.\"\"\"

        device = build.device(idVendor=0x041E, idProduct=0x3000)
        configurations = (build.configuration(...),)

        @control_in(bRequest=ClassRequest.UAC1_GET_CUR, recipient=Recipient.ENDPOINT)
        def get_rate(self, setup: Setup) -> Reply:
            return STALL

Everything the body does not say is served as USB 2.0 chapter 9 asks for; see :class:`Device` for the state and the
calls of the channel, :mod:`usbfuzz.models` for devices to copy from.
"""

from __future__ import annotations

from . import build
from .base import Device
from .handlers import Reply, control_in, control_out, endpoint_in, endpoint_out
from .hid import HidDevice

__all__ = ["Device", "HidDevice", "Reply", "build", "control_in", "control_out", "endpoint_in", "endpoint_out"]
