"""The USB/IP channel: how a simulated device reaches any Linux machine with vhci_hcd, over TCP.

Protocol 1.1.1, Documentation/usb/usbip_protocol.rst of the kernel; what that leaves open is as in tools/usb/usbip and
drivers/usb/usbip. ``messages`` names what the protocol has, ``codec`` turns it into bytes and back, ``session`` is the
state machine, ``description`` and ``said`` show a device and a message; ``urbs`` and ``exporter`` play a
:class:`usbfuzz.device.Device`; ``connection`` is one client, ``server`` the :class:`harness.channel.protocol.Channel`.
"""
