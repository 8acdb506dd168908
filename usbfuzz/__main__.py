"""``python -m usbfuzz``: the command line, where the console script is not on PATH."""

from usbfuzz.cli import main

main()
