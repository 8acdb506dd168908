"""Other tools on usbfuzz's guests: devices written for Facedancer, fuzzing sessions written for boofuzz.

``facedancer_backend`` needs the package facedancer, the extra of that name.
"""

__all__ = ["BACKEND", "SOCKET"]

#: Value of Facedancer's environment variable ``BACKEND`` that chooses usbfuzz's backend.
BACKEND = "usbredir"
#: Environment variable with the path of the socket where QEMU's usb-redir listens.
SOCKET = "USBFUZZ_REDIR"
