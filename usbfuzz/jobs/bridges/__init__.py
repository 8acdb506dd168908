"""Guests of ours for other tools: devices written for Facedancer, fuzzing sessions written for boofuzz.

``facedancer_backend`` needs the package facedancer, the extra of that name.
"""

__all__ = ["BACKEND", "SOCKET"]

#: What Facedancer's environment variable ``BACKEND`` must say for ours.
BACKEND = "usbredir"
#: Environment variable with the path of the socket where QEMU's usb-redir listens.
SOCKET = "USBFUZZ_REDIR"
