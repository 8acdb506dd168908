"""A Facedancer 3 script: a keyboard that types what it is given. Nothing in it knows of usbfuzz.

::

    usbfuzz facedancer examples/facedancer_typist.py hello

The same script drives a Facedancer board that is plugged into a computer. It needs the extra: ``pip install
'usbfuzz[facedancer]'``.
"""

from __future__ import annotations

import asyncio
import sys

from facedancer import main
from facedancer.devices.keyboard import USBKeyboardDevice
from facedancer.errors import EndEmulation


async def type_words(keyboard: USBKeyboardDevice, words: str) -> None:
    """Wait for the host to choose a configuration, then type."""
    while keyboard.configuration is None:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    await keyboard.type_string(words)
    await asyncio.sleep(1)
    raise EndEmulation(f"typed {words}")


if __name__ == "__main__":
    words = sys.argv.pop()
    keyboard = USBKeyboardDevice()
    main(keyboard, type_words(keyboard, words))
