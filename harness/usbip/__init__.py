"""The USB/IP channel: how a simulated device reaches any Linux machine with vhci_hcd, over TCP.

Protocol 1.1.1, Documentation/usb/usbip_protocol.rst of the kernel; what that leaves open is as in tools/usb/usbip and
drivers/usb/usbip. ``messages`` names what the protocol has, ``codec`` turns it into bytes and back, ``session`` knows
what may come when, ``urbs`` and ``exporter`` play a :class:`usbfuzz.device.Device`; ``server`` is the socket.
"""
